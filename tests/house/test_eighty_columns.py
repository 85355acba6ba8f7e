"""At 80 columns, the width of a terminal that nobody has changed, no output cuts a name, a state, a port or a figure.

Each command runs on a terminal of 80 columns and on a wide one: each word of the wide output is in the narrow one.
"""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import pytest

from gatehouse_local.gate import gate
from gatehouse_local.ports import EDGE_PORT, POSTGRES_PORT
from gatehouse_local.testing.shared_process import free_offset

from .test_files import ROOT

NARROW, WIDE = 80, 220
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[()][AB0]|\r")
BOXES = re.compile(r"[─━│┃┏┓┗┛┡┩┌┐└┘├┤┬┴┼╇╈╋┳┻┠┨╍╎═╞╡╪]+")


def captured(words: list[str], columns: int, until: str = "") -> str:
    """What a command draws on a terminal of so many columns, without escape sequences.

    `until`: it is interrupted once it has drawn this, as by Ctrl-C.
    """
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in {"COLUMNS", "LINES", "NO_COLOR"}}
    command = [sys.executable, "-m", "gatehouse_local.gate", *words]
    process = subprocess.Popen(
        command, cwd=ROOT, env={**environment, "TERM": "xterm"}, stdin=follower, stdout=follower, stderr=follower
    )
    os.close(follower)
    parts = []
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # Linux says so at the end
            break
        if not part:
            break
        parts.append(part)
        if until and until.encode() in b"".join(parts[-20:]):
            process.send_signal(signal.SIGINT)
            until = ""
    process.wait(timeout=60)
    os.close(leader)
    return ESCAPES.sub("", b"".join(parts).decode())


def words_of(text: str) -> set[str]:
    return set(BOXES.sub(" ", text).split())


def assert_nothing_is_cut(words: list[str]) -> None:
    with ThreadPoolExecutor(2) as both:
        narrow, wide = both.map(lambda columns: captured(words, columns), (NARROW, WIDE))
    assert "Traceback" not in narrow
    varying = re.compile(r"^[\d.]+(ms|s|ms\))?$|^\(?\d+\.\d")  # times, which differ from run to run
    missing = {word for word in words_of(wide) - words_of(narrow) if not varying.match(word)}
    assert missing == set(), narrow
    assert "…" not in narrow, narrow


