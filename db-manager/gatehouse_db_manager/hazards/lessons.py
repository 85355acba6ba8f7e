"""Every operation that is unsafe on a busy table, why it is unsafe, and the safe alternative.

This is the single source: refusals and approval prompts quote it, the table in the README is generated from it, and a
test runs each operation and checks that it ends as declared here. The list covers squawk's rules and the README of
strong_migrations.
"""

from gatehouse_db_manager.hazards.lesson import Lesson, lesson
from gatehouse_db_manager.hazards.sql_lessons import SQL

_FILL = "migrations/{table}/{version}/01_fill.backfill.sql"

LESSONS: dict[str, Lesson] = {
    "column.add": lesson(
        "done",
        "add a column, with a constant default or none",
        "An ALTER TABLE that waits for its lock blocks every query that arrives after it.",
        "alter table without a lock_timeout",
        "lock_timeout of 100 ms, then retry; PostgreSQL stores the default in its catalog and rewrites nothing",
    ),
    "column.default.volatile": lesson(
        "done",
        "add a column with a volatile default",
        "PostgreSQL rewrites the whole table under an exclusive lock.",
        "add column token uuid default gen_random_uuid()",
        "add it without a default, set the default for new rows, then backfill existing rows in resumable batches",
    ),
    "column.required.add": lesson(
        "refused",
        "add a required column without a default",
        "Existing rows have no value for it.",
        "alter table {full} add column {column} ... not null",
        f"Give it a default, leave `required` out, or fill it in {_FILL}.",
    ),
    "column.required.full": lesson(
        "done",
        "make a column required",
        "SET NOT NULL scans every row under an exclusive lock.",
        "alter column email set not null",
        "add a NOT VALID check, validate it without blocking writes, set NOT NULL (no scan needed), drop the check",
    ),
    "column.required.empty": lesson(
        "refused",
        "make a column required while rows have no value",
        "The statement fails on the first row without a value.",
        "alter table {full} alter column {column} set not null",
        f"Backfill them first: {_FILL}.",
    ),
    "column.default": lesson(
        "done",
        "change or drop a default",
        "Existing rows keep their value, and updating all of them in one transaction locks them all.",
        "alter column visits set default 1; update person set visits = 1",
        "applies to new rows only; takes a brief lock",
    ),
    "column.type.wider": lesson(
        "done",
        "make a column nullable, or widen a type without a rewrite",
        "An ALTER TABLE that waits for its lock blocks every query that arrives after it.",
        "alter table without a lock_timeout",
        "changes the catalog only, with a lock_timeout of 100 ms",
    ),
    "column.type": lesson(
        "asks",
        "change a column's type",
        "PostgreSQL rewrites the table under an exclusive lock, and running code expects the old type.",
        "alter table {full} alter column {column} type {type}",
        "Add a column of the new type, write to both, move the readers, then mark the old one as deprecated.",
        type="bigint",
    ),
    "column.type.values": lesson(
        "refused",
        "change a column's type when a row has a value that does not fit the new type",
        "Those values would be lost, or the statement would fail.",
        "alter table {full} alter column {column} type {type}",
        "Fix those rows first, or add a second column of the new type.",
        type="integer",
    ),
    "column.generated": lesson(
        "asks",
        "add a generated or identity column to a table with rows, or change how a column is generated",
        "PostgreSQL rewrites the table under an exclusive lock.",
        "alter table {full} add column {column} text generated always as (...) stored",
        "Add a plain column that the service writes, or an index on the expression.",
    ),
    "table.rewrite": lesson(
        "refused",
        "any change for which PostgreSQL rewrites a table of more than 16 MB",
        "All reads and writes wait until the rewrite ends.",
        "alter table {full} alter column {column} type bigint",
        "Add a new column, backfill it in migrations/, move readers and writers, then drop the old column. "
        "For a generated column, use an index on the expression or a trigger.",
    ),
    "column.rename": lesson(
        "asks",
        "rename a column (renamed_from)",
        "Running code still uses the old name and fails.",
        "alter table {full} rename column {column} to {new}",
        "Add {new}, write to both columns, move the readers, then drop {column}.",
        new="contact",
    ),
    "column.drop": lesson(
        "asks",
        "drop a column",
        "Its data is deleted, and running code that reads it fails.",
        "alter table {full} drop column {column}",
        'Keep it until nothing uses it, marked as deprecated: {{{column}: "since {version}; use ..."}}.',
    ),
    "table.rename": lesson(
        "asks",
        "rename a collection (renamed_from)",
        "Running code still uses the old name and fails.",
        "alter table {full} rename to {new}",
        "Add {new}, write to both tables, move the readers, then drop {table}; or keep the old name as a view in "
        "repeatable/.",
        new="people",
    ),
    "table.drop": lesson(
        "asks",
        "drop a table (its file is gone)",
        "Deletes all of its rows.",
        "drop table {full}",
        "Restore the file until nothing uses the table and its rows are saved elsewhere.",
    ),
    "index.build": lesson(
        "done",
        "build an index",
        "CREATE INDEX blocks writes until the index is built.",
        "create index on person (name)",
        "CREATE INDEX CONCURRENTLY outside a transaction, then check that it is valid; an invalid one is rebuilt",
    ),
    "index.change": lesson(
        "done",
        "change an index",
        "Between drop and create, every query scans the whole table.",
        "drop index; create index",
        "build the new index first, then swap the names",
    ),
    "index.drop": lesson(
        "asks",
        "drop an index",
        "Queries that use it will scan the whole table.",
        "drop index {name}",
        "Keep it until nothing uses it (pg_stat_user_indexes.idx_scan counts its scans).",
    ),
    "unique.add": lesson(
        "done",
        "make columns unique",
        "ADD UNIQUE builds its index under an exclusive lock.",
        "add constraint person_email_unique unique (email)",
        "build a unique index concurrently, then attach it as the constraint",
    ),
    "unique.change": lesson(
        "asks",
        "change a unique constraint or a primary key",
        "Running code may rely on it (ON CONFLICT).",
        "alter table {full} drop constraint {name}, add constraint {name} ...",
        "Add the new one under another name, and keep the old one until nothing uses it.",
    ),
    "unique.drop": lesson(
        "asks",
        "drop a unique or exclusion constraint",
        "Running code may rely on it (ON CONFLICT), and duplicates written afterwards prevent adding it again.",
        "alter table {full} drop constraint {name}",
        "Keep it until nothing relies on it.",
    ),
    "exclusion.add": lesson(
        "asks",
        "add an exclusion constraint to a table with rows",
        "It can't be built concurrently: all reads and writes wait.",
        "alter table {full} add constraint {name} exclude ...",
        "Add it while the table is empty, or use a unique index.",
    ),
    "foreign_key.add": lesson(
        "done",
        "add a foreign key",
        "Scans the table while both tables are locked against writes.",
        "add constraint ... foreign key (mentor_id) references person",
        "add it NOT VALID, then VALIDATE in a second transaction without blocking writes; the index comes with it",
    ),
    "foreign_key.drop": lesson(
        "asks",
        "drop a foreign key",
        "Rows may then refer to rows that don't exist.",
        "alter table {full} drop constraint {name}",
        "Keep it until nothing relies on it.",
    ),
    "check.add": lesson(
        "done",
        "add or change a check",
        "Scans all rows under an exclusive lock.",
        "add constraint adult check (age >= 18)",
        "add it NOT VALID, then VALIDATE in a second transaction; the old check stays until the new one is valid",
    ),
    "enumerator.widen": lesson(
        "done",
        "allow one more value",
        "A new value of a PostgreSQL enum can't be used in the same transaction, and can never be removed.",
        "alter type status add value 'paused'",
        "values are a named check; the wider check is validated next to the old one, then replaces it",
    ),
    "enumerator.narrow": lesson(
        "asks",
        "remove a value of an enumerator",
        "Rows may hold it, and running code may write it.",
        "alter table {full} drop constraint {name}, add constraint {name} ...",
        "Keep the value, and say in its description that it is no longer used.",
    ),
    "enumerator.narrow.rows": lesson(
        "refused",
        "remove a value of an enumerator that rows hold",
        "Those rows violate the new check.",
        "alter table {full} drop constraint {name}, add constraint {name} ...",
        "Change them first, in migrations/{table}/{version}/01_move.backfill.sql. Or keep the value, and "
        "say in its description that it is no longer used.",
    ),
    "migration.contract": lesson(
        "asks",
        "run a contract migration (NN_what.contract.sql)",
        "What it removes can't be restored, and running code may still use it.",
        "run the contract migration in the release that stops using what it removes",
        "First deploy code that no longer uses it, everywhere.",
    ),
    "sequence.drop": lesson(
        "asks",
        "drop a sequence",
        "Its current value is lost, and running code may still call nextval on it.",
        "drop sequence {name}",
        "Keep it until nothing uses it.",
        name="person.ticket",
    ),
    "extension.drop": lesson(
        "asks",
        "drop an extension",
        "Other schemas, and SQL in functions, may use it.",
        "drop extension {name}",
        "Keep it until nothing uses it.",
        name="pg_trgm",
    ),
    "role.change": lesson(
        "asks",
        "give a schema other roles",
        "A service that still logs in as the old role fails.",
        "revoke all on schema {table} from {name}",
        "First let every service log in as the new role.",
        name="person_service",
    ),
    "dependents": lesson(
        "refused",
        "drop or change what something unmanaged depends on",
        "PostgreSQL refuses it, and the plan would stop halfway.",
        "drop table {full} cascade",
        "Drop or change {name} first: {statement}",
        name="the view report.people",
        statement="drop view report.people",
    ),
    "rows.violate": lesson(
        "refused",
        "add a rule that existing rows violate",
        "The rule can't be added while rows violate it.",
        "alter table {full} add constraint {name} ...",
        "Change those rows first, by hand or in " + _FILL + ".",
    ),
    "data.test": lesson(
        "refused",
        "load test data into production",
        "Test rows mix with real ones and can't be told apart afterwards.",
        "--test-data with the address of production",
        "the database's own marker (dbm.environment) decides, not the flags",
    ),
    "version.same": lesson(
        "refused",
        "change a file without raising its version",
        "/version would name two different schemas.",
        "edit person.yaml, leave version: 1.0.0.1",
        "raise the version; locally, gate db reset starts over",
    ),
    "column.types": lesson(
        "done",
        "choose a column's type",
        "json has no equality, char(n) pads, narrowing varchar(n) rewrites, timestamp drops the time zone, and "
        "serial has a sequence of its own to manage.",
        "at timestamp, code char(3), data json, n serial",
        "use text with a check, jsonb (document), timestamptz (timestamp), identity, and money in minor units",
    ),
    "key.integer": lesson(
        "warns",
        "use integer or smallint for a primary key",
        "After 2,147,483,647 rows inserts fail, and widening the type rewrites every table that has it.",
        "id integer primary key",
        "type: identity (a uuid ordered by time), or bigint",
    ),
} | SQL


def table() -> str:
    """The table of the README, in Markdown."""
    lines = ["| operation | | why it is dangerous | bad | good |", "| --- | --- | --- | --- | --- |"]
    for one in LESSONS.values():
        bad, good = one.said(one.bad, {}), one.said(one.good, {})
        cells = (one.operation, f"**{one.how}**", one.danger, f"`{bad}`", good)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


_START, _END = "<!-- lessons: gatehouse_db_manager/hazards/lessons.py -->\n", "<!-- end of lessons -->"


def in_readme(text: str) -> str:
    """A README with the table between its two markers."""
    before, _, rest = text.partition(_START)
    return before + _START + table() + "\n" + _END + rest.partition(_END)[2]
