"""The command itself: its errors are for people, and its exit codes for scripts."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gatehouse_local.gate import command_help
from gatehouse_local.testing.testrun import UNIT, UnknownTests, pytest_arguments

ROOT = Path(__file__).parents[2]


def gate(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "gatehouse_local.gate", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_help_lists_every_command_with_a_sentence():
    said = gate("--help")
    assert said.returncode == 0
    for command in ("up", "down", "status", "logs", "test", "check", "doctor", "reset", "generate", "new", "db"):
        assert f"\n  {command} " in said.stdout
    assert "(not installed)" not in said.stdout


def test_it_works_from_any_folder(tmp_path: Path):
    assert gate("generate", "--check", cwd=tmp_path).returncode == gate("generate", "--check").returncode


def test_from_within_another_checkout_it_still_works_on_its_own(tmp_path: Path):
    (tmp_path / "services" / "catalog").mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    found = {one["what"]: one["level"] for one in json.loads(gate("doctor", "--json", cwd=tmp_path).stdout)}
    assert found["catalog"] == "ok"


def test_an_unknown_command_is_a_sentence():
    said = gate("upp")
    assert (said.returncode, "No such command 'upp'" in said.stderr) == (2, True)


def test_a_known_error_has_no_traceback():
    said = gate("new", "service", "Not A Name", "--domain", "learning")
    assert said.returncode == 1
    assert 'such as "not-a-name"' in said.stderr
    assert "Traceback" not in said.stderr


PART = """
from importlib.metadata import EntryPoint
from gatehouse_local import gate
def broken(): raise ValueError("the reason")
gate._declared = lambda: {{"part": EntryPoint("part", "{value}", gate.GROUP)}}
gate.main({words})
"""


def part(value: str, *words: str) -> subprocess.CompletedProcess:
    """Runs gate with one part: an entry point such as another distribution would declare."""
    code = PART.format(value=value, words=list(words))
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_part_that_isnt_installed_is_named_with_the_fix():
    said = part("gatehouse_nowhere.commands:part", "part")
    assert said.returncode == 1
    assert "gate part needs the package gatehouse_nowhere, which isn't installed. Fix: uv sync" in said.stderr


def test_a_misspelt_command_is_told_with_the_nearest():
    said = part("gatehouse_local.cli.tool_commands:doctor", "parts")
    assert said.returncode == 2
    assert "No such command 'parts'. Did you mean 'part'?" in said.stderr


def test_an_unexpected_error_says_how_to_see_more():
    said = part("importlib.metadata:version", "part")  # not a command: a fault of ours
    assert said.returncode == 70
    assert "unexpected" in said.stderr
    assert "gate --debug part" in said.stderr
    assert "Traceback" in part("importlib.metadata:version", "--debug", "part").stderr


def test_the_help_of_every_command_is_the_first_sentence_of_its_docstring():
    assert command_help()["doctor"] == "Check whether this machine can run Gatehouse"
    assert all(command_help().values())


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        (["unit"], [*UNIT, "-m", "not platform and not browser"]),
        (["blackbox", "-x"], ["tests/blackbox", "-x"]),
        (["deep", "ci"], ["--deep", f"{ROOT}/ci", "-n"]),
        (["person", "-k", "archive"], ["services/person/tests", "-k", "archive", "-n", "0"]),
        (["local/tests/test_gate.py::test_x"], [f"{ROOT}/local/tests/test_gate.py::test_x", "-n", "0"]),
    ],
)
def test_words_become_arguments_of_pytest(monkeypatch: pytest.MonkeyPatch, words: list[str], arguments: list[str]):
    monkeypatch.chdir(ROOT)
    assert pytest_arguments(ROOT, words)[: len(arguments)] == arguments


def test_a_word_that_is_no_test_is_refused():
    with pytest.raises(UnknownTests, match="gate test persn: not a kind of tests"):
        pytest_arguments(ROOT, ["persn"])
