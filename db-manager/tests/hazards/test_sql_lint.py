"""What SQL files must not do: each form of it is found, what is harmless passes, and an exception can be made."""

import subprocess
import sys

import pytest

from gatehouse_db_manager.cli.lint import lint
from gatehouse_db_manager.config.sql_text import statements
from gatehouse_db_manager.hazards.lessons import LESSONS
from gatehouse_db_manager.hazards.sql_lint import NAMES, problems

FOLDER = "services/person/database"
REFUSED = {
    "sql.transaction": ["begin", "START TRANSACTION", "commit", "rollback", "savepoint a", "prepare transaction 'a'"],
    "sql.timeout": ["set lock_timeout = 0", "SET LOCAL statement_timeout to '1h'", "reset all", "discard all"],
    "sql.lock": ["lock table person in exclusive mode", "lock person"],
    "sql.hold": [
        "alter table a alter b set default 1; update c set d = 1",
        "drop view a; insert into c select 1 from generate_series(1, 1e7)",
        "alter table a add constraint b check (c > 0) not valid; alter table a validate constraint b",
    ],
    "sql.index": ["create index on a (b)", "create unique index concurrently if not exists c on only a.b (d)"],
    "sql.index.drop": ["drop index a", "drop index concurrently if exists a"],
    "sql.reindex": ["reindex table a", "reindex (verbose) index concurrently b"],
    "sql.vacuum": ["vacuum full a", "vacuum (full) a", "cluster a using b", "cluster"],
    "sql.refresh": ["refresh materialized view a.b", "refresh materialized view a with no data"],
    "sql.cascade": [
        "truncate a, b cascade",
        "drop table if exists a cascade",
        "drop schema a cascade",
        "drop type a cascade",
        "alter table a drop column b cascade",
    ],
    "sql.drop": [
        "truncate a",
        "drop table a",
        "drop schema a",
        "drop extension a",
        "alter table a drop column b",
        "alter table only a.b drop constraint if exists c",
    ],
    "sql.column": [
        "alter table a add column b text",
        'alter table "a"."b" add if not exists c serial',
        "alter table a add b bigint generated always as identity",
        "alter table a add column b text generated always as (lower(c)) stored",
        "alter table a add column b json",
        "alter table a add column b uuid references c",
        "alter table a add column b timestamptz default clock_timestamp()",
    ],
    "sql.constraint": [
        "alter table a add constraint b check (c > 0)",
        "alter table a add foreign key (b) references c",
        "alter table a add unique (b)",
        "alter table a add primary key (b)",
        "alter table a add constraint b exclude using gist (c with &&)",
        "alter table a alter column b set not null",
    ],
    "sql.type": ["alter table a alter b type bigint", "alter table a alter column b set data type varchar(9) using c"],
    "sql.rename": [
        "alter table a rename to b",
        "alter table a rename column b to c",
        "alter table a rename constraint b to c",
        "alter index a rename to b",
        "alter schema a rename to b",
        "alter type a rename to b",
        "alter table a set schema b",
    ],
    "sql.storage": [
        "alter table a set unlogged",
        "alter table a set logged",
        "alter table a set tablespace b",
        "alter table a set access method b",
    ],
    "sql.partition": [
        "alter table a attach partition b for values in (1)",
        "alter table a detach partition b",
        "alter table a detach partition b concurrently",
    ],
    "sql.trigger": ["alter table a disable trigger all", "set session_replication_role = replica"],
    "sql.enum": ["alter type a add value 'b'", "alter type a rename value 'b' to 'c'"],
    "sql.domain": ["alter domain a add constraint b check (value > 0)", "alter domain a set not null"],
    "sql.table": [
        "create table a (b int)",
        "create unlogged table if not exists a as select 1",
        "select * into a from b",
        "create table a partition of b for values in (1)",
    ],
    "sql.server": [
        "alter system set work_mem = '1GB'",
        "create database a",
        "drop database a",
        "drop owned by a",
        "reassign owned by a to b",
        "drop role a",
    ],
}
# Lessons that hold for everything but a .contract.sql, which asks before it is run.
CONTRACT_MAY = {"sql.drop", "sql.rename", "sql.table"}
# What scripts make is known and compared, but for tables, which are named as left alone.
SCRIPTS_MAY = {"sql.hold", "sql.table"}
HARMLESS = [
    "insert into a select * from b; update a set c = 'truncate d cascade; commit'",
    "create temp table a (b int); create index on a (b); alter table a add column c int; update a set c = 1",
    "create materialized view a as select 1 b; create unique index on a (b)",
    "refresh materialized view concurrently a",
    "create view a as select 1; comment on view a is 'drop table b;'",
    "create function a() returns trigger language plpgsql as $x$ begin lock table b; truncate c; end $x$",
    "create function a() returns int begin atomic select 1; select 2; end; select 1",
    "-- drop table a;\nselect 1 /* truncate b; /* nested */ commit; */",
    "alter table a enable row level security; create policy b on a using (true)",
    "alter table a add constraint b foreign key (c) references d on delete cascade not valid",
    "select set_up('begin')",
    "alter type a add attribute b int",
    "alter table a alter column b set default 1",
    "create or replace trigger a before update on b for each row execute function c()",
]
# squawk 2.70's rules: which lesson is about it, or why none is needed.
SQUAWK = {
    "adding-field-with-default": "column.default.volatile",
    "adding-foreign-key-constraint": "foreign_key.add",
    "adding-not-nullable-field": "column.required.full",
    "adding-required-field": "column.required.add",
    "adding-serial-primary-key-field": "column.generated",
    "ban-add-column": "sql.column",
    "ban-add-enum-value": "sql.enum",
    "ban-alter-domain-with-add-constraint": "sql.domain",
    "ban-alter-generated-expression": "column.generated",
    "ban-alter-identity": "column.generated",
    "ban-alter-system-options": "sql.server",
    "ban-alter-database-options": "sql.server",
    "ban-char-field": "column.types",
    "ban-concurrent-index-creation-in-transaction": "sql.index",
    "ban-create-domain-with-constraint": "sql.domain",
    "ban-detach-inheritance": "sql.partition",
    "ban-disable-trigger": "sql.trigger",
    "ban-drop-column": "column.drop",
    "ban-drop-constraint": "unique.drop",
    "ban-drop-database": "sql.server",
    "ban-drop-extension": "extension.drop",
    "ban-drop-generated-expression": "column.generated",
    "ban-drop-index": "index.drop",
    "ban-drop-not-null": "column.type.wider",
    "ban-drop-schema": "sql.drop",
    "ban-drop-sequence": "sequence.drop",
    "ban-drop-table": "table.drop",
    "ban-set-default": "column.default",
    "ban-set-schema": "sql.rename",
    "ban-truncate-cascade": "sql.cascade",
    "ban-uncommitted-transaction": "sql.transaction",
    "changing-column-type": "column.type",
    "constraint-missing-not-valid": "check.add",
    "disallowed-unique-constraint": "unique.add",
    "prefer-bigint-over-int": "key.integer",
    "prefer-bigint-over-smallint": "key.integer",
    "prefer-identity": "column.types",
    "prefer-repack": "sql.vacuum",
    "prefer-text-field": "column.types",
    "prefer-timestamp-tz": "column.types",
    "renaming-column": "column.rename",
    "renaming-object": "sql.rename",
    "renaming-table": "table.rename",
    "require-concurrent-index-creation": "index.build",
    "require-concurrent-index-deletion": "index.drop",
    "require-concurrent-partition-detach": "sql.partition",
    "require-concurrent-reindex": "sql.reindex",
    "require-enum-value-ordering": "sql.enum",
    "require-lock-timeout": "column.add",
    "require-statement-timeout": "sql.timeout",
    "require-timeout-settings": "sql.timeout",
    "transaction-nesting": "sql.transaction",
}


