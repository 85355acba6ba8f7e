"""Databases of every kind, for pairs: any two of them are one. Their files, their rows, and what pg_dump says."""

import os
import re
import shutil
import subprocess
from typing import Any

import psycopg

from gatehouse_db_manager import load
from gatehouse_local.postgres_wheels import binary

WORD = {"type": "word", "required": True}
STATUS = {"type": "enum", "of": "status", "required": True, "default": "a"}
OWNER = {"owner_id": {"type": "reference", "to": "person"}}
SNAPSHOTS = {1: ["a", "b"], 2: ["a", "b", "c"], 3: ["a", "c"]}
DATABASE = "services/person/database"
FILE = {"extensions", "roles", "sequences"}
KEEP = "create function keep() returns trigger language plpgsql as 'begin return new; end';"

# `columns` and rules of the collection person; `others`: more collections; `scripts`: SQL by file name.
SHAPES: dict[str, dict[str, Any]] = {
    "plain": {"columns": {}},
    "email": {"columns": {"email": {"type": "text"}}},
    "email_required": {"columns": {"email": {"type": "text", "required": True, "default": "none@x.org"}}},
    "email_type": {"columns": {"email": {"type": "email", "unique": True}}},
    "mail": {"columns": {"mail": {"type": "text", "renamed_from": "email"}}, "description": "Who has mail"},
    "mail_type": {
        "columns": {"mail": {"type": "sentence", "unique": True, "renamed_from": "email"}},
        "indexes": {"by_mail": {"columns": ["mail"]}},
    },
    "email_again": {"columns": {"email": {"type": "text", "collation": "C", "renamed_from": "mail"}}},
    "enum": {"columns": {"status": STATUS}, "snapshot": 1},
    "enum_wide": {"columns": {"status": STATUS, "moods": {"type": "enum_list", "of": "status"}}, "snapshot": 2},
    "enum_narrow": {"columns": {"status": {**STATUS, "default": "c"}}, "snapshot": 3},
    "generated": {"columns": {"low": {"type": "text", "generated": "lower(name)"}}},
    "generated_other": {
        "columns": {"low": {"type": "text", "generated": "upper(name)"}},
        "indexes": {"by_low": {"columns": ["low"]}},
    },
    "not_generated": {"columns": {"low": {"type": "text"}}},
    "number": {"columns": {"visits": {"type": "integer", "required": True, "default": 7}}},
    "numeric": {"columns": {"visits": {"type": "number", "default": 1.5}}, "checks": {"few": "visits < 5000"}},
    "bigger": {"columns": {"visits": {"type": "bigint", "required": True, "default": 7}}},
    "numbered": {"columns": {"visits": {"type": "integer", "identity": "always"}}},
    "numbered_other": {"columns": {"visits": {"type": "bigint", "identity": "by default", "unique": True}}},
    "counted": {
        "columns": {"visits": {"type": "bigint", "default": {"expression": "nextval('person.ticket')"}}},
        "sequences": {"ticket": {"start": 100, "increment": 2}},
    },
    "counted_other": {
        "columns": {"visits": {"type": "bigint", "default": {"expression": "nextval('person.ticket')"}}},
        "sequences": {"ticket": {"maximum": 5000, "cycle": True, "cache": 3}, "spare": {"type": "smallint"}},
    },
    "text_number": {
        "columns": {"visits": {"type": "text", "default": "7"}},
        "indexes": {"by_visits": {"columns": ["visits"]}},
    },
    "volatile": {"columns": {"key": {"type": "identity", "required": True}}},
    "key_text": {"columns": {"key": {"type": "text"}}, "indexes": {"by_key": {"columns": ["key"], "method": "hash"}}},
    "parts": {"columns": {"made": {"type": "breadcrumb"}, "fee": {"type": "money"}, "stay": {"type": "duration"}}},
    "documents": {
        "columns": {"details": {"type": "document", "schema": {"type": "object"}}, "born": {"type": "date"}},
        "indexes": {
            "inside": {"columns": ["details jsonb_path_ops"], "method": "gin", "options": {"fastupdate": False}}
        },
    },
    "document_text": {"columns": {"details": {"type": "text"}, "born": {"type": "text"}}},
    "rules": {
        "columns": {"visits": {"type": "integer", "default": 1}, "tags": {"type": "text_list"}},
        "checks": {"few": "visits < 1000"},
        "unique": {"once": {"columns": ["name", "visits"]}, "some": {"columns": ["name"], "where": "visits > 5"}},
        "indexes": {
            "by_name": {"columns": ["name desc", "id"], "include": ["visits"]},
            "by_tags": {"columns": ["tags"], "method": "gin"},
            "by_lower": {"expressions": ["lower(name)"], "where": "visits > 2"},
        },
    },
    "rules_other": {
        "columns": {"visits": {"type": "integer", "default": 2}, "tags": {"type": "text_list"}},
        "checks": {"few": "visits < 2000", "more": "visits > -1"},
        "unique": {
            "once": {"columns": ["visits", "name"], "nulls": "not_distinct", "include": ["tags"]},
            "by_name": {"columns": ["name"], "deferrable": "deferred"},
        },
        "indexes": {"by_lower": {"expressions": ["upper(name)"], "unique": True}, "some": {"columns": ["visits"]}},
    },
    "methods": {
        "columns": {"visits": {"type": "integer"}},
        "indexes": {
            "by_name": {"columns": ["name text_pattern_ops desc"], "options": {"fillfactor": 70}},
            "by_lower": {"expressions": ["(lower(name)) text_pattern_ops"]},
            "few": {"columns": ["visits"], "method": "brin", "options": {"pages_per_range": 32}},
            "once": {"expressions": ["int4range(visits, visits + 1)"], "method": "gist"},
            "more": {"columns": ["name"], "method": "spgist", "where": "visits is not null"},
        },
    },
    "exclusion": {
        "columns": {"visits": {"type": "integer"}},
        "exclusions": {"apart": {"elements": {"int4range(visits, visits + 1)": "&&"}, "where": "visits is not null"}},
    },
    "exclusion_other": {
        "columns": {"visits": {"type": "integer"}},
        "exclusions": {"apart": {"elements": {"name": "="}, "using": "hash", "where": "visits > 2"}},
        "unique": {"once": {"columns": ["visits"]}},
    },
    "link": {"columns": {"boss_id": {"type": "reference", "to": "person", "on_delete": "set null"}}},
    "key_of_two": {"columns": {"boss_id": {"type": "uuid"}}, "primary_key": ["id", "name"]},
    "linked_by_two": {
        "columns": {},
        "primary_key": ["id", "name"],
        "others": {
            "pet": {
                "columns": {"owner_id": {"type": "uuid"}, "owner_name": {"type": "text"}},
                "foreign_keys": {"owner": {"columns": ["owner_id", "owner_name"], "to": "person"}},
            }
        },
    },
    "pet": {"columns": {}, "others": {"pet": {"columns": OWNER, "renamed_from": "animal"}}},
    "animal": {
        "columns": {},
        "others": {
            "animal": {
                "columns": {**OWNER, "chip": {"type": "bigint", "identity": "by default", "unique": True}},
                "renamed_from": "pet",
            },
            "toy": {"columns": {"animal_id": {"type": "reference", "to": "animal", "on_delete": "cascade"}}},
        },
    },
    "view": {
        "columns": {"email": {"type": "text"}},
        "scripts": {"all": "create view everybody as select name, id, email from person;"},
    },
    "view_other": {
        "columns": {"visits": {"type": "bigint"}},
        "scripts": {
            "all": "create view few as select visits, name from person; create view v as select name from few",
            "fun": "create function twice(n bigint) returns bigint language sql immutable as 'select n * 2';",
        },
    },
    "made": {
        "columns": {"email": {"type": "text"}},
        "scripts": {
            "keep": KEEP + "create trigger keep before update on person for each row execute function keep();",
            "counts": "create materialized view counts as select count(*) from person; create index on counts (count);",
            "types": "create type pair as (a int, b int); create domain short as text check (value <> '');"
            "create aggregate total(int) (sfunc = int4pl, stype = int); create sequence counter start 5;",
        },
    },
    "secured": {
        "columns": {"email": {"type": "text"}},
        "scripts": {
            "rows": "alter table person enable row level security; alter table person force row level security;"
            "create policy mine on person for select using (name <> '');",
            "rights": "grant select on person to public; grant update (name) on person to pg_read_all_data;",
            "rest": "create statistics related on id, name from person; create sequence counter start 7;"
            "create rule quiet as on delete to person do also nothing;",
        },
    },
    "secured_other": {
        "columns": {"email": {"type": "text"}, "visits": {"type": "integer"}},
        "scripts": {
            "rows": "alter table person enable row level security;"
            "create policy mine on person as restrictive for all using (true) with check (visits > 0);",
            "rights": "grant usage on schema person to pg_read_all_data; grant insert on person to pg_read_all_data;",
        },
    },
    "roles": {"columns": {}, "roles": {"service": "pairs_service", "reader": "pairs_reader"}},
    "extension": {"columns": {"email": {"type": "text"}}, "extensions": ["vector"]},
}
_DUMP = binary("pg_dump")
_TABLE = re.compile(r"(CREATE TABLE [^\n]+ \(\n)(.*?)(\n\);)", re.DOTALL)


