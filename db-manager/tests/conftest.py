"""A small checkout of its own for each test, and an empty database on the run's real PostgreSQL."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gatehouse_catalog import find_root, load_catalog
from gatehouse_db_manager import api
from gatehouse_local.testing.pytest_plugin import ROLE_PASSWORD

from .full import FULL, MORE  # ty: ignore[import-not-found] (as below)
from .world import Checkout, Database  # ty: ignore[import-not-found] (it takes this for another tests.conftest)

SHARED_ROLES = frozenset(
    f"{service}_{kind}" for service in load_catalog(find_root(Path(__file__))).names for kind in ("service", "reader")
)


@pytest.fixture(autouse=True)
def shared_roles_keep_their_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Roles are the whole server's, and other workers log in as the services' roles."""
    let_in = api.let_in

    def guarded(connection: Any, passwords: Mapping[str, str], *more: Any) -> None:
        changed = {role for role, password in passwords.items() if password != ROLE_PASSWORD}
        assert not SHARED_ROLES & changed, "give another schema's role another password, or this one ROLE_PASSWORD"
        let_in(connection, passwords, *more)

    monkeypatch.setattr(api, "let_in", guarded)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.fixture
def unseen_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that violate a rule come right after the plan has looked."""
    monkeypatch.setattr("gatehouse_db_manager.planning.planner.refuse_violations", lambda *_: None)


@pytest.fixture
def full(checkout: Checkout) -> Checkout:
    """With a column and a rule of every kind."""
    checkout.enumerators(1, status=["pending", "active"], skill=["api", "ui"])
    checkout.collection(version="1.0.0.1", columns=FULL, **MORE)
    return checkout


@pytest.fixture
def database(postgres: Any) -> Generator[Database]:
    url = postgres.create_database()
    yield Database(url)
    postgres.drop_database(url)


@pytest.fixture
def new_database(postgres: Any) -> Generator[Callable[..., Database]]:
    """More than one database in a test; of a template if one is given."""
    urls: list[str] = []

    def make(template: str | None = None) -> Database:
        urls.append(postgres.create_database(template))
        return Database(urls[-1])

    yield make
    for url in urls:
        postgres.drop_database(url)


class Command:
    """A `gate db` that runs in a process of its own."""

    def __init__(self, starter: "Starter", process: int, output: Path) -> None:
        self._starter, self.process, self._output = starter, process, output
        self._code: int | None = None

    def wait(self) -> int:
        """Its exit code; -9 after kill -9."""
        if self._code is None:
            self._code = self._starter.ask({"wait": self.process})
        return self._code

    @property
    def runs(self) -> bool:
        if self._code is None:
            self._code = self._starter.ask({"look": self.process})
        return self._code is None

    def kill(self) -> None:
        os.kill(self.process, signal.SIGKILL)
        assert self.wait() == -signal.SIGKILL

    @property
    def said(self) -> str:
        """What it printed, without the line breaks of a narrow terminal."""
        return " ".join(self._output.read_text().split())


class Starter:
    """Starts `gate db ...` on a checkout and a database, as a shell would."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        self._process, self._folder, self._count = process, folder, 0

    def start(self, word: str, checkout: Checkout, url: str, *words: str) -> Command:
        self._count += 1
        output = self._folder / f"command-{self._count}.txt"
        output.touch()
        given = [word, "--root", str(checkout.root), "--url", url, *words]
        return Command(self, self.ask({"words": given, "output": str(output)}), output)

    def ask(self, question: dict[str, Any]) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Generator[Starter]:
    script = str(Path(__file__).with_name("starter.py"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEHOUSE_")}
    with subprocess.Popen(
        [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        yield Starter(process, tmp_path_factory.mktemp("commands"))
        assert process.stdin
        process.stdin.close()