def lessons(sql: str, kind: str = "expand") -> set[str]:
    found = {problem.why for _, problem in problems("a.sql", sql, kind)}
    return {key for key, lesson in LESSONS.items() if key.startswith("sql.") and lesson.danger in found}


@pytest.mark.parametrize("lesson", REFUSED)
def test_each_form_of_it_is_refused(lesson):
    for sql in REFUSED[lesson]:
        assert lessons(sql) == {lesson}, sql
        assert bool(lessons(sql, "contract")) == (lesson not in CONTRACT_MAY), sql
        assert bool(lessons(sql, "repeatable")) == (lesson not in SCRIPTS_MAY), sql
        if lesson != "sql.hold":
            assert lessons(f"select ';' as \"a;b\"; -- and\n{sql.upper()}\n;") == {lesson}, sql


def test_every_lesson_about_sql_is_shown():
    about_sql = {key for key in LESSONS if key.startswith("sql.")}
    assert REFUSED.keys() | {"sql.rows"} == about_sql, "sql.rows: test_hazards.py, as it needs to know sizes"


@pytest.mark.parametrize("sql", HARMLESS)
def test_what_is_harmless_passes(sql):
    for kind in ("expand", "contract"):
        assert lessons(sql, kind) == set()


@pytest.mark.parametrize("sql", [*HARMLESS, "drop view if exists a cascade; create view a as select 1"])
def test_what_scripts_do_passes(sql):
    assert lessons(sql, "repeatable") == set()