def write_shape(checkout: Any, shape: dict[str, Any], number: int) -> Any:
    """The shape's files, and nothing of another's."""
    shutil.rmtree(checkout.root / DATABASE, ignore_errors=True)
    checkout.schema("person", **{key: value for key, value in shape.items() if key in FILE})
    for snapshot, values in SNAPSHOTS.items():
        checkout.enumerators(snapshot, status=values)
    version = f"1.{number}.0.{shape.get('snapshot', 0)}"
    more = {key: value for key, value in shape.items() if key not in {*FILE, "scripts", "snapshot", "others"}}
    if "primary_key" in shape:
        more["columns"] = {"id": {"type": "identity"}, **more["columns"]}
    checkout.collection(**{**more, "version": version, "columns": {"name": WORD, **more["columns"]}})
    for name, other in shape.get("others", {}).items():
        checkout.collection(name, version, **other)
    for name, sql in shape.get("scripts", {}).items():
        checkout.write(f"{DATABASE}/repeatable/{name}.sql", sql)
    return load(checkout.root)


def fill(database: Any, tables: int = 3) -> None:
    """Rows with a value in each column that can have one; the values of one name fit in every shape."""
    values = {
        "name": "'Person ' || n",
        "visits": "n + 2",
        "email": "'p' || n || '@example.org'",
        "mail": "'p' || n || '@example.org'",
        "status": "'a'",
        "details": "'{\"n\": 1}'",
        "born": "'2000-01-0' || n",
        "tags": "'{a}'",
        "key": "'019a0000-0001-7000-8000-00000000000' || n",
    }
    for table, live in database.tables().items():
        database.run(f"insert into person.{table} (name) select 'Person ' || n from generate_series(1, {tables}) n")
        for name, column in live.columns.items():
            if name not in values or column.generated or column.identity == "a":
                continue
            numbered = f"(select t.ctid, row_number() over (order by t.name) n from person.{table} t) o"
            value = f"({values[name]})::text::{column.sql_type}"
            try:
                database.run(f"update person.{table} t set {name} = {value} from {numbered} where o.ctid = t.ctid")
            except (psycopg.IntegrityError, psycopg.errors.GeneratedAlways):
                continue


def rows(database: Any) -> dict[str, list[dict[str, Any]]]:
    """Each table's rows as JSON, in the order of their ids."""
    tables = database.tables()
    return {
        name: [row for (row,) in database.run(f"select to_jsonb(t) from person.{name} t order by id")]
        for name in tables
    }


def dump(url: str) -> list[str]:
    """What pg_dump says of all but `dbm`, without what differs by the moment. Columns and objects are in the order of
    names: PostgreSQL adds columns at the end, and no statement here relies on their order."""
    libraries = {"LD_LIBRARY_PATH": str(_DUMP.parent.parent / "lib")}
    command = [str(_DUMP), "--schema-only", "--exclude-schema=dbm", url]
    found = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | libraries)
    lines = [
        line for line in found.stdout.splitlines() if line and not line.startswith(("--", "\\", "SET ", "SELECT "))
    ]
    text = _TABLE.sub(lambda one: one[1] + "\n".join(sorted(_columns(one[2]))) + one[3], "\n".join(lines))
    return sorted(re.split(r"(?<=;)\n", text))


def _columns(body: str) -> list[str]:
    return [line.rstrip(",") for line in body.split("\n")]
