"""The workspace's pytest plugin: a throwaway PostgreSQL, seeded databases, a running platform, and `deep` tests.

Servers start with the first test that asks for one, once per run however many workers there are, and stop with the
last. A test that needs none starts none.
"""

import contextlib
import faulthandler
import fcntl
import gc
import hashlib
import itertools
import os
import platform
import signal
import time
from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key

from gatehouse_local.ports import EDGE_PORT
from gatehouse_local.testing.environment import isolate
from gatehouse_local.testing.missing_programs import MissingPrograms
from gatehouse_local.testing.precompile import compile_share
from gatehouse_local.testing.shared_process import KeeperFailed, free_port, shared

__all__ = ["Postgres", "RunningPlatform", "free_port"]

ROLE_PASSWORD = "for-tests-only"  # noqa: S105 - roles of a throwaway server
SHARED_FOLDER = "GATEHOUSE_TEST_FOLDER"  # set by `gate test --watch`, which keeps the server between its runs
DEEP_SECONDS = "GATEHOUSE_DEEP_SECONDS"  # set by .ci/run: no deep test begins later than this
USED, SPARE = "test_", "spare_"  # prefixes of database names
COPIED = "strategy file_copy"  # a third of the time of PostgreSQL's default where nothing waits for the disk

# pytest names platform/tests/test_x.py `platform.tests.test_x`. As Python's own `platform` has no __path__, pytest
# would replace it with an empty package, and `platform.system()` would be gone.
vars(platform)["__path__"] = []


class Postgres:
    """A throwaway server. `url` is the administrator's connection string to its database `postgres`."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self._folder = folder
        self._numbers = itertools.count(1)
        self._connection: Any = None

    def create_database(self, template: str | None = None) -> str:
        """Creates a database, empty or a copy of `template` (a name or URL); returns the administrator's URL."""
        name = f"{USED}{os.getpid()}_{next(self._numbers)}"
        source = _database_of(template) if template else "template1"
        if not self._take_spare(source, name):
            self._run(f'create database "{name}" template "{source}" {COPIED}')
        return _with(self.url, database=name)

    def drop_database(self, url: str) -> None:
        """Drops the database of the connection string, terminating its sessions."""
        self._run(f'drop database if exists "{_database_of(url)}" with (force)')

    def role_url(self, url: str, role: str) -> str:
        """The connection string of the same database for a role such as `person_service`."""
        return _with(url, user=role, password=ROLE_PASSWORD)

    def seeded_template(self, root: Path) -> str:
        """The name of a template database with services/*/database and its test data; created at the first call."""
        name = f"seeded_{_digest(root)}"
        with (self._folder / "template.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._run("select 1 from pg_database where datname = %s", name):
                self._run(f'drop database if exists "{name}_new" with (force)')
                self._run(f'create database "{name}_new" {COPIED}')
                _seed(root, _with(self.url, database=f"{name}_new"))
                self._run(f'alter database "{name}_new" rename to "{name}"')
        return name

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def databases(self, prefix: str) -> list[str]:
        """The names of all databases with this prefix."""
        return [name for (name,) in self._run("select datname from pg_database where starts_with(datname, %s)", prefix)]

    def keep_spares(self, template: str, count: int) -> None:
        """Keeps `count` copies of the template ready for `create_database`; drops copies of other templates."""
        ready = self.databases(SPARE)
        for name in ready:
            if not name.startswith(f"{SPARE}{template}_"):
                self.drop_database(name)
        for number in range(count):
            name = f"{SPARE}{template}_{number}"
            if name not in ready:
                self._run(f'create database "{name}" template "{template}" {COPIED}')

    def _take_spare(self, template: str, name: str) -> bool:
        import psycopg  # noqa: PLC0415 - slow, and unit tests don't need it

        for spare in self.databases(f"{SPARE}{template}_"):
            with contextlib.suppress(psycopg.errors.InvalidCatalogName):  # another worker took it
                self._run(f'alter database "{spare}" rename to "{name}"')
                return True
        return False

    def _run(self, statement: str, *values: str) -> list[tuple]:
        import psycopg  # noqa: PLC0415 - slow, and unit tests don't need it
        from psycopg import sql  # noqa: PLC0415

        # One connection for all: to log in takes longer than most statements.
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self.url, autocommit=True)
        cursor = self._connection.execute(sql.SQL(statement), values or None)  # ty: ignore[invalid-argument-type]
        return cursor.fetchall() if cursor.description else []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--deep", action="store_true", help="run the tests marked deep, and no others")
    parser.addoption("--all-cases", action="store_true", help="run every case of tests marked sampled")