def test_an_exception_is_made_of_one_rule_for_one_statement():
    sql = "-- squawk-ignore ban-truncate\ntruncate a;\ntruncate b;\n-- squawk-ignore lock-table\ntruncate c;"
    assert [problem.file for _, problem in problems("a.sql", sql, "expand")] == ["a.sql:3", "a.sql:5"]


def test_squawk_minds_no_exception_of_our_rules_but_a_misspelt_one(checkout):
    checkout.collection()
    rules = sorted(NAMES)
    text = "".join(f"-- squawk-ignore {rule}\nselect 1;\n" for rule in [*rules, "ban-trunkate"])
    checkout.write(f"{FOLDER}/repeatable/names.sql", text)
    found = [problem for problem in lint(checkout.root, checkout.load()) if "unknown name" in problem.message]
    assert [problem.file for problem in found] == [f"{FOLDER}/repeatable/names.sql:{2 * len(rules) + 1}"]


def test_squawk_s_rules_are_each_somebody_s_lesson():
    assert set(SQUAWK.values()) <= LESSONS.keys()
    squawk = [sys.executable.replace("python", "squawk").rpartition("/")[0] + "/squawk", "--exclude", ",".join(SQUAWK)]
    subprocess.run([*squawk, "--version"], check=True, capture_output=True)


def test_a_file_s_types_are_none_that_cause_trouble(checkout):
    """The lesson column.types: no spelling of a file leads to one of them."""
    kinds = ("text", "integer", "bigint", "number", "boolean", "date", "timestamp", "uuid", "bytes", "interval")
    columns = {f"a_{kind}": {"type": kind} for kind in (*kinds, "text_list", "uuid_list", "money", "duration")}
    checkout.collection(columns={**columns, "a_document": {"type": "document", "schema": {"type": "object"}}})
    (collection,) = checkout.load()["person"].collections
    types = {column.sql_type for column in collection.table.columns}
    assert "timestamp with time zone" in types
    assert not types & {"json", "character", "character varying", "timestamp without time zone", "money"}


def test_a_statement_knows_its_lines():
    sql = "select 1;\n\n-- two\nselect\n  'a\nb';\nselect $a$;$$;$a$"
    assert [(one.line, one.last) for one in statements(sql)] == [(1, 1), (4, 6), (7, 7)]


def test_pending_sql_is_refused_by_a_plan_and_what_has_run_is_not(checkout, database):
    checkout.collection()
    database.apply(checkout)
    path = f"{FOLDER}/migrations/person/1.1.0/01_it.expand.sql"
    checkout.write(path, "insert into person (name) values ('Ada');")
    checkout.collection(version="1.1.0.0")
    database.apply(checkout)
    checkout.write(path, "insert into person (name) values ('Ada');\nlock table person;")
    assert database.plan(checkout).empty
    assert [problem.key for problem in lint(checkout.root, checkout.load())] == ["lock-table"]
    checkout.write(f"{FOLDER}/repeatable/names.sql", "lock table person.person;")
    (problem,) = database.plan(checkout).refusals
    assert (problem.file, problem.key) == (f"{FOLDER}/repeatable/names.sql:1", "lock-table")
