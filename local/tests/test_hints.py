"""The commands in messages are ones that the reader can type, wherever they stand."""

from pathlib import Path

import pytest

from gatehouse_local.hints import Hints, gate_here

COMMANDS = ("up", "down", "db", "logs")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    door = tmp_path / "a checkout" / "local" / "gate"
    door.parent.mkdir(parents=True)
    door.write_text("#!/bin/sh\n")
    door.chmod(0o755)
    return tmp_path / "a checkout"


def test_from_the_checkout_it_is_the_door(checkout: Path):
    assert gate_here(checkout, checkout, path="") == "./local/gate"
    assert gate_here(checkout, checkout / "local", path="") == "./gate"


def test_from_another_folder_it_is_a_path_that_a_shell_takes(checkout: Path):
    assert gate_here(checkout, checkout.parent, path="") == "'./a checkout/local/gate'"
    assert gate_here(checkout, checkout.parent / "x", path="") == "'../a checkout/local/gate'"
    assert gate_here(checkout, Path("/"), path="") == f"'{checkout}/local/gate'"


def test_a_link_on_the_path_makes_it_gate(checkout: Path, tmp_path: Path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "gate").symlink_to(checkout / "local" / "gate")
    assert gate_here(checkout, checkout, path=str(tmp_path / "bin")) == "gate"


def test_another_program_of_that_name_isnt_ours(checkout: Path, tmp_path: Path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "gate").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "gate").chmod(0o755)
    assert gate_here(checkout, checkout, path=str(tmp_path / "bin")) == "./local/gate"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Stop: gate down   Logs: gate logs -f", "Stop: ./local/gate down   Logs: ./local/gate logs -f"),
        ("run `gate down` and `gate up`.", "run `./local/gate down` and `./local/gate up`."),
        ("Next: \x1b[1mgate db plan\x1b[0m", "Next: \x1b[1m./local/gate db plan\x1b[0m"),
        ("Usage: gate [OPTIONS] COMMAND", "Usage: ./local/gate [OPTIONS] COMMAND"),
        ("gate --debug up", "./local/gate --debug up"),
        ("already ./local/gate up", "already ./local/gate up"),
        ("start it with ./local/up", "start it with ./local/up"),
        ("the gate is open; an-gate up; gate upper", "the gate is open; an-gate up; gate upper"),
    ],
)
def test_commands_are_rewritten_and_prose_is_not(said: str, meant: str):
    assert Hints("./local/gate", COMMANDS).rewrite(said) == meant


def test_doors_follow_the_readers_folder():
    there = Hints("'../a checkout/local/gate'", COMMANDS)
    assert there.rewrite("Fix: ./local/up db, or gate up") == (
        "Fix: '../a checkout/local/up' db, or '../a checkout/local/gate' up"
    )
    assert Hints("gate", COMMANDS).rewrite("Fix: ./local/up, or gate up") == "Fix: ./local/up, or gate up"