def pytest_configure(config: pytest.Config) -> None:
    deep = "deep: thousands of random cases, chaos: run by `./local/test deep` (pytest --deep) and by no other run"
    config.addinivalue_line("markers", deep)
    sampled = "sampled(n): of its cases every n-th is run as usual, the others are deep"
    config.addinivalue_line("markers", sampled)
    early = "begins_early: a module that waits for long: it begins before the others, so that they run meanwhile"
    config.addinivalue_line("markers", early)
    isolate(os.environ)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job; what tests start would inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.pluginmanager.register(MissingPrograms())


def pytest_sessionstart(session: pytest.Session) -> None:
    compile_share(session.config)
    gc.disable()  # until all is collected: what collecting makes is kept


def pytest_collection_finish() -> None:
    """Seven thousand tests and what they import stay to the end: each full collection would go through all of it."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keeps tests marked `deep` for runs with --deep and for those named by id. Not by `-m` in pyproject.toml: an
    explicit `-m` would replace it.
    """
    deep = config.getoption("--deep")
    named = {argument.rpartition("::")[2] for argument in config.args if "::" in argument}
    kept, left_out = [], []
    cases: Counter[str] = Counter()
    for item in items:
        is_deep = _is_deep(item, cases, all_cases=config.getoption("--all-cases"))
        by_name = is_deep and bool(named & {item.name, getattr(item, "originalname", item.name)})
        (kept if is_deep == deep or by_name else left_out).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
    items[:] = sorted(kept, key=lambda item: item.get_closest_marker("begins_early") is None)


def _is_deep(item: pytest.Item, cases: Counter[str], *, all_cases: bool) -> bool:
    """Whether only deep runs have it. `cases` counts the cases of each sampled test so far."""
    if item.get_closest_marker("deep") is not None:
        return True
    sampled = item.get_closest_marker("sampled")
    if sampled is None or all_cases:
        return False
    test = item.nodeid.partition("[")[0]
    cases[test] += 1
    if (cases[test] - 1) % sampled.args[0] == 0:
        return False
    item.add_marker("deep")  # a run of bounded length looks for it
    return True


_started = time.monotonic()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A run of bounded length does as many deep tests as it has time for; the nightly run does all.

    Each test begins in the run's folder: `gate --root` changes the folder of a process, and a test may have called it.
    """
    os.chdir(item.config.invocation_params.dir)
    seconds = float(os.environ.get(DEEP_SECONDS, "inf"))
    if time.monotonic() - _started > seconds and item.get_closest_marker("deep"):
        pytest.skip(f"out of time: {DEEP_SECONDS}={seconds:g}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Bounds the end of a test that failed too: pytest's own bound is off from the first exception that it shows."""
    seconds = float(item.config.getini("faulthandler_timeout") or 0)
    if seconds:
        faulthandler.dump_traceback_later(
            seconds,
            file=item.config.stash[fault_handler_stderr_fd_key],
            exit=item.config.getini("faulthandler_exit_on_timeout"),
        )
    return (yield)


@dataclass(frozen=True)
class RunningPlatform:
    """A running platform: `url` is its public address; `services` are the addresses behind it, if known."""

    url: str
    services: Mapping[str, str] = field(default_factory=dict)
    database_url: str | None = None
    state: Path | None = None


