"""What `gate test` runs: turns its words into arguments of pytest. Staying and rerunning is in watch.py."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import click

# The slow ones first, as in pyproject.toml.
UNIT = ["local", "ci", "db-manager", "observability", "platform", "services"]
# A module's tests stay together: they share its database. Begun in the order given, not by how many tests they have.
SHARING = ["--dist", "loadfile", "--no-loadscope-reorder"]
KINDS = {
    "all": [],
    "unit": [*UNIT, "-m", "not platform and not browser"],
    "blackbox": ["tests/blackbox"],
    "journeys": ["tests/journeys"],
    "deep": ["--deep"],
}
LOCAL_EDGE = 8400


class UnknownTests(Exception):
    """What was asked for is neither a kind of tests nor a path."""


def run(root: Path, words: list[str]) -> int:
    """Runs pytest in a process of its own; gives its exit code."""
    environment = dict(os.environ)
    if words[:1] in (["blackbox"], ["journeys"]) and (url := take_url(words)):
        click.echo(f"Testing what runs at {url}")
        environment["GATEHOUSE_URL"] = url
    command = [sys.executable, "-m", "pytest", *pytest_arguments(root, words)]
    return subprocess.run(command, cwd=root, env=environment, check=False).returncode  # noqa: S603


def pytest_arguments(root: Path, words: list[str]) -> list[str]:
    """The arguments of pytest for what follows `gate test`; raises UnknownTests naming a word it can't place."""
    kind, rest = (words[0], words[1:]) if words and words[0] in KINDS else (None, words)
    arguments = [*(KINDS[kind] if kind else []), *_placed(root, rest)]
    if any(word == "-n" or word.startswith(("-n", "--numprocesses")) for word in rest):
        return arguments
    few = kind is None and bool(rest) and not rest[0].startswith("-")
    # Workers cost two seconds to start.
    return [*arguments, *(["-n", "0"] if few else ["-n", str(workers()), *SHARING])]


def take_url(words: list[str]) -> str | None:
    """The address after `blackbox`, removed from the words; else the platform of this machine, if one runs."""
    for word in words[1:]:
        if word.startswith(("http://", "https://")):
            words.remove(word)
            return word
    if "GATEHOUSE_URL" in os.environ:
        return os.environ["GATEHOUSE_URL"]
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return f"http://localhost:{LOCAL_EDGE}" if probe.connect_ex(("127.0.0.1", LOCAL_EDGE)) == 0 else None


def workers() -> int:
    """Two on two cores; more than four gain nothing, since all share one PostgreSQL."""
    return max(2, min(4, os.cpu_count() or 2))


def _placed(root: Path, words: list[str]) -> list[str]:
    """The words with paths made whole; an option and what follows it (`-k name`) are left to pytest."""
    before = ["", *words]
    options = [word.startswith("-") or earlier.startswith("-") for earlier, word in zip(before, words, strict=False)]
    return [word if option else _path(root, word) for word, option in zip(words, options, strict=True)]


def _path(root: Path, word: str) -> str:
    place = word.split("::", 1)[0]
    if Path(place).exists():
        return str(Path(place).resolve()) + word[len(place) :]
    if (root / place).exists():
        return word
    # A service's name is a path that people know by heart.
    if (root / "services" / place / "tests").is_dir():
        return f"services/{place}/tests"
    raise UnknownTests(
        f"gate test {word}: neither a kind of tests ({', '.join(KINDS)}) nor a path nor a service. "
        "See: gate test --help"
    )
