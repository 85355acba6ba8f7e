"""The dashboards as Grafana reads them: panels have room, queries can be parsed. Their schema: grafana/."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gatehouse_catalog import find_root, load_catalog
from gatehouse_observability.collector import collector_config, labels
from gatehouse_observability.dashboards import dashboards
from gatehouse_observability.panels import Dashboard, dashboard_json
from gatehouse_observability.prometheus import prometheus_config, rule_groups
from gatehouse_observability.rules import as_yaml, rules_document

ROOT = find_root(Path(__file__).parent)
CATALOG = load_catalog(ROOT)
BOARDS = dashboards()
COLLECTOR = collector_config(environment="test", cluster="gatehouse-test", remote_write="https://amp", region="r")
each = pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)


@each
def test_panels_have_room_and_identities(board: Dashboard):
    panels = json.loads(dashboard_json(board))["panels"]
    assert len(panels) == len(board.rows) + len(board.panels)
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
    for panel in json.loads(dashboard_json(board))["panels"]:
        if panel["type"] != "row":
            assert panel["description"]
            assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}


def promtool(*words: str) -> None:
    found = shutil.which("promtool")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("promtool isn't installed. Fix: apt-get install prometheus")
        pytest.skip("promtool isn't installed. Fix: apt-get install prometheus")
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
    scraped = COLLECTOR["receivers"]["prometheus"]["config"]
    (tmp_path / "prometheus.yaml").write_text(as_yaml(scraped))
    promtool("check", "config", str(tmp_path / "prometheus.yaml"))


def test_the_collector_keeps_samples_through_an_outage_of_minutes():
    exporter = COLLECTOR["exporters"]["prometheusremotewrite"]
    assert exporter["remote_write_queue"]["queue_size"] >= 10_000
    assert exporter["retry_on_failure"]["max_elapsed_time"] == "600s"
    used = COLLECTOR["service"]["pipelines"]["metrics"]
    for kind in ("receivers", "processors", "exporters"):
        assert set(used[kind]) == set(COLLECTOR[kind])
    assert set(COLLECTOR["service"]["extensions"]) == set(COLLECTOR["extensions"])


def test_the_collector_finds_who_says_so_and_names_nobody():
    """A container's labels are what the observer looks for; what it finds is in the file that the receiver reads."""
    observer = COLLECTOR["extensions"]["ecs_observer"]
    job, probe = COLLECTOR["receivers"]["prometheus"]["config"]["scrape_configs"]
    assert probe["static_configs"][0]["targets"] == ["127.0.0.1:9101"]
    assert "service" not in probe["static_configs"][0]["labels"]  # it is none
    assert job["file_sd_configs"][0]["files"] == [observer["result_file"]]
    (wanted,) = observer["docker_labels"]
    person = labels(CATALOG["person"])
    assert (person[wanted["port_label"]], person[wanted["job_name_label"]]) == ("8402", "person")
    assert not [service.name for service in CATALOG if f'"{service.name}"' in json.dumps(COLLECTOR)]


def test_dashboards_and_shared_rules_name_no_service():
    """So a new service changes none of them."""
    texts = [dashboard_json(board) for board in BOARDS]
    texts.append(as_yaml(rules_document(group for group in rule_groups(CATALOG) if group.name == "gatehouse-platform")))
    quoted = re.compile("|".join(rf'"{service.name}\\?"' for service in CATALOG))
    assert [found for text in texts for found in quoted.findall(text)] == []
