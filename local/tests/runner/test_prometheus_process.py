"""`gate up --observe`: a clear word when Prometheus isn't there, and files of its own when it is."""

from pathlib import Path

import pytest

from gatehouse_catalog import load_catalog
from gatehouse_local.runner import prometheus_process
from gatehouse_local.runner.platform_specs import OBSERVE, LocalPlatform, Location, selection
from gatehouse_local.runner.port_conflicts import Trouble

ROOT = Path(__file__).parents[3]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A program of that name: these tests start nothing."""
    file = tmp_path / "bin" / "prometheus"
    file.parent.mkdir()
    file.write_text("")
    file.chmod(0o755)
    monkeypatch.setenv("PATH", str(file.parent), prepend=":")
    return str(file)


def test_without_the_program_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Trouble, match="apt-get install prometheus"):
        prometheus_process.find()


def test_it_runs_only_when_asked_for(tmp_path: Path, program: str):
    platform = LocalPlatform(Location(ROOT, tmp_path))
    assert prometheus_process.PROMETHEUS not in {spec.name for spec in platform.specs(selection(["all"]))}
    (spec,) = [
        spec for spec in platform.specs(selection(["all", OBSERVE])) if spec.name == prometheus_process.PROMETHEUS
    ]
    assert spec.command[0] == program


def test_everything_of_it_is_in_the_state_folder_and_on_loopback(tmp_path: Path, program: str):
    spec = prometheus_process.spec(load_catalog(ROOT), {"person": "127.0.0.1:8402"}, state=tmp_path, port=8490)
    assert spec.folder == tmp_path / "prometheus"
    assert f"--storage.tsdb.path={tmp_path}/prometheus/data" in spec.command
    assert "--web.listen-address=127.0.0.1:8490" in spec.command
    assert "127.0.0.1:8402" in (tmp_path / "prometheus" / "prometheus.yaml").read_text()


def test_a_changed_catalog_makes_it_another_spec(tmp_path: Path, program: str):
    catalog = load_catalog(ROOT)
    one, same, other = [
        prometheus_process.spec(catalog, {"person": target}, state=tmp_path, port=8490)
        for target in ("a:1", "a:1", "a:2")
    ]
    assert one == same
    assert one != other


def test_who_declares_such_a_setting_is_told_the_address_unless_somebody_gave_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    variable = "GATEHOUSE_SETTING_PROMETHEUS_URL"
    monkeypatch.delenv(variable, raising=False)
    place = Location(ROOT, tmp_path, offset=100)
    told = {spec.name: spec.environment.get(variable) for spec in LocalPlatform(place).specs(selection(["all"]))}
    assert told["portal"] == "http://127.0.0.1:8590"
    assert told["person"] is None
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    (portal,) = [spec for spec in LocalPlatform(place).specs(selection(["all"])) if spec.name == "portal"]
    assert portal.environment[variable] == "http://127.0.0.1:9"
