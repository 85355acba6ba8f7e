"""Every operation that is unsafe on a busy table, why, and the safe way: what refusals say and the table in the README.

The list follows what the best linters know (squawk's rules, strong_migrations' README): each is either done the safe
way by db-manager itself, or refused with this lesson.
"""

from typing import Literal

import msgspec


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """`bad` is what one would write by hand; `good` is what db-manager does (done) or asks you to write (refused)."""

    operation: str
    how: Literal["done", "refused"]
    danger: str
    bad: str
    good: str

    @property
    def text(self) -> str:
        return f"{self.danger} Bad: {self.bad}. Good: {self.good}."


def _done(operation: str, danger: str, bad: str, good: str) -> Lesson:
    return Lesson(operation=operation, how="done", danger=danger, bad=bad, good=good)


def _refused(operation: str, danger: str, bad: str, good: str) -> Lesson:
    return Lesson(operation=operation, how="refused", danger=danger, bad=bad, good=good)


LESSONS: dict[str, Lesson] = {
    "column.add": _done(
        "add a column with a constant default or none",
        "Waiting for the table's lock holds up everybody who comes after.",
        "alter table without a lock_timeout",
        "100 ms for the lock, give way, try again; PostgreSQL keeps the default in its catalog and rewrites nothing",
    ),
    "column.default.volatile": _refused(
        "add a column whose default differs by row",
        "PostgreSQL rewrites the whole table behind an exclusive lock.",
        "add column token uuid default gen_random_uuid()",
        "add the column without a default, let the service fill it for new rows, and the old ones in batches",
    ),
    "column.generated.add": _refused(
        "add a generated column to a table with rows, or change its expression",
        "PostgreSQL rewrites the whole table behind an exclusive lock.",
        "add column sort_name text generated always as (lower(name)) stored",
        "a plain column that the service writes, or an index on the expression",
    ),
    "column.required.add": _refused(
        "add a required column without a default",
        "The rows that are there have no value, so it fails as soon as there is one.",
        "add column kind text not null",
        "give it a default, or leave `required` out",
    ),
    "column.required.full": _refused(
        "make a column of a table with rows required",
        "Every row is looked at behind an exclusive lock, and running code may still write none.",
        "alter column email set not null",
        "a check, which is validated beside the traffic: checks: {email_given: 'email is not null'}",
    ),
    "column.type": _refused(
        "change a column's type",
        "PostgreSQL rewrites the table behind an exclusive lock, and running code expects the old type.",
        "alter column amount type bigint",
        "a new column of the new type; write both, move reads, then say the old one is deprecated",
    ),
    "column.rename": _refused(
        "rename a column",
        "The code that runs right now uses the old name; every request fails until all of it is replaced.",
        "rename column name to full_name",
        "add the new column, write both, move reads, then say the old one is deprecated",
    ),
    "column.drop": _refused(
        "drop a column in use",
        "Its data is gone for good, and the code that runs right now still reads it.",
        "drop column phone",
        'keep it and say deprecated: {phone: "since 1.1.0; use contact"} until no code reads it',
    ),
    "column.default": _done(
        "change or drop a default",
        "Old code may rely on it; rows that are there never change by it.",
        "an update of all rows in the same transaction",
        "for new rows only, in an instant",
    ),
    "table.drop": _refused(
        "drop a table, or remove its file",
        "All its data is gone for good.",
        "drop table person",
        "put the file back; deprecate the collection and stop using it first",
    ),
    "table.rename": _refused(
        "rename a table",
        "The code that runs right now uses the old name.",
        "rename to people",
        "a new collection beside the old one, or a view under the new name in repeatable/",
    ),
    "index.build": _done(
        "build an index",
        "CREATE INDEX lets nobody write until it is built.",
        "create index on person (name)",
        "CREATE INDEX CONCURRENTLY outside a transaction, checked to be valid; a half-built one is built anew",
    ),
    "index.change": _done(
        "change an index",
        "Between drop and create every query reads the whole table.",
        "drop index; create index",
        "the new one is built beside the old one, then they swap names",
    ),
    "unique.add": _done(
        "make a column unique",
        "ADD UNIQUE builds its index behind an exclusive lock.",
        "add constraint person_email_unique unique (email)",
        "a unique index built concurrently, which then becomes the constraint",
    ),
    "unique.change": _refused(
        "change a unique constraint or a primary key",
        "Running code relies on the old one (ON CONFLICT), and between the two could come rows that break both.",
        "drop constraint, add constraint",
        "a new one under another name beside the old one",
    ),
    "exclusion.add": _refused(
        "add an exclusion constraint or primary key to a table with rows",
        "It can't be built concurrently: every write waits while it is.",
        "add constraint no_overlap exclude using gist (during with &&)",
        "add it while the table is empty, or say the same by a unique index",
    ),
    "foreign_key.add": _done(
        "add a foreign key",
        "All rows of both tables are looked at while neither can be written.",
        "add constraint ... foreign key (mentor_id) references person",
        "NOT VALID for new rows first, then VALIDATE in a second transaction while writes go on; with its index",
    ),
    "check.add": _done(
        "add or change a check",
        "All rows are looked at behind an exclusive lock.",
        "add constraint adult check (age >= 18)",
        "NOT VALID for new rows first, then VALIDATE in a second one; the old check holds until the new one does",
    ),
    "enumerator.widen": _done(
        "allow one more value",
        "A PostgreSQL enum's new value can't be used in its own transaction, and can never be removed.",
        "alter type status add value 'paused'",
        "values are a named check; a wider one is validated beside the old one, then takes its place",
    ),
    "enumerator.narrow": _refused(
        "remove a value of an enumerator",
        "Rows may have it, and running code may write it.",
        "drop it from enumerators/2.yaml",
        "keep it, and say in its description that it is not used any more",
    ),
    "data.test": _refused(
        "load test data into production",
        "Made-up people beside real ones; nobody can tell them apart afterwards.",
        "--test-data with the address of production",
        "the database's own marker (dbm.environment) decides, whatever the flags say",
    ),
    "version.same": _refused(
        "change a file without raising its version",
        "What services show at /version would no longer mean one thing.",
        "edit person.yaml, leave version: 1.0.0.1",
        "raise the version; locally, gate db reset forgets",
    ),
}


def table() -> str:
    """The table of the README, in Markdown."""
    lines = ["| operation | | why it is dangerous | bad | good |", "| --- | --- | --- | --- | --- |"]
    for lesson in LESSONS.values():
        cells = (lesson.operation, f"**{lesson.how}**", lesson.danger, f"`{lesson.bad}`", lesson.good)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


_START, _END = "<!-- lessons: gatehouse_db_manager/lessons.py -->\n", "<!-- end of lessons -->"


def in_readme(text: str) -> str:
    """A README with the table between its two markers."""
    before, _, rest = text.partition(_START)
    return before + _START + table() + "\n" + _END + rest.partition(_END)[2]
