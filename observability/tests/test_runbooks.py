"""Each alert's runbook is there, says what to look at and what to do, and links to pages that exist."""

import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from gatehouse_catalog import find_root, load_catalog
from gatehouse_catalog.structs import Compute, Database, Objectives, Scaling
from gatehouse_observability.dashboards import dashboards
from gatehouse_observability.prometheus import rule_groups

ROOT = find_root(Path(__file__).parent)
CATALOG = load_catalog(ROOT)
ALERTS = {alert.alert: alert for group in rule_groups(CATALOG) for alert in group.alerts}
PAGES = sorted((ROOT / "observability" / "runbooks").glob("*.md"))
LINK = re.compile(r"\]\(([^)#]+)\)")
TABLES = {"compute": Compute, "database": Database, "objectives": Objectives, "scaling": Scaling}
COMMAND = re.compile(r"`gate ([a-z]+)")
KEY = re.compile(rf"`({'|'.join(TABLES)})\.(\w+)`")
SHOWN = re.compile(r"(?:panel|row) \*([^*]+)\*", re.IGNORECASE)
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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_what_to_look_at_first_and_then_what_to_do(page: Path):
    first, do = page.read_text().split("\n## Look first\n")[1].split("\n## Do\n")
    assert len(re.findall(r"^\d\. \S", first, re.MULTILINE)) >= 2
    assert first.startswith("1. ")
    assert len(re.findall(r"^- \S", do, re.MULTILINE)) >= 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_names_is_there(page: Path):
    """Commands, keys of service.toml, panels and rows of dashboards."""
    text = page.read_text()
    commands = {command.name for command in entry_points(group="gatehouse.commands")}
    assert set(COMMAND.findall(text)) <= commands
    assert [key for table, key in KEY.findall(text) if key not in TABLES[table].__struct_fields__] == []
    boards = dashboards()
    titles = {row.title for board in boards for row in board.rows} | {
        panel.title for board in boards for panel in board.panels
    }
    assert [name for name in SHOWN.findall(text) if name not in titles] == []
