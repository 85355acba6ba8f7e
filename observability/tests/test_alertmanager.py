"""Alerts reach whom they should: read by the alert manager's own tool where it is installed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gatehouse_catalog import find_root, load_catalog
from gatehouse_observability.alertmanager import SUBJECT, TIMES, alertmanager_config
from gatehouse_observability.prometheus import rule_groups
from gatehouse_observability.rules import as_yaml

CATALOG = load_catalog(find_root(Path(__file__).parent))
ALERTS = [alert for group in rule_groups(CATALOG) for alert in group.alerts]
CONFIG = alertmanager_config(topic="arn:aws:sns:eu-central-1:111122223333:alerts", region="eu-central-1")


def amtool(folder: Path, *words: str) -> str:
    found = shutil.which("amtool")
    if found is None:
        fix = "amtool isn't installed. Fix: apt-get install prometheus-alertmanager"
        if os.environ.get("CI") == "true":
            pytest.fail(fix)
        pytest.skip(fix)
    file = folder / "alertmanager.yaml"
    file.write_text(as_yaml(CONFIG))
    command = [found, *words[:2], *([f"--config.file={file}"] if words[0] == "config" else [str(file)]), *words[2:]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_alert_manager_can_read_it(tmp_path: Path):
    assert "2 receivers" in amtool(tmp_path, "check-config")


@pytest.mark.parametrize("severity", TIMES)
def test_every_alert_reaches_the_receiver_of_its_severity(tmp_path: Path, severity: str):
    owners = sorted({alert.owner for alert in ALERTS if alert.severity == severity})
    assert owners
    for owner in owners:
        wanted = f"severity={severity}", f"owner={owner}"
        assert amtool(tmp_path, "config", "routes", "test", *wanted).strip() == severity


def test_a_page_is_sent_at_once_and_a_ticket_within_minutes():
    waits = {route["receiver"]: route["group_wait"] for route in CONFIG["route"]["routes"]}
    assert waits == {"page": "10s", "ticket": "5m"}


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