@pytest.fixture(scope="session")
def workspace_root() -> Path:
    """The checkout."""
    from gatehouse_catalog import find_root  # noqa: PLC0415

    return find_root(Path(__file__).parent)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder shared by all workers of this test run, and by no other run."""
    if folder := os.environ.get(SHARED_FOLDER):
        return Path(folder)
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"


@pytest.fixture(scope="session")
def postgres(shared_folder: Path) -> Generator[Postgres]:
    """One throwaway PostgreSQL for the whole run."""
    with (
        shared(shared_folder, "postgres", last=SHARED_FOLDER not in os.environ) as facts,
        contextlib.closing(Postgres(facts["url"], shared_folder)) as postgres,
    ):
        yield postgres


@pytest.fixture(scope="session")
def seeded_template(postgres: Postgres, workspace_root: Path) -> str:
    """The name of a template database with every schema and its test data."""
    try:
        return postgres.seeded_template(workspace_root)
    except Exception as error:  # the same for every test: its message is enough
        pytest.fail(f"The seeded database can't be created: {error}", pytrace=False)


@pytest.fixture(scope="module")
def database_url(postgres: Postgres, seeded_template: str) -> Generator[str]:
    """The administrator's connection string of a seeded database for this test module alone."""
    url = postgres.create_database(seeded_template)
    yield url
    if SHARED_FOLDER not in os.environ:  # else it is dropped between runs
        postgres.drop_database(url)


@pytest.fixture(scope="session")
def platform(shared_folder: Path, workspace_root: Path) -> Generator[RunningPlatform]:
    """A running platform: the one at GATEHOUSE_URL, or one started for this run on free ports."""
    if url := os.environ.get("GATEHOUSE_URL"):
        yield _existing(url.rstrip("/"), workspace_root)
        return
    with contextlib.ExitStack() as stack:
        try:
            facts = stack.enter_context(shared(shared_folder, "platform", timeout=180))
        except KeeperFailed as error:
            pytest.fail(str(error), pytrace=False)
        yield RunningPlatform(facts["url"], facts["services"], facts["database_url"], Path(facts["state"]))


def _existing(url: str, root: Path) -> RunningPlatform:
    """A platform known by its address only; for one on this machine, the services' ports follow from it."""
    from gatehouse_catalog import load_catalog  # noqa: PLC0415

    parts = urlsplit(url)
    if parts.hostname not in {"localhost", "127.0.0.1"} or parts.port is None:
        return RunningPlatform(url)
    offset = parts.port - EDGE_PORT
    services = {service.name: service.port for service in load_catalog(root)}
    return RunningPlatform(url, {name: f"http://127.0.0.1:{port + offset}" for name, port in services.items()})


def _seed(root: Path, url: str) -> None:
    from gatehouse_catalog import load_catalog  # noqa: PLC0415
    from gatehouse_db_manager import apply, load  # noqa: PLC0415

    schemas = [service.database.schema for service in load_catalog(root).services if service.database]
    passwords = {f"{schema}_{kind}": ROLE_PASSWORD for schema in schemas for kind in ("service", "reader")}
    apply(url, load(root), environment="local", test_data=True, passwords=passwords)


def _digest(root: Path) -> str:
    """A digest of every file that determines the content of a seeded database."""
    digest = hashlib.sha256()
    files = [*root.glob("services/*/database/**/*"), *root.glob("services/*/service.toml")]
    files += [*root.glob("services/chassis/gatehouse_chassis/schema/*"), *root.glob("db-manager/types/*")]
    files += [*root.glob("db-manager/gatehouse_db_manager/**/*.py")]
    for file in sorted(path for path in files if path.is_file()):
        digest.update(f"{file.relative_to(root)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def _database_of(url: str) -> str:
    return urlsplit(url).path.removeprefix("/") if "://" in url else url


def _with(url: str, *, database: str | None = None, user: str | None = None, password: str | None = None) -> str:
    parts = urlsplit(url)
    login = f"{user}:{password}" if user else f"{parts.username}:{parts.password}"
    path = f"/{database}" if database else parts.path
    return urlunsplit(parts._replace(netloc=f"{login}@{parts.hostname}:{parts.port}", path=path))