READ_ONLY = ["affected", "doctor", "promote status", "promote explain staging", "promote log staging", "way-in dev"]
READ_ONLY += ["check --only lock"]
DEEP = ["stack cost production", "stack check dev", "stack diff dev staging"]
OF_THE_DATABASE = ["status", "plan", "drift"]
RENDERED = "ci/release/tests/cli/test_render.py draws its preview, answer or log at 80 columns and at 400"
WRAPPED = "wraps words by db-manager's cli/terminal.py, as `db plan`, `db apply` and `db status` do here"
PLAIN = "prints whole lines by click.echo, which a terminal wraps and nobody cuts"
# Commands that no test here captures, with the reason.
ELSEWHERE = {
    **dict.fromkeys(
        ["promote accept-tests", "promote apply", "promote approve", "promote built", "promote hold", "promote lift"],
        RENDERED,
    ),
    **dict.fromkeys(["promote freeze", "promote unfreeze", "promote veto", "promote verify"], RENDERED),
    **dict.fromkeys(["promote plan", "promote resume", "promote rollback"], RENDERED),
    "debug": "hands the terminal to the debugger",
    "db shell": "hands the terminal to psql",
    "test": "hands the terminal to pytest",
    **dict.fromkeys(["db check", "db docs", "db import", "db reset", "db serve"], WRAPPED),
    **dict.fromkeys(["db backup", "db restore", "generate", "stack levers"], PLAIN),
    **dict.fromkeys(["deploy", "down", "drift", "hooks install", "hooks remove", "hooks pre-push"], PLAIN),
    **dict.fromkeys(
        ["image build", "image index", "image pin", "image prune", "image scan", "image unit-tests"], PLAIN
    ),
    **dict.fromkeys(["logs", "new service", "probe", "remove service", "reset", "restart", "stop", "token"], PLAIN),
    **dict.fromkeys(["app build", "app check", "app install", "app test", "new app"], PLAIN),
    **dict.fromkeys(
        [
            "bench",
            "mutate",
            "promote notes",
            "promote release",
            "stack diagram",
            "jobs discard",
            "jobs list",
            "jobs run",
        ],
        PLAIN,
    ),
    **dict.fromkeys(
        [f"rehearse {name}" for name in ("build", "delete", "merge", "skip", "status", "stop", "wake")], PLAIN
    ),
    **dict.fromkeys(["privacy erase", "privacy export", "privacy history"], PLAIN),
    **dict.fromkeys(["events parked", "events replay", "events retry", "events tail"], PLAIN),
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("command", READ_ONLY)
def test_a_command_cuts_nothing(command: str):
    assert_nothing_is_cut(command.split())


@pytest.mark.deep
@pytest.mark.parametrize("command", DEEP)
def test_a_command_of_the_platform_cuts_nothing(command: str):
    assert_nothing_is_cut(command.split())


@pytest.mark.sampled(4)
@pytest.mark.parametrize("command", OF_THE_DATABASE)
def test_a_command_about_the_database_cuts_nothing(command: str, database_url: str):
    assert_nothing_is_cut(["db", command, "--url", database_url])


@pytest.mark.deep
def test_a_plan_of_a_whole_database_cuts_nothing(postgres):
    url = postgres.create_database()
    assert_nothing_is_cut(["db", "plan", "--url", url])
    postgres.drop_database(url)


@pytest.mark.deep
def test_an_apply_to_an_empty_database_cuts_nothing(postgres):
    texts = []
    for columns in (NARROW, WIDE):
        url = postgres.create_database()
        texts.append(captured(["db", "apply", "--schema", "topics", "--url", url], columns))
        postgres.drop_database(url)
    bar = re.compile(r"[━╸╺]+ +\d+/\d+ [\d:-]+")  # how far it was whenever it was drawn
    narrow, wide = (bar.sub(" ", text) for text in texts)
    assert "create schema topics" in narrow
    # How long each step took, and what the live bar showed when it was drawn.
    figures = re.compile(r"^([\d.,:/]+(ms|s)?|[━╺╸]+)$")
    assert {word for word in words_of(wide) - words_of(narrow) if not figures.match(word)} == set(), narrow
    assert "…" not in narrow


@pytest.mark.platform
def test_status_shows_every_name_state_health_and_port_whole(platform):
    rows = [line.split() for line in captured(["status", "--state", str(platform.state)], NARROW).splitlines()]
    assert rows[0][:4] == ["NAME", "STATE", "HEALTH", "PORT"]
    names = {row[0]: row[1:4] for row in rows[1:] if row}
    assert {"postgres", "database", "edge", *platform.services} <= names.keys()
    for name, address in platform.services.items():
        assert names[name] == ["running", "healthy", address.rpartition(":")[2]]


@pytest.mark.deep
@pytest.mark.platform
def test_a_load_shows_every_figure_whole(platform, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GATEHOUSE_URL", platform.url)
    text = captured(["load", "--seconds", "2", "--rate", "5"], NARROW)
    table = [line for line in text.splitlines() if "open the" in line or "list" in line]
    assert table, text
    assert "…" not in text


@pytest.mark.deep
def test_the_live_table_of_up_cuts_nothing(tmp_path: Path):
    offset = free_offset({EDGE_PORT, POSTGRES_PORT})
    words = ["up", "db", "--port-offset", str(offset), "--state", str(tmp_path / "state")]
    text = captured(words, NARROW, until="Everything is healthy.")
    drawn = [line.split() for line in text.splitlines() if line.startswith(("NAME ", "postgres ", "database "))]
    assert ["NAME", "STATE", "HEALTH", "PORT"] in [row[:4] for row in drawn], text
    assert ["postgres", "running", "healthy", str(POSTGRES_PORT + offset)] in [row[:4] for row in drawn], text
    assert ["database", "done", "healthy"] in [row[:3] for row in drawn], text
    assert "…" not in text


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from commands(found, (*path, name))
    else:
        yield " ".join(path), command


def test_every_command_is_captured_or_says_why_not():
    known = dict(commands(gate))
    typed = [*READ_ONLY, *DEEP, *(f"db {name}" for name in OF_THE_DATABASE), "db apply", "load", "status", "up"]
    here = {name for name in known for words in typed if f"{words} ".startswith(f"{name} ")}
    assert known.keys() - here - ELSEWHERE.keys() == set(), "capture it, or say in ELSEWHERE who does or why nobody can"
    assert ELSEWHERE.keys() - (known.keys() - here) == set()


def helps(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    name = " ".join(("gate", *path))
    context = click.Context(command, info_name=name, terminal_width=NARROW, max_content_width=NARROW)
    yield " ".join(path), command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from helps(found, (*path, name))


def test_no_help_cuts_a_sentence_or_is_wider():
    cut, wide = [], []
    for name, text in helps(gate):
        cut += [f"{name}: {line.strip()}" for line in text.splitlines() if re.search(r"[a-z,]\.\.\.$", line)]
        wide += [f"{name}: {line}" for line in text.splitlines() if len(line) > NARROW]
    assert (cut, wide) == ([], [])
