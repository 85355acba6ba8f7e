"""Generated files and the doctor: what they tell."""

import json
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from gatehouse_local import generate
from gatehouse_local.checks.bench import needs_platform
from gatehouse_local.checks.doctor import findings

ROOT = Path(__file__).parents[3]


def table(root: Path) -> dict[str, str]:
    return {"out/table.txt": "one\ntwo\n"}


@pytest.fixture
def one_generator(monkeypatch: pytest.MonkeyPatch):
    declared = [EntryPoint("table", f"{__name__}:table", generate.GROUP)]
    monkeypatch.setattr(EntryPoint, "load", lambda _self: table)
    monkeypatch.setattr(generate, "entry_points", lambda group: declared)


def test_a_stale_file_is_shown_and_left_by_check(one_generator, tmp_path: Path, capsys: pytest.CaptureFixture):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "table.txt").write_text("one\n")
    assert generate.run(tmp_path, only_check=True) == 1
    assert "out/table.txt is stale. Fix: gate generate" in (said := capsys.readouterr().out)
    assert "+two" in said
    assert (tmp_path / "out" / "table.txt").read_text() == "one\n"


def test_generating_writes_what_is_missing_and_then_all_is_well(one_generator, tmp_path: Path):
    assert generate.run(tmp_path, only_check=False) == 0
    assert (tmp_path / "out" / "table.txt").read_text() == "one\ntwo\n"
    assert generate.run(tmp_path, only_check=True) == 0


def test_a_generator_finds_what_those_before_it_wrote(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A new service imports its generated enumerators, and the clients are made of what it says when imported."""

    def clients(root: Path) -> dict[str, str]:
        return {"clients.txt": (root / "zebra.txt").read_text()}

    generators = {generate.LAST: clients, "zebra": lambda root: {"zebra.txt": "striped\n"}}
    declared = [EntryPoint(name, f"{__name__}:table", generate.GROUP) for name in generators]
    monkeypatch.setattr(EntryPoint, "load", lambda self: generators[self.name])
    monkeypatch.setattr(generate, "entry_points", lambda group: declared)
    assert generate.run(tmp_path, only_check=False) == 0
    assert (tmp_path / "clients.txt").read_text() == "striped\n"


def test_two_generators_of_one_file_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    declared = [EntryPoint(name, f"{__name__}:table", generate.GROUP) for name in ("a", "b")]
    monkeypatch.setattr(EntryPoint, "load", lambda _self: table)
    monkeypatch.setattr(generate, "entry_points", lambda group: declared)
    with pytest.raises(generate.TwoGenerators, match=r"out/table\.txt"):
        generate.generated(tmp_path)


def test_the_doctor_looks_at_everything_and_gives_a_fix_for_what_is_bad():
    found = list(findings(ROOT))
    assert {"python", "git", "disk", "memory", "user", "postgresql", "catalog", "ports"} <= {one.what for one in found}
    assert all(one.fix or one.what in {"user", "catalog", "postgresql"} for one in found if one.level == "bad")


def test_the_doctor_answers_scripts():
    command = [sys.executable, "-m", "gatehouse_local.gate", "doctor", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert {"what", "level", "message", "fix", "mend"} == set(json.loads(done.stdout)[0])


def test_only_a_benchmark_of_the_platform_brings_its_libraries():
    folder = ROOT / "tests" / "benchmarks"
    assert needs_platform(folder / "platform")
    assert not needs_platform(folder / "local.py")
