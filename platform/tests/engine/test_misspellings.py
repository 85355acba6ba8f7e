"""A misspelt word in a runbook ends its run: every program, subcommand and option is misspelt once, and refused.

The words of `aws` and `gate` are tried in this process; those of `pulumi` and the shell by the programs themselves.
"""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from gatehouse_local.testing.documented_commands import assert_gate_knows

from .aws_cli import Call, WrongCommand
from .conftest import NOT_TRIED, engine_folder, uv
from .runbook import EXECUTED, misspellings, path, steps

# What programs say of a word that they don't know.
UNKNOWN = (
    "unknown command",
    "unknown flag",
    "unknown shorthand",
    "command not found",
    "invalid option",
    "unrecognized",
    "accepts 0 arg(s)",
)


def lines(runbook: str, *tools: str) -> list[list[str]]:
    """The commands of these programs; with none named, of all others than aws and gate."""
    found = [line.partition(" | ")[0].partition(" > ")[0] for line in steps(runbook)]
    words = [shlex.split(line) for line in found]
    return [each for each in words if (each[0] in tools if tools else each[0] not in {"aws", "gate"})]


@pytest.mark.parametrize("runbook", EXECUTED)
def test_a_misspelt_call_of_aws_ends_the_run(runbook: str, tmp_path: Path):
    for name in ("ghcr.json", "value.txt"):
        (tmp_path / name).write_text("x")
    for words in lines(runbook, "aws"):
        Call(words[1:], tmp_path)
        for wrong in map(shlex.split, misspellings(shlex.join(words))):
            if wrong[0] == "aws":
                with pytest.raises(WrongCommand):
                    Call(wrong[1:], tmp_path)


@pytest.mark.parametrize("runbook", EXECUTED)
def test_a_misspelt_gate_ends_the_run(runbook: str):
    for words in lines(runbook, "gate"):
        assert_gate_knows(shlex.join(words))
        for wrong in misspellings(shlex.join(words)):
            if wrong.startswith("gate "):
                with pytest.raises(AssertionError):
                    assert_gate_knows(wrong)


@pytest.mark.deep
@pytest.mark.parametrize("runbook", EXECUTED)
def test_a_misspelt_pulumi_or_shell_ends_the_run(runbook: str, tmp_path: Path):
    engine, installer = engine_folder(), uv()
    if engine is None or installer is None:
        pytest.skip(NOT_TRIED)
    environ = {
        "HOME": str(tmp_path),
        "PATH": path(engine, installer.parent),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_BACKEND_URL": tmp_path.as_uri(),
        **{key: os.environ[key] for key in ("UV_CACHE_DIR",) if key in os.environ},
    }
    for words in lines(runbook):
        for wrong in misspellings(shlex.join(words)):
            done = subprocess.run(
                ["/bin/bash", "-c", wrong], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
            )
            assert done.returncode, wrong
            assert any(text in done.stderr + done.stdout for text in UNKNOWN), f"{wrong}\n{done.stderr}"
