"""Every operation that is unsafe on a busy table, why, and the safe way. The only source of it: refusals and approvals
take their words from here, the table in the README is written from here, and a test holds every line to what it
declares.

The list follows what the best linters know (squawk's rules, strong_migrations' README).
"""

from gatehouse_db_manager.hazards.lesson import Lesson, lesson
from gatehouse_db_manager.hazards.sql_lessons import SQL

_FILL = "migrations/{table}/{version}/01_fill.backfill.sql"

LESSONS: dict[str, Lesson] = {
    "column.add": lesson(
        "done",
        "add a column, with a constant default or none",
        "Whoever comes after an ALTER TABLE that waits for its lock waits too.",
        "alter table without a lock_timeout",
        "100 ms for the lock, give way, try again; PostgreSQL keeps the default in its catalog and rewrites nothing",
    ),
    "column.default.volatile": lesson(
        "done",
        "add a column whose default differs by row",
        "PostgreSQL rewrites the whole table behind an exclusive lock.",
        "add column token uuid default gen_random_uuid()",
        "the column comes without a default, then gets one for new rows; the others are filled in batches that resume",
    ),
    "column.required.add": lesson(
        "refused",
        "add a required column without a default",
        "The rows that are there have no value.",
        "alter table {full} add column {column} ... not null",
        f"Give it a default, leave `required` out, or fill it in {_FILL}.",
    ),
    "column.required.full": lesson(
        "done",
        "make a column required",
        "SET NOT NULL looks at every row behind an exclusive lock.",
        "alter column email set not null",
        "a check for new rows, validated beside the traffic; with it NOT NULL reads nothing, and the check goes",
    ),
    "column.required.empty": lesson(
        "refused",
        "make a column required that has rows without a value",
        "It would fail at the first of them.",
        "alter table {full} alter column {column} set not null",
        f"Fill them first: {_FILL}.",
    ),
    "column.default": lesson(
        "done",
        "change or drop a default",
        "Old rows don't change by it, and an update of all of them in one transaction locks them all.",
        "alter column visits set default 1; update person set visits = 1",
        "for new rows only, in an instant",
    ),
    "column.type.wider": lesson(
        "done",
        "no longer require a column, or widen a type that is stored the same",
        "Whoever comes after an ALTER TABLE that waits for its lock waits too.",
        "alter table without a lock_timeout",
        "in the catalog only, with 100 ms for the lock",
    ),
    "column.type": lesson(
        "asks",
        "change a column's type",
        "PostgreSQL rewrites the table behind an exclusive lock, and running code expects the old type.",
        "alter table {full} alter column {column} type {type}",
        "Add a column of the new type, write to both, move reads, and say the old one is deprecated.",
        type="bigint",
    ),
    "column.type.values": lesson(
        "refused",
        "change a column's type where a row has a value that the new one can't hold",
        "The values would be lost, or it would fail halfway.",
        "alter table {full} alter column {column} type {type}",
        "Fix those rows first, or add a column of the new type beside it.",
        type="integer",
    ),
    "column.generated": lesson(
        "asks",
        "add a generated or numbered column to a table with rows, or generate it otherwise",
        "PostgreSQL rewrites the table behind an exclusive lock.",
        "alter table {full} add column {column} text generated always as (...) stored",
        "Add a plain column that the service writes, or an index on the expression.",
    ),
    "table.rewrite": lesson(
        "refused",
        "any change for which PostgreSQL rewrites a table of more than 16 MB",
        "Nobody reads or writes it until it is written anew.",
        "alter table {full} alter column {column} type bigint",
        "Add a new column beside the old one, fill it in migrations/, move readers and writers, drop the old one. "
        "For a generated column: an index on the expression, or a trigger.",
    ),
    "column.rename": lesson(
        "asks",
        "rename a column (renamed_from)",
        "Code that is running asks for the old name and fails from that moment on.",
        "alter table {full} rename column {column} to {new}",
        "Add {new} beside {column}, write both, move the readers, then drop {column}.",
        new="contact",
    ),
    "column.drop": lesson(
        "asks",
        "drop a column",
        "Its data is gone for good, and running code that reads it breaks.",
        "alter table {full} drop column {column}",
        'Keep it until nothing uses it: deprecated: {{{column}: "since {version}; use ..."}}.',
    ),
    "table.rename": lesson(
        "asks",
        "rename a collection (renamed_from)",
        "Code that is running asks for the old name and fails from that moment on.",
        "alter table {full} rename to {new}",
        "Add {new} beside {table}, write both, move the readers, then drop {table}; or keep the old name as a view in "
        "repeatable/.",
        new="people",
    ),
    "table.drop": lesson(
        "asks",
        "drop a table (its file is gone)",
        "All its data is gone for good.",
        "drop table {full}",
        "Put the file back, until nothing uses the table and its rows are saved elsewhere.",
    ),
    "index.build": lesson(
        "done",
        "build an index",
        "CREATE INDEX lets nobody write until it is built.",
        "create index on person (name)",
        "CREATE INDEX CONCURRENTLY outside a transaction, checked to be valid; a half-built one is built anew",
    ),
    "index.change": lesson(
        "done",
        "change an index",
        "Between drop and create every query reads the whole table.",
        "drop index; create index",
        "the new one is built beside the old one, then they swap names",
    ),
    "index.drop": lesson(
        "asks",
        "drop an index",
        "Queries that use it will read the whole table.",
        "drop index {name}",
        "Keep it until nothing relies on it (pg_stat_user_indexes.idx_scan shows how often it is read).",
    ),
    "unique.add": lesson(
        "done",
        "make columns unique",
        "ADD UNIQUE builds its index behind an exclusive lock.",
        "add constraint person_email_unique unique (email)",
        "a unique index built concurrently, which then becomes the constraint",
    ),
    "unique.change": lesson(
        "asks",
        "change a unique constraint or a primary key",
        "Running code may rely on it (ON CONFLICT, and which row it means).",
        "alter table {full} drop constraint {name}, add constraint {name} ...",
        "Give the new one another name and keep the old one beside it until nothing uses it.",
    ),
    "unique.drop": lesson(
        "asks",
        "drop a unique or exclusion constraint",
        "Running code may rely on it (ON CONFLICT), and rows that break it can't be undone.",
        "alter table {full} drop constraint {name}",
        "Keep it until nothing relies on it.",
    ),
    "exclusion.add": lesson(
        "asks",
        "add an exclusion constraint to a table with rows",
        "It can't be built concurrently: every write waits while it is.",
        "alter table {full} add constraint {name} exclude ...",
        "Add it while the table is empty, or say the same by a unique index.",
    ),
    "foreign_key.add": lesson(
        "done",
        "add a foreign key",
        "All rows of both tables are looked at while neither can be written.",
        "add constraint ... foreign key (mentor_id) references person",
        "NOT VALID for new rows first, then VALIDATE in a second transaction while writes go on; with its index",
    ),
    "foreign_key.drop": lesson(
        "asks",
        "drop a foreign key",
        "Rows may come to refer to what isn't there.",
        "alter table {full} drop constraint {name}",
        "Keep it until nothing relies on it.",
    ),
    "check.add": lesson(
        "done",
        "add or change a check",
        "All rows are looked at behind an exclusive lock.",
        "add constraint adult check (age >= 18)",
        "NOT VALID for new rows first, then VALIDATE in a second one; the old check holds until the new one does",
    ),
    "enumerator.widen": lesson(
        "done",
        "allow one more value",
        "A PostgreSQL enum's new value can't be used in its own transaction, and can never be removed.",
        "alter type status add value 'paused'",
        "values are a named check; a wider one is validated beside the old one, then takes its place",
    ),
    "enumerator.narrow": lesson(
        "asks",
        "remove a value of an enumerator",
        "Rows may have it, and running code may write it.",
        "alter table {full} drop constraint {name}, add constraint {name} ...",
        "Keep the value, and say in its description that it is not used any more.",
    ),
    "enumerator.narrow.rows": lesson(
        "refused",
        "remove a value of an enumerator that rows have",
        "Those rows would break the rule.",
        "alter table {full} drop constraint {name}, add constraint {name} ...",
        "Give them another value first, in migrations/{table}/{version}/01_move.backfill.sql. Or keep the value, and "
        "say in its description that it is not used any more.",
    ),
    "migration.contract": lesson(
        "asks",
        "run a file that takes something away (NN_what.contract.sql)",
        "What it removes can't be brought back, and running code may still use it.",
        "a contract step beside the release that stops using what it removes",
        "Deploy what no longer uses it everywhere first.",
    ),
    "sequence.drop": lesson(
        "asks",
        "drop a sequence",
        "Where it had counted to is gone for good, and running code may ask it for a number.",
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
        "A service that still logs in as the old one fails from that moment on.",
        "revoke all on schema {table} from {name}",
        "Let every service log in as the new role first.",
        name="person_service",
    ),
    "data.test": lesson(
        "refused",
        "load test data into production",
        "Made-up people beside real ones; nobody can tell them apart afterwards.",
        "--test-data with the address of production",
        "the database's own marker (dbm.environment) decides, whatever the flags say",
    ),
    "version.same": lesson(
        "refused",
        "change a file without raising its version",
        "What services show at /version would no longer mean one thing.",
        "edit person.yaml, leave version: 1.0.0.1",
        "raise the version; locally, gate db reset forgets",
    ),
    "column.types": lesson(
        "done",
        "choose a column's type",
        "json has no equality, char(n) pads, varchar(n) is rewritten to grow narrower, timestamp forgets its zone, and "
        "serial keeps its sequence apart.",
        "at timestamp, code char(3), data json, n serial",
        "files know text with a check, jsonb (document), timestamptz (timestamp), identity, and money in minor units",
    ),
    "key.integer": lesson(
        "warns",
        "number a primary key by integer or smallint",
        "After 2,147,483,647 rows nothing can be inserted, and widening it rewrites all tables that have it.",
        "id integer primary key",
        "type: identity (a uuid that sorts by time), or bigint",
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
