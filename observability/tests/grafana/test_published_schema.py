"""Dashboards against the schema that Grafana publishes for the version that compose runs; the file says its source."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from gatehouse_local.compose.compose_file import GRAFANA, IMAGES
from gatehouse_observability.dashboards import dashboards
from gatehouse_observability.panels import Dashboard, dashboard_json

PUBLISHED = json.loads((Path(__file__).parent / "published_schema.json").read_text(encoding="utf-8"))
# What the data source reads of an annotation: a dashboard's schema knows no data source.
OF_PROMETHEUS = ("expr", "step", "titleFormat", "textFormat")
each = pytest.mark.parametrize("board", dashboards(), ids=lambda board: board.uid)


def content(board: Dashboard) -> dict[str, Any]:
    return json.loads(dashboard_json(board))


def problems(kind: str, value: Any) -> list[str]:
    found = Draft7Validator(PUBLISHED[kind]).iter_errors(value)
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in found]


def test_the_schema_is_that_of_the_grafana_that_runs():
    assert IMAGES[GRAFANA] == f"grafana/grafana:{PUBLISHED['grafana']}"


@each
def test_a_dashboard_is_valid(board: Dashboard):
    value = content(board)
    for annotation in value["annotations"].get("list", ()):
        for key in OF_PROMETHEUS:
            annotation.pop(key, None)
    assert problems("dashboard", value) == []


@each
def test_the_options_of_its_panels_and_their_queries_are_valid(board: Dashboard):
    wrong = []
    for panel in content(board)["panels"]:
        if panel["type"] == "row":
            continue
        wrong += problems(panel["type"], panel["options"])
        custom = panel["fieldConfig"]["defaults"].get("custom")
        if custom is not None:
            # Where it's left out, Grafana's own default stands: the types ask for it all the same.
            wrong += problems(
                f"{panel['type']}_field",
                {"cellOptions": {"type": "auto"}, **custom} if panel["type"] == "table" else custom,
            )
        wrong += [problem for target in panel["targets"] for problem in problems("prometheus", target)]
    assert wrong == []


def test_what_it_does_not_know_is_found():
    value = content(dashboards()[0])
    value["panels"][1]["fieldConfig"]["defaults"]["unitt"] = "s"
    assert any("unitt" in problem for problem in problems("dashboard", value))
    assert problems("timeseries", {"legend": {"showLegend": "yes"}})
    assert problems("prometheus", {"refId": "A", "expr": 1})
