"""The plugin's own promises: one server for all workers, started by need only, gone whatever happens."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from gatehouse_local.testing.pytest_plugin import Postgres, free_port


@pytest.fixture
def inner(tmp_path: Path):
    """Runs a test file in a pytest of its own, in an empty folder."""

    def start(source: str, *arguments: str, **variables: str) -> subprocess.Popen:
        (tmp_path / "test_inner.py").write_text(source)
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "gatehouse_local.testing.pytest_plugin",
            "-p",
            "no:cacheprovider",
        ]
        command += [
            "-p",
            "no:cacheprovider",
            "-p",
            "no:schemathesis",
            "-p",
            "no:faker",
        ]  # as pyproject.toml has it, which isn't read here
        command += ["-q", "--rootdir", str(tmp_path), "--basetemp", str(tmp_path / "base"), *arguments]
        command += [] if any("::" in argument for argument in arguments) else ["test_inner.py"]
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "GATEHOUSE"))}
        return subprocess.Popen(command, cwd=tmp_path, env=environment | variables, stdout=subprocess.PIPE, text=True)

    return start


def until(condition, seconds: float = 60):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it didn't happen in time"
        time.sleep(0.02)
    return value


def servers(folder: Path) -> list[int]:
    return [p.pid for p in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(p.info["cmdline"] or [])]


def test_a_new_database_is_empty_and_of_its_own(postgres: Postgres):
    first, second = postgres.create_database(), postgres.create_database()
    with psycopg.connect(first) as connection:
        connection.execute("create table only_here ()")
    with psycopg.connect(second) as connection:
        assert connection.execute("select to_regclass('only_here')").fetchone() == (None,)
    postgres.drop_database(first)
    postgres.drop_database(second)


def test_a_copy_has_what_its_template_has(postgres: Postgres):
    template = postgres.create_database()
    with psycopg.connect(template) as connection:
        connection.execute("create table seeded as select 7 as number")
    copy = postgres.create_database(template)
    with psycopg.connect(copy) as connection:
        assert connection.execute("select number from seeded").fetchone() == (7,)
    postgres.drop_database(copy)
    postgres.drop_database(template)


def test_a_spare_is_taken_before_a_copy_is_made(postgres: Postgres):
    template, other = (postgres.create_database().rsplit("/", 1)[1] for _ in range(2))
    postgres.keep_spares(template, 2)
    copies = [postgres.create_database(template) for _ in range(3)]
    assert len(set(copies)) == 3
    assert postgres.databases("spare_") == []
    postgres.keep_spares(template, 1)
    postgres.keep_spares(other, 0)
    assert postgres.databases("spare_") == []  # those of another template are of no use
    for url in (*copies, template, other):
        postgres.drop_database(url)


def test_a_database_is_dropped_though_someone_is_connected(postgres: Postgres):
    url = postgres.create_database()
    with psycopg.connect(url):
        postgres.drop_database(url)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)


def test_workers_share_one_server_that_ends_with_them(inner, tmp_path: Path):
    source = """
import pytest
@pytest.mark.parametrize("number", range(4))
def test_it(postgres, number, shared_folder):
    (shared_folder / f"seen-{postgres.url.rsplit(':')[-1].split('/')[0]}").touch()
"""
    run = inner(source, "-n", "2")
    assert run.wait(60) == 0, run.communicate()[0]
    assert len(list((tmp_path / "base" / "shared").glob("seen-*"))) == 1
    until(lambda: not servers(tmp_path))


def test_without_a_database_nothing_is_started(inner, tmp_path: Path):
    run = inner("def test_it(): pass")
    assert run.wait(60) == 0, run.communicate()[0]
    assert not (tmp_path / "base" / "shared").exists()


def test_a_killed_run_leaves_no_server(inner, tmp_path: Path):
    run = inner(
        "import time\ndef test_it(postgres, shared_folder):\n    (shared_folder / 'on').touch(); time.sleep(60)"
    )
    until((tmp_path / "base" / "shared" / "on").exists)
    assert len(servers(tmp_path / "base" / "shared")) >= 2
    run.send_signal(signal.SIGKILL)
    run.wait()
    until(lambda: not servers(tmp_path))
    assert not (tmp_path / "base" / "shared" / "postgres-state").exists()


def test_a_free_port_is_free():
    assert free_port() != free_port()


DEEP = """
import pytest

@pytest.mark.deep
@pytest.mark.parametrize("seed", [1, 2])
def test_long(seed):
    pass

