"""Alerts reach whom they should: read by the alert manager's own tool where it is installed."""

import json
import os
import queue
import shutil
import subprocess
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gatehouse_catalog import find_root, load_catalog
from gatehouse_local.testing.pytest_plugin import free_port
from gatehouse_observability.alertmanager import SUBJECT, TIMES, WorkingHours, alertmanager_config
from gatehouse_observability.prometheus import rule_groups
from gatehouse_observability.rules import as_yaml
from gatehouse_observability.testing import until_answers

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


def started(folder: Path, config: dict[str, Any], sink: str) -> tuple[subprocess.Popen, str]:
    """A real alert manager with this configuration, but that it posts to `sink` and waits a second; and its address."""
    found = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if found is None:
        pytest.skip("the alert manager isn't installed. Fix: apt-get install prometheus-alertmanager")
    receivers = [{"name": one["name"], "webhook_configs": [{"url": sink}]} for one in config["receivers"]]
    routes = [one | {"group_wait": "1s"} for one in config["route"]["routes"]]
    played = config | {"receivers": receivers, "route": config["route"] | {"routes": routes}}
    (folder / "alertmanager.yaml").write_text(as_yaml(played))
    address = f"127.0.0.1:{free_port()}"
    words = [f"--config.file={folder / 'alertmanager.yaml'}", f"--storage.path={folder / 'data'}"]
    command = [found, *words, f"--web.listen-address={address}", "--cluster.listen-address="]
    with (folder / "alertmanager.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    until_answers(f"http://{address}/-/ready", folder / "alertmanager.log")
    return process, f"http://{address}"


class Sink(BaseHTTPRequestHandler):
    """Takes what the alert manager sends."""

    taken: queue.SimpleQueue[dict[str, Any]]

    def do_POST(self) -> None:
        self.taken.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.mark.deep
def test_a_database_that_is_away_is_one_notification_and_none_while_it_is_switched_off(tmp_path: Path):
    """The heartbeat after it is the proof that nothing else was sent: it is never muted."""
    always = [{"weekdays": ["sunday:saturday"]}]
    asleep = NIGHTS | {"time_intervals": [NIGHTS["time_intervals"][0] | {"time_intervals": always}]}
    away = [
        {"alertname": "DatabaseUnreachable", "severity": "page", "owner": "platform", "service": service.name}
        for service in CATALOG
    ]
    for config, expected in ((CONFIG, [len(away)]), (asleep, [])):
        folder = tmp_path / str(len(expected))
        folder.mkdir()
        Sink.taken = queue.SimpleQueue()
        with ThreadingHTTPServer(("127.0.0.1", 0), Sink) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            process, url = started(folder, config, f"http://127.0.0.1:{server.server_port}")
            try:
                post(url, away)
                pages = [Sink.taken.get(timeout=60)["alerts"] for _ in expected]
                post(url, [{"alertname": "Watchdog", "severity": "heartbeat", "owner": "platform"}])
                last = Sink.taken.get(timeout=60)
            finally:
                process.kill()
                process.wait()
                server.shutdown()
        assert [len(page) for page in pages] == expected
        assert last["receiver"] == "heartbeat"


def post(url: str, alerts: list[dict[str, str]]) -> None:
    body = json.dumps([{"labels": labels} for labels in alerts]).encode()
    request = urllib.request.Request(f"{url}/api/v2/alerts", body, {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=30).close()
