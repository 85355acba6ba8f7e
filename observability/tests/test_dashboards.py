"""The dashboards as Grafana reads them: its own types know every field, panels have room, queries can be parsed."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard as GrafanaDashboard

from gatehouse_catalog import find_root, load_catalog
from gatehouse_observability.collector import collector_config
from gatehouse_observability.dashboards import dashboards
from gatehouse_observability.panels import Dashboard, as_json
from gatehouse_observability.prometheus import prometheus_config
from gatehouse_observability.rules import as_yaml

ROOT = find_root(Path(__file__).parent)
CATALOG = load_catalog(ROOT)
BOARDS = dashboards(CATALOG)
each = pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)


@each
def test_grafanas_own_types_read_it_without_loss(board: Dashboard):
    text = as_json(board)
    read = GrafanaDashboard.from_json(json.loads(text))
    assert json.loads(json.dumps(read, cls=JSONEncoder))["title"] == board.title
    assert len(read.panels or []) == len(board.rows) + len(board.panels)


@each
def test_panels_have_room_and_identities(board: Dashboard):
    panels = json.loads(as_json(board))["panels"]
    identities = [panel["id"] for panel in panels if "id" in panel]
    assert len(identities) == len(set(identities))
    taken = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells


@each
def test_every_panel_says_what_is_good_and_asks_the_chosen_prometheus(board: Dashboard):
    for panel in json.loads(as_json(board))["panels"]:
        if panel["type"] != "row":
            assert panel["description"]
            assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}


def promtool(*words: str) -> None:
    found = shutil.which("promtool")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("promtool isn't installed. Mend: apt-get install prometheus")
        pytest.skip("promtool isn't installed. Mend: apt-get install prometheus")
    done = subprocess.run([found, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_can_parse_every_query(tmp_path: Path):
    queries = [query.expr for board in BOARDS for panel in board.panels for query in panel.queries]
    queries += [board.releases for board in BOARDS if board.releases]
    rules = [{"record": "a:b", "expr": query.replace("$__rate_interval", "1m")} for query in queries]
    file = tmp_path / "rules.yaml"
    file.write_text(json.dumps({"groups": [{"name": str(n), "rules": [rule]} for n, rule in enumerate(rules)]}))
    promtool("check", "rules", "--lint=none", str(file))


def test_prometheus_can_read_its_configuration(tmp_path: Path):
    (tmp_path / "rules.yaml").write_text(json.dumps({"groups": []}))
    config = prometheus_config({"person": "127.0.0.1:8402"})
    (tmp_path / "prometheus.yaml").write_text(as_yaml(config))
    promtool("check", "config", str(tmp_path / "prometheus.yaml"))


def test_prometheus_can_read_what_the_collector_scrapes(tmp_path: Path):
    config = collector_config(
        CATALOG, environment="test", task_domain="test.internal", remote_write="https://amp", region="eu-central-1"
    )
    scraped = config["receivers"]["prometheus"]["config"]
    assert {job["job_name"] for job in scraped["scrape_configs"]} == {s.name for s in CATALOG if s.port is not None}
    (tmp_path / "prometheus.yaml").write_text(as_yaml(scraped))
    promtool("check", "config", str(tmp_path / "prometheus.yaml"))


def test_the_collector_keeps_samples_through_an_outage_of_minutes():
    config = collector_config(CATALOG, environment="test", task_domain="t", remote_write="https://amp", region="r")
    exporter = config["exporters"]["prometheusremotewrite"]
    assert exporter["remote_write_queue"]["queue_size"] >= 10_000
    assert exporter["retry_on_failure"]["max_elapsed_time"] == "600s"
    used = config["service"]["pipelines"]["metrics"]
    for kind in ("receivers", "processors", "exporters"):
        assert set(used[kind]) == set(config[kind])