def test_short():
    pass
"""


@pytest.mark.parametrize(
    ("arguments", "outcome"),
    [
        ([], "1 passed, 2 deselected"),
        (["-m", "not browser"], "1 passed, 2 deselected"),
        (["--deep"], "2 passed, 1 deselected"),
        (["test_inner.py::test_long"], "2 passed"),
        (["test_inner.py::test_long[2]"], "1 passed"),
    ],
)
def test_deep_tests_run_when_asked_for(inner, arguments: list[str], outcome: str):
    run = inner(DEEP, *arguments)
    words, _ = run.communicate(timeout=60)
    assert f"{outcome} in" in words


SAMPLED = """
import pytest

@pytest.mark.sampled(2)
@pytest.mark.parametrize("seed", range(5))
def test_cases(seed):
    pass
"""


@pytest.mark.parametrize(
    ("arguments", "outcome"),
    [
        ([], "3 passed, 2 deselected"),
        (["--deep"], "2 passed, 3 deselected"),
        (["--all-cases"], "5 passed"),
        (["test_inner.py::test_cases"], "5 passed"),
    ],
)
def test_of_the_cases_of_a_sampled_test_some_are_deep(inner, arguments: list[str], outcome: str):
    words, _ = inner(SAMPLED, *arguments).communicate(timeout=60)
    assert f"{outcome} in" in words


def test_no_deep_test_begins_after_the_time_that_a_run_has(inner):
    words, _ = inner(DEEP, "--deep", GATEHOUSE_DEEP_SECONDS="0").communicate(timeout=60)
    assert "2 skipped, 1 deselected" in words


HANGING = """
import subprocess, threading, time
import pytest

def test_waits_for_an_event():
    threading.Event().wait()

def test_waits_for_a_child():
    subprocess.run(["sleep", "1000"])

def test_does_not_notice_its_end():
    while True:
        try:
            time.sleep(1000)
        except BaseException:
            pass

@pytest.fixture
def child():
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process

def test_fails_and_then_waits_for_its_child(child):
    assert not child

def test_comes_after_them():
    pass
"""


@pytest.mark.deep
def test_a_test_that_hangs_ends_by_itself(inner):
    """With the settings of pyproject.toml, but for the seconds."""
    settings = ["-c", str(Path(__file__).parents[3] / "pyproject.toml"), "-o", "timeout=1", "-o"]
    run = inner(HANGING, "-v", "-n", "1", *settings, "faulthandler_timeout=3")
    words, _ = run.communicate(timeout=60)
    assert "5 failed, 1 passed" in words  # one of them twice: as it failed, and as its worker ended
    assert "Timeout (>1.0s)" in words
    assert "crashed while running 'test_inner.py::test_does_not_notice_its_end'" in words
    assert "crashed while running 'test_inner.py::test_fails_and_then_waits_for_its_child'" in words


MISSING = """
import pytest

@pytest.fixture(scope="module")
def registry():
    pytest.skip("docker-registry isn't installed. Fix: apt-get install docker-registry")

def test_one(registry): pass
def test_two(registry): pass
def test_other(): pytest.skip("only on Tuesdays")
"""


def test_missing_programs_are_named_once_with_the_fix(inner, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CI", raising=False)
    words, _ = inner(MISSING, "-n", "2").communicate(timeout=60)
    assert words.count("docker-registry: 2 tests. Fix: apt-get install docker-registry") == 1
    assert "3 skipped" in words


def test_in_ci_a_missing_program_is_a_failure(inner, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CI", "true")
    words, _ = inner(MISSING).communicate(timeout=60)
    assert "1 skipped, 2 errors" in words


SHELL = """
import os, subprocess

def test_it():
    log = subprocess.run(["git", "init", "-q", "x"], check=True)
    commit = ["git", "-C", "x", "commit", "-q", "--allow-empty", "-m", "x"]
    assert subprocess.run(commit, check=True).returncode == 0
    assert "GIT_DIR" not in os.environ and "PGHOST" not in os.environ
"""


def test_a_developers_shell_changes_nothing(inner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Such as the pre-push hook of git, which sets GIT_DIR."""
    for name, value in {"GIT_DIR": "/nowhere", "PGHOST": "nowhere", "HOME": str(tmp_path / "empty")}.items():
        monkeypatch.setenv(name, value)
    words, _ = inner(SHELL).communicate(timeout=60)
    assert "1 passed" in words
