"""Unsafe statements in migrations/ and repeatable/, each with its lesson.

`gate db check` reports them for all files, with lines, next to squawk's findings; a plan refuses those in files that
are about to run. Rules share squawk's names where possible, so `-- squawk-ignore NAME` above a statement is an
exception to both. DO blocks and function bodies are not checked."""

import re
from collections.abc import Collection, Iterable, Iterator

import msgspec

from gatehouse_db_manager.config.model import Migration, Schema
from gatehouse_db_manager.config.sql_text import SqlStatement, statements
from gatehouse_db_manager.database.snapshot import LiveSchema
from gatehouse_db_manager.errors import Refusal
from gatehouse_db_manager.hazards.lesson import SMALL
from gatehouse_db_manager.hazards.lessons import LESSONS

_MIGRATIONS = frozenset({"expand", "contract"})
_EXPAND = frozenset({"expand", "repeatable"})
_ALL = frozenset({"expand", "contract", "repeatable"})
_ALTER = r"alter table (?:if exists )?(?:only )?(?P<table>[\w.]+)\b.*?"
_BACK = r"(?<!delete )(?<!update )\bcascade\b"


class _Rule(msgspec.Struct, frozen=True):
    """`name` as in squawk-ignore; `lesson` its key in lessons.py; `files`: the kinds that it holds for. With a `table`
    in its pattern it doesn't hold for one that the same file has made: nobody uses that yet."""

    name: str
    lesson: str
    pattern: str
    files: Collection[str] = _ALL

    def finds(self, text: str) -> "re.Match[str] | None":
        return re.compile(self.pattern).match(text)


_RULES = (
    _Rule(
        "transaction-nesting",
        "sql.transaction",
        r"(begin|start transaction|commit|rollback|savepoint|release|prepare transaction)\b",
    ),
    _Rule(
        "set-timeout",
        "sql.timeout",
        r"(set|reset) (local |session )?\w*timeout\b|(reset|discard) all\b",
    ),
    _Rule("lock-table", "sql.lock", r"lock\b"),
    _Rule(
        "require-concurrent-index-creation",
        "sql.index",
        r"create (unique )?index (concurrently )?(if not exists )?([\w]+ )?on (only )?(?P<table>[\w.]+)",
    ),
    _Rule("require-concurrent-index-deletion", "sql.index.drop", r"drop index\b"),
    _Rule("require-concurrent-reindex", "sql.reindex", r"reindex\b"),
    _Rule("prefer-repack", "sql.vacuum", r"(vacuum|cluster)\b"),
    _Rule("require-concurrent-refresh", "sql.refresh", r"refresh materialized view (?!concurrently)(?P<table>[\w.]+)"),
    _Rule(
        "ban-truncate-cascade",
        "sql.cascade",
        rf"(truncate|drop (table|schema|type|sequence|domain|extension)|alter table)\b.*{_BACK}",
    ),
    _Rule("ban-truncate", "sql.drop", r"truncate (table )?(only )?(?P<table>[\w.]+)", _EXPAND),
    _Rule(
        "ban-drop-table",
        "sql.drop",
        r"drop (foreign )?(table|schema|extension) (if exists )?(?P<table>[\w.]+)",
        _EXPAND,
    ),
    _Rule("ban-drop-column", "sql.drop", _ALTER + r"\bdrop (column|constraint)\b", _EXPAND),
    _Rule(
        "adding-column",
        "sql.column",
        _ALTER + r"\badd (column\b|(?!constraint\b|check\b|foreign\b|unique\b|primary\b|exclude\b)\w+ \w)",
    ),
    _Rule(
        "constraint-missing-not-valid",
        "sql.constraint",
        _ALTER
        + r"\badd (constraint \w+ )?(check|foreign key|unique|primary key|exclude)\b"
        + r"(?! using index)(?!.*\bnot valid\b)",
    ),
    _Rule("adding-not-nullable-field", "sql.constraint", _ALTER + r"\bset not null\b"),
    _Rule("changing-column-type", "sql.type", _ALTER + r"\balter (column )?\w+ (set data )?type\b"),
    _Rule(
        "renaming-object",
        "sql.rename",
        r"alter (table|index|schema|sequence|type) (if exists )?(only )?(?P<table>[\w.]+) "
        r"(rename\b(?! value\b)|set schema\b)",
        _EXPAND,
    ),
    _Rule(
        "ban-set-storage",
        "sql.storage",
        _ALTER + r"\bset (logged|unlogged|tablespace|access method|with oids|without cluster)\b",
    ),
    _Rule("require-concurrent-partition-detach", "sql.partition", _ALTER + r"\b(attach|detach) partition\b"),
    _Rule(
        "ban-disable-trigger",
        "sql.trigger",
        _ALTER + r"\bdisable (trigger|rule)\b|set (local |session )?session_replication_role\b",
    ),
    _Rule("ban-add-enum-value", "sql.enum", r"alter type \S+ (add|rename) value\b"),
    _Rule("ban-alter-domain-with-add-constraint", "sql.domain", r"alter domain \S+ (add|set not null|validate)\b"),
    _Rule(
        "ban-create-table",
        "sql.table",
        r"create (unlogged )?table\b|select\b.*\binto (unlogged |table )*(?!temp)\w",
        {"expand"},
    ),
    _Rule(
        "ban-server-wide",
        "sql.server",
        r"(alter system|(create|drop|alter) (database|tablespace)|(drop|reassign) owned|drop (role|user|group))\b",
    ),
)
# What `-- squawk-ignore` can name.
NAMES = frozenset({*(rule.name for rule in _RULES), "hold-lock", "update-many-rows"})
_MAKES = re.compile(
    r"create (?:global |local )?(?:temp |temporary |unlogged )?(?:table|materialized view) (?:if not exists )?([\w.]+)"
)
_TAKES_ALL = re.compile(r"alter (table|type|domain)\b|drop (table|view|index)\b|truncate\b|create trigger\b")
_LONG = re.compile(
    r"(update|delete|merge|refresh|insert\b.*\bselect|with\b.*\b(update|delete|insert))\b|.*\bvalidate constraint\b"
)
_ROWS = re.compile(r"(?:update (?:only )?|delete from (?:only )?|merge into (?:only )?)(?P<table>[\w.]+)")


