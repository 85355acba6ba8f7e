"""A small checkout of its own for each test, and an empty database on the run's real PostgreSQL."""

import shutil
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

TYPES = Path(__file__).parents[1] / "types"
NAME = {"type": "word", "required": True}


class Checkout:
    """A folder with services/*/database. Files are written as JSON, which is YAML too."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(TYPES, root / "db-manager" / "types")
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
