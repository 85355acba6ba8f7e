"""Each alert's runbook is there, says what to look at and what to do, and links to pages that exist."""

import json
import os
import re
import subprocess
from pathlib import Path

import psycopg
import pytest

from gatehouse_catalog import find_root, load_catalog
from gatehouse_catalog.structs import Compute, DatabaseEntry, Objectives, Scaling
from gatehouse_local.testing.documented_commands import INLINE, assert_aws_knows, assert_gate_knows, commands
from gatehouse_observability.dashboards import dashboards
from gatehouse_observability.prometheus import rule_groups
from gatehouse_observability.testing import promtool

ROOT = find_root(Path(__file__).parent)
CATALOG = load_catalog(ROOT)
ALERTS = {alert.alert: alert for group in rule_groups(CATALOG) for alert in group.alerts}
PAGES = sorted((ROOT / "observability" / "runbooks").glob("*.md"))
LINK = re.compile(r"\]\(([^)#]+)\)")
TABLES = {"compute": Compute, "database": DatabaseEntry, "objectives": Objectives, "scaling": Scaling}
KEY = re.compile(rf"`({'|'.join(TABLES)})\.(\w+)`")
SHOWN = re.compile(r"(?:panel|row) \*([^*]+)\*", re.IGNORECASE)
DASHBOARD = re.compile(r"\*([A-Z][\w ]+)\* dashboard")


@pytest.mark.parametrize("alert", ALERTS.values(), ids=ALERTS)
def test_an_alert_leads_to_a_page_about_it(alert):
    text = (ROOT / alert.runbook_file).read_text()
    assert alert.alert in text.splitlines()[0]
    assert "\n## Check first\n" in text
    assert "\n## Do\n" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_led_to_and_leads_somewhere(page: Path):
    text = page.read_text()
    assert page.stem in {alert.runbook for alert in ALERTS.values()}
    assert [link for link in LINK.findall(text) if not (page.parent / link).is_file()] == []
    titles = {dashboard.title for dashboard in dashboards()}
    assert [name for name in DASHBOARD.findall(text) if name not in titles] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_what_to_check_first_and_then_what_to_do(page: Path):
    first, do = page.read_text().split("\n## Check first\n")[1].split("\n## Do\n")
    assert len(re.findall(r"^\d\. \S", first, re.MULTILINE)) >= 2
    assert first.startswith("1. ")
    assert len(re.findall(r"^- \S", do, re.MULTILINE)) >= 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_names_is_there(page: Path):
    """Keys of service.toml, panels and rows of dashboards."""
    text = page.read_text()
    assert [key for table, key in KEY.findall(text) if key not in TABLES[table].__struct_fields__] == []
    boards = dashboards()
    titles = {row.title for board in boards for row in board.rows} | {
        panel.title for board in boards for panel in board.panels
    }
    assert [name for name in SHOWN.findall(text) if name not in titles] == []


@pytest.mark.parametrize("typed", commands(PAGES, "gate"))
def test_a_command_of_ours_exists_with_its_options(typed: str):
    assert_gate_knows(typed)


@pytest.mark.parametrize("typed", commands(PAGES, "aws"))
def test_a_command_of_aws_is_in_the_description_of_its_api(typed: str):
    assert_aws_knows(typed)


def test_each_page_says_where_to_look_in_an_environment_too():
    """Not only on a laptop, where nobody is woken: whoever is told that something is away needs its last words."""
    for page in ("service-down", "service-unscraped", "database-unreachable", "availability-burns", "memory-short"):
        assert commands([ROOT / "observability" / "runbooks" / f"{page}.md"], "aws"), page


def typed_in(pages: list[Path], beginning: str) -> list[str]:
    return sorted({code for page in pages for code in INLINE.findall(page.read_text()) if code.startswith(beginning)})


@pytest.mark.parametrize("statement", typed_in(PAGES, "select "))
def test_a_statement_runs(statement: str, database_url: str):
    with psycopg.connect(database_url) as connection:
        connection.execute(statement.replace("(pid)", "(0)").encode())


def test_prometheus_can_read_every_question(tmp_path: Path):
    questions = [*typed_in(PAGES, "topk("), *typed_in(PAGES, "count by")]
    assert len(questions) == 2
    rules = [{"record": f"a:b{number}", "expr": question} for number, question in enumerate(questions)]
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"groups": [{"name": "asked", "rules": rules}]}))
    done = promtool("check", "rules", "--lint=none", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("line", typed_in(PAGES, "ls "))
def test_a_line_for_the_shell_shows_something(line: str):
    command = ["sh", "-c", line.replace("PID", str(os.getpid()))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 2
