"""Each alert's runbook is there, says what to look at and what to do, and links to pages that exist."""

import re
from pathlib import Path

import pytest

from gatehouse_catalog import find_root, load_catalog
from gatehouse_observability.dashboards import dashboards
from gatehouse_observability.prometheus import rule_groups

ROOT = find_root(Path(__file__).parent)
CATALOG = load_catalog(ROOT)
ALERTS = {alert.alert: alert for group in rule_groups(CATALOG) for alert in group.alerts}
PAGES = sorted((ROOT / "observability" / "runbooks").glob("*.md"))
LINK = re.compile(r"\]\(([^)#]+)\)")
DASHBOARD = re.compile(r"\*([A-Z][\w ]+)\* dashboard")


@pytest.mark.parametrize("alert", ALERTS.values(), ids=ALERTS)
def test_an_alert_leads_to_a_page_about_it(alert):
    text = (ROOT / alert.runbook_file).read_text()
    assert alert.alert in text.splitlines()[0]
    assert "\n## Look first\n" in text
    assert "\n## Do\n" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_led_to_and_leads_somewhere(page: Path):
    text = page.read_text()
    assert page.stem in {alert.runbook for alert in ALERTS.values()}
    assert [link for link in LINK.findall(text) if not (page.parent / link).is_file()] == []
    titles = {dashboard.title for dashboard in dashboards()}
    assert [name for name in DASHBOARD.findall(text) if name not in titles] == []
