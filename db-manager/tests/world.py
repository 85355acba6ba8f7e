"""What tests work on: a checkout of configuration, and a database."""

import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from gatehouse_db_manager import Configuration, Plan, Result, api, apply, load, plan
from gatehouse_db_manager.database.inspector import inspect
from gatehouse_db_manager.database.snapshot import LiveTable
from gatehouse_local.postgres_wheels import binary

TYPES = Path(__file__).parents[1] / "types"
NAME = {"type": "word", "required": True, "personal": "none"}


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

    def fail_at(self, tag: str) -> None:
        """Lets statements such as CREATE INDEX fail from now on, as an accident would."""
        self.run(
            "create function public.fail() returns event_trigger language plpgsql as "
            f"$$ begin raise '{tag} fails'; end $$; "
            f"create event trigger fail on ddl_command_end when tag in ('{tag}') execute function public.fail()"
        )

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
