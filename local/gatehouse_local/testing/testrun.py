"""`gate test`: turns its arguments into those of pytest and runs it. `--watch` is in watch.py."""

import os
import re
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import click
import psutil

from gatehouse_local.runner.control import url_here
from gatehouse_local.testing.reaper import run_bound

# Slowest first, as in pyproject.toml.
UNIT = ["local", "ci", "db-manager", "observability", "platform", "services"]
# The tests of a module stay on one worker, as they share a database. Modules start in the order given.
SHARING = ["--dist", "loadfile", "--no-loadscope-reorder"]
SLOWEST = ["--durations", "15", "--durations-min", "3"]  # named at the end of a run
KINDS = {
    "all": [],
    "unit": [*UNIT, "-m", "not platform and not browser"],
    "blackbox": ["tests/blackbox"],
    "journeys": ["tests/journeys"],
    "deep": ["--deep"],
}
ADDRESS = re.compile(r"[\w.-]+:\d{1,5}")  # host:port, as people type it
CONNECT_SECONDS = 5.0
WORKER_BYTES = 1 << 30  # of a worker at the end of a run, and of what its tests start


class NothingAnswers(Exception):
    """No platform is there to test; the message names the URL and the fix."""


class UnknownTests(Exception):
    """An argument is neither a kind of tests nor a path."""


def run(root: Path, words: list[str]) -> int:
    """Runs pytest in its own process and returns its exit code."""
    environment = dict(os.environ)
    if words[:1] in (["blackbox"], ["journeys"]) and (url := take_url(root, words)):
        click.echo(f"Testing the platform at {url}")
        environment["GATEHOUSE_URL"] = url
    command = [sys.executable, "-m", "pytest", *pytest_arguments(root, words)]
    return run_bound(command, cwd=root, env=environment).returncode


def pytest_arguments(root: Path, words: list[str]) -> list[str]:
    """The arguments of pytest for those of `gate test`. Raises UnknownTests."""
    kind, rest = (words[0], words[1:]) if words and words[0] in KINDS else (None, words)
    arguments = [*(KINDS[kind] if kind else []), *_resolved(root, rest)]
    if any(word == "-n" or word.startswith(("-n", "--numprocesses")) for word in rest):
        return arguments
    few = kind is None and bool(rest) and not rest[0].startswith("-")
    # Workers take two seconds to start.
    return [*arguments, *(["-n", "0"] if few else ["-n", str(workers()), *SHARING, *SLOWEST])]


def take_url(root: Path, words: list[str]) -> str | None:
    """Takes the URL out of the words; without one, the URL of the platform on this machine, if it is running."""
    for word in words[1:]:
        if word.startswith(("http://", "https://")) or ADDRESS.fullmatch(word):
            words.remove(word)
            return _answering(word if "://" in word else f"http://{word}")
    if "GATEHOUSE_URL" in os.environ:
        return _answering(os.environ["GATEHOUSE_URL"])
    return url_here(root)


def _answering(url: str) -> str:
    """The URL, once something accepts a connection there. Raises NothingAnswers."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        raise NothingAnswers(
            f"Nothing answers at {url} ({error.strerror or error}). Fix: start it with ./local/up, or give another URL"
        ) from None
    return url


def workers() -> int:
    """Two per core, at most eight, as far as memory allows: for some of the time, tests wait. With three, both cores
    were taken all the time, and what browsers and servers wait for came late."""
    room = psutil.virtual_memory().available // WORKER_BYTES
    return max(1, min(8, 2 * (os.cpu_count() or 1), room))


def _resolved(root: Path, words: list[str]) -> list[str]:
    """The words with complete paths; an option and its value (`-k name`) are left unchanged."""
    before = ["", *words]
    options = [word.startswith("-") or earlier.startswith("-") for earlier, word in zip(before, words, strict=False)]
    return [word if option else _path(root, word) for word, option in zip(words, options, strict=True)]


def _path(root: Path, word: str) -> str:
    path = word.split("::", 1)[0]
    if Path(path).exists():
        return str(Path(path).resolve()) + word[len(path) :]
    if (root / path).exists():
        return word
    if (root / "services" / path / "tests").is_dir():  # a service's name
        return f"services/{path}/tests"
    raise UnknownTests(
        f"gate test {word}: not a kind of tests ({', '.join(KINDS)}), a path or a service. See: gate test --help"
    )
