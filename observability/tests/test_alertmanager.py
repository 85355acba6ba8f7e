"""Alerts reach whom they should: read by the alert manager's own tool where it is installed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gatehouse_catalog import find_root, load_catalog
from gatehouse_observability.alertmanager import SUBJECT, TIMES, WorkingHours, alertmanager_config
from gatehouse_observability.prometheus import rule_groups
from gatehouse_observability.rules import as_yaml

CATALOG = load_catalog(find_root(Path(__file__).parent))
ALERTS = [alert for group in rule_groups(CATALOG) for alert in group.alerts]
TOPIC, HEARTBEATS = (f"arn:aws:sns:eu-central-1:111122223333:{name}" for name in ("alerts", "heartbeat"))
CONFIG = alertmanager_config(topic=TOPIC, heartbeat=HEARTBEATS, region="eu-central-1")


NIGHTS = alertmanager_config(
    topic=TOPIC,
    heartbeat=HEARTBEATS,
    region="eu-central-1",
    hours=WorkingHours("06:50", "20:00", "Europe/Berlin"),
)


def amtool(folder: Path, *words: str, config: dict = CONFIG) -> str:
    found = shutil.which("amtool")
    if found is None:
        fix = "amtool isn't installed. Fix: apt-get install prometheus-alertmanager"
        if os.environ.get("CI") == "true":
            pytest.fail(fix)
        pytest.skip(fix)
    file = folder / "alertmanager.yaml"
    file.write_text(as_yaml(config))
    command = [found, *words[:2], *([f"--config.file={file}"] if words[0] == "config" else [str(file)]), *words[2:]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_alert_manager_can_read_it(tmp_path: Path):
    assert "3 receivers" in amtool(tmp_path, "check-config")


def muted(day: str, clock: str) -> bool:
    """Whether the alert manager keeps quiet, as its documentation reads: any interval whose weekday and time fit."""
    days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

    def on(one: str) -> bool:
        first, _, last = one.partition(":")
        return days.index(first) <= days.index(day) <= days.index(last or first)

    def within(times: list[dict[str, str]]) -> bool:
        return any(one["start_time"] <= clock < one["end_time"] for one in times)

    (intervals,) = NIGHTS["time_intervals"]
    return any(
        any(map(on, one["weekdays"])) and ("times" not in one or within(one["times"]))
        for one in intervals["time_intervals"]
    )


def test_nights_and_weekends_are_muted_where_the_environment_is_switched_off(tmp_path: Path):
    assert "3 receivers" in amtool(tmp_path, "check-config", config=NIGHTS)
    muted_ones = [route["receiver"] for route in NIGHTS["route"]["routes"] if route.get("mute_time_intervals")]
    assert muted_ones == ["page", "ticket"]
    assert all(muted("wednesday", clock) for clock in ("00:00", "06:49", "07:09", "20:00", "23:59"))
    assert not any(muted(day, clock) for day in ("monday", "friday") for clock in ("07:10", "12:00", "19:59"))
    assert all(muted(day, clock) for day in ("saturday", "sunday") for clock in ("00:00", "12:00", "23:59"))


def test_nothing_is_muted_where_the_environment_always_runs():
    assert "time_intervals" not in CONFIG
    assert not any("mute_time_intervals" in route for route in CONFIG["route"]["routes"])


@pytest.mark.parametrize("severity", TIMES)
def test_every_alert_reaches_the_receiver_of_its_severity(tmp_path: Path, severity: str):
    owners = sorted({alert.owner for alert in ALERTS if alert.severity == severity})
    assert owners
    for owner in owners:
        wanted = f"severity={severity}", f"owner={owner}"
        assert amtool(tmp_path, "config", "routes", "test", *wanted).strip() == severity


def test_a_page_is_sent_at_once_and_a_ticket_within_minutes():
    waits = {route["receiver"]: route["group_wait"] for route in CONFIG["route"]["routes"]}
    assert waits == {"page": "10s", "ticket": "5m", "heartbeat": "0s"}


def test_the_watchdog_reaches_a_topic_of_its_own_often_enough_for_the_alarm_on_its_silence(tmp_path: Path):
    (watchdog,) = [alert for alert in ALERTS if alert.severity == "heartbeat"]
    wanted = f"severity={watchdog.severity}", f"owner={watchdog.owner}", f"alertname={watchdog.alert}"
    assert amtool(tmp_path, "config", "routes", "test", *wanted).strip() == "heartbeat"
    topics = {one["name"]: one["sns_configs"][0]["topic_arn"] for one in CONFIG["receivers"]}
    assert topics == {"page": TOPIC, "ticket": TOPIC, "heartbeat": HEARTBEATS}
    (route,) = [one for one in CONFIG["route"]["routes"] if one["receiver"] == "heartbeat"]
    assert (watchdog.expr, route["repeat_interval"]) == ("vector(1)", "5m")  # the alarm waits for three times that


def test_there_is_a_way_for_every_severity():
    assert {alert.severity for alert in ALERTS} == set(TIMES)


def test_messages_of_one_mail_have_one_owner():
    """Or the attribute `owner`, by which people choose what they get, would be empty."""
    assert {"severity", "owner"} <= set(CONFIG["route"]["group_by"])


def test_a_subject_fits_sns():
    longest = max(len(alert.alert) for alert in ALERTS)
    fixed = len(SUBJECT) - sum(
        len(f"{{{{ .{name} }}}}")
        for name in ("CommonLabels.severity", "CommonLabels.alertname", "CommonLabels.service", "Status")
    )
    assert fixed + len("ticket") + longest + 30 + len("resolved") < 100
    assert SUBJECT.isascii()


def test_only_what_amp_allows():
    """It refuses other receivers, api_url and http_config, and wants sigv4's region."""
    for receiver in CONFIG["receivers"]:
        assert set(receiver) == {"name", "sns_configs"}
        (sns,) = receiver["sns_configs"]
        assert not {"api_url", "http_config"} & set(sns)
        assert sns["sigv4"] == {"region": "eu-central-1"}
