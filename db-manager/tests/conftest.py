"""A small checkout of its own for each test, and an empty database on the run's real PostgreSQL."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from gatehouse_db_manager import Configuration, Plan, Result, api, apply, load, plan
from gatehouse_db_manager.inspector import inspect
from gatehouse_db_manager.live import LiveTable
from gatehouse_local.postgres import binary

TYPES = Path(__file__).parents[1] / "types"
NAME = {"type": "word", "required": True}


class Checkout:
    """A folder with services/*/database. Files are written as JSON, which is YAML too."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(TYPES, root / "db-manager" / "types", dirs_exist_ok=True)
        self.schema("person")

    def write(self, path: str, content: object) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else msgspec.json.format(msgspec.json.encode(content)).decode()
        file.write_bytes(text.encode())
        return file

    def schema(self, name: str, **more: object) -> None:
        content = {"schema": name, "description": f"All about {name}", **more}
        self.write(f"services/{name}/database/schema.yaml", content)

    def collection(
        self,
        name: str = "person",
        version: str = "1.0.0.0",
        *,
        schema: str = "person",
        columns: dict[str, Any] | None = None,
        **more: object,
    ) -> Path:
        """A collection with an id and a name, and what is given."""
        content = {
            "collection": name,
            "description": f"One {name}",
            "version": version,
            "columns": {"id": {"type": "identity", "primary": True}, "name": NAME, **(columns or {})},
            **more,
        }
        return self.write(f"services/{schema}/database/collections/{name}.yaml", content)

    def enumerators(self, number: int = 1, *, schema: str = "person", **values: list[str]) -> Path:
        content = {
            name: [{"value": value, "description": f"It is {value}"} for value in listed]
            for name, listed in values.items()
        }
        return self.write(f"services/{schema}/database/enumerators/{number}.yaml", content)

    def rows(self, rows: object, name: str = "person", *, schema: str = "person", kind: str = "test") -> Path:
        return self.write(f"services/{schema}/database/{kind}-data/{name}.json", rows)

    def load(self, *schemas: str) -> Configuration:
        return load(self.root, schemas or None)


class Database:
    """An empty database, and what tests do with one."""

    def __init__(self, url: str) -> None:
        self.url = url

    def apply(self, checkout: Checkout, **more: Any) -> Result:
        return apply(self.url, checkout.load(), **more)

    def plan(self, checkout: Checkout, **more: Any) -> Plan:
        return plan(self.url, checkout.load(), **more)

    @contextmanager
    def connect(self, url: str | None = None) -> Generator["psycopg.Connection[Any]"]:
        with psycopg.connect(url or self.url, autocommit=True) as connection:
            yield connection

    def run(self, statement: str, *values: object) -> list[Any]:
        with self.connect() as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def value(self, statement: str, *values: object) -> Any:
        return self.run(statement, *values)[0][0]

    def people(self, count: int) -> None:
        self.run("insert into person.person (name) select 'Person ' || n from generate_series(1, %s) n", count)

    def tables(self, schema: str = "person") -> dict[str, LiveTable]:
        """The schema as PostgreSQL itself words it; sizes don't count."""
        with api.connect(self.url) as connection:
            live = inspect(connection, [schema], definitions=True)
        tables = live.schema(schema).tables
        return {name: msgspec.structs.replace(table, size=0) for name, table in tables.items()}

    def fingerprint(self) -> str:
        """The whole catalog as pg_dump writes it, and what dbm says is in place; not when, nor in which run."""
        command = [str(binary("pg_dump")), "--schema-only", "--no-owner", self.url]
        dump = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        lines = [line for line in dump.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]
        known = self.run(
            "select row(schema, kind, name, digest, regexp_replace(details::text, '\"order\": [0-9]+', '', 'g'))::text "
            "from dbm.object union all "
            "select row(schema, collection, version, digest)::text from dbm.version union all "
            "select row(schema, collection, version, digest)::text from dbm.history union all "
            "select row(schema, collection, kind, digest, rows)::text from dbm.data order by 1"
        )
        return "\n".join(lines + [text for (text,) in known])

    def done_twice(self) -> list[Any]:
        """Steps that more than one run, or one run more than once, has carried out."""
        return self.run(
            "select schema, what, statements from dbm.step join dbm.run on run = id where dbm.step.state = 'done' "
            "group by schema, what, statements having count(*) > 1"
        )

    def marks(self) -> list[Any]:
        """Changes when anything was written: transaction ids of every record, and all of dbm's counts."""
        return self.run(
            "select max(xmin::text::bigint), count(*) from dbm.object union all select max(id), count(*) from dbm.run"
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


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