def problems(file: str, sql: str, kind: str) -> Iterator[tuple[SqlStatement, Refusal]]:
    """What one file must not do. `kind`: expand, contract or repeatable."""
    made: set[str] = set()
    holds: SqlStatement | None = None
    for one in statements(sql):
        for rule in _RULES:
            found = rule.finds(one.text) if kind in rule.files and rule.name not in one.ignored else None
            if found and _bare(found.groupdict().get("table")) not in made:
                yield one, _refusal(rule.name, rule.lesson, file, one)
                break
        else:
            if holds and kind != "repeatable" and _LONG.match(one.text) and "hold-lock" not in one.ignored:
                yield one, _refusal("hold-lock", "sql.hold", file, one)
        if new := _MAKES.match(one.text):
            made.add(_bare(new[1]))
        holds = one if _TAKES_ALL.match(one.text) and not made & {_bare(word) for word in one.text.split()} else holds


def pending_problems(schema: Schema, live: LiveSchema, migrations: Iterable[Migration]) -> Iterator[Refusal]:
    """Of the migrations that a plan runs and the scripts that are new or changed."""
    recorded = {name: item.digest for (kind, name), item in live.objects.items() if kind == "script"}
    for one in migrations:
        if one.kind != "backfill":
            yield from (problem for _, problem in problems(one.file, one.sql, one.kind))
            yield from _of_many_rows(one, live)
    for script in schema.scripts:
        if recorded.get(script.name) != script.digest:
            yield from (problem for _, problem in problems(script.file, script.sql, "repeatable"))


def _of_many_rows(migration: Migration, live: LiveSchema) -> Iterator[Refusal]:
    for one in statements(migration.sql):
        found = _ROWS.match(one.text)
        table = live.tables.get(_bare(found["table"])) if found else None
        if table and table.size > SMALL and "update-many-rows" not in one.ignored:
            yield _refusal("update-many-rows", "sql.rows", migration.file, one)


def _bare(name: str | None) -> str:
    return (name or "").rpartition(".")[2]


def _refusal(name: str, lesson: str, file: str, one: SqlStatement) -> Refusal:
    taught = LESSONS[lesson]
    shown = one.text if len(one.text) <= 100 else one.text[:97] + "..."
    danger = f"must not: {shown}"
    good = taught.said(taught.good, {})
    return Refusal(
        file=f"{file}:{one.line}",
        key=name,
        message=f"{danger}: {taught.why}",
        fix=good,
        danger=danger,
        why=taught.danger,
        bad=taught.said(taught.bad, {}),
        good=good,
    )


def all_problems(schema: Schema) -> Iterator[tuple[SqlStatement, Refusal]]:
    """Of all files, whether or not they have run."""
    for one in schema.migrations:
        if one.kind != "backfill":
            yield from problems(one.file, one.sql, one.kind)
    for script in schema.scripts:
        yield from problems(script.file, script.sql, "repeatable")
