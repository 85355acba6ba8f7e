"""Looks at existing rows before a rule is promised: a bounded query for each unique, check, foreign key or exclusion
that is new or changes. Rows that violate it are a refusal, with their number and one of them."""

from collections.abc import Mapping
from functools import partial

from gatehouse_db_manager.config.model import Constraint, Data, Index
from gatehouse_db_manager.hazards import violations
from gatehouse_db_manager.planning.table_change import TableChange, mentions, substitute


def refuse_violations(change: TableChange, data: Mapping[str, list[Data]]) -> None:
    """`data`: rows of tables that are yet to be created, by collection."""
    if change.empty or change.migrates:
        return
    for item in (*change.table.constraints, *change.table.indexes):
        question = _question(change, item, data) if _is_new(change, item) else ""
        rows = change.given.ask(question) if question else None
        if not rows:
            continue
        number = f"{rows:,}{' or more' if rows == violations.MOST else ''} row{'' if rows == 1 else 's'}"
        kind = "index" if isinstance(item, Index) else item.kind
        why = f"{number} violate{'s' if rows == 1 else ''} it, such as {change.given.whole.examples.get(question, '')}."
        if rows < 0:
            rows, why = None, "its expression can't be evaluated for some rows."
        danger = f"adds the {kind.replace('_', ' ')} {item.name}"
        change.refuse("rows.violate", item.key, danger, why=why, rows=rows, name=item.name)


def _is_new(change: TableChange, item: Constraint | Index) -> bool:
    """Whether rows that are there have not been checked against it."""
    if isinstance(item, Index):
        live = change.live.indexes.get(item.name)
        return item.unique and not (live and live.valid and change.stands(item, live))
    live_rule = change.live.constraints.get(item.name)
    narrowed = item.values is not None and live_rule is not None  # has a refusal of its own
    return not narrowed and not (live_rule and change.stands(item, live_rule))


def _question(change: TableChange, item: Constraint | Index, data: Mapping[str, list[Data]]) -> str:
    source = _source(change, item.definition)
    rename = partial(substitute, names=change.names_now)
    shown = violations.named_by(substitute(name, change.names_now) for name in change.live_key)
    if not source:
        return ""
    try:
        if isinstance(item, Index) or item.kind in {"unique", "primary_key"}:
            return violations.of_unique(item.definition, source, rename)
        if item.kind == "check":
            return violations.of_check(item.definition, source, shown, rename)
        if item.kind == "exclusion":
            return violations.of_exclusion(item.definition, source, shown, rename)
        return _foreign_key(change, item, (source, shown), data)
    except ValueError:
        return ""  # it isn't worded as we know it


def _foreign_key(
    change: TableChange, item: Constraint, rows_of: tuple[str, str], data: Mapping[str, list[Data]]
) -> str:
    target, keys = violations.target_of(item.definition)
    schema, _, name = target.rpartition(".")
    columns = [substitute(one, change.names_now) for one in item.columns]
    if schema not in {"", change.schema.name}:
        return violations.of_foreign_key(columns, *rows_of, target, keys) if keys else ""
    collection = next((one for one in change.schema.collections if one.name == name), None)
    keys = keys or list(collection.table.primary_key if collection else ())
    live = change.tables.get(name)
    if live is not None:
        if any(key not in live.columns for key in keys) or live.was:
            return ""
        return violations.of_foreign_key(columns, *rows_of, f"{change.schema.name}.{name}", keys)
    if len(keys) != 1:
        return ""
    rows = [row for one in data.get(name, ()) for row in one.rows]
    values = (str(row[keys[0]]) for row in rows if row.get(keys[0]) is not None)
    return violations.of_missing_values(columns[0], *rows_of, sorted(set(values))[: violations.MOST])


def _source(change: TableChange, definition: str) -> str:
    """The table with the columns that it will have by then; empty if their values can't be told."""
    added = []
    for column in change.table.columns:
        live = change.column(column.name)
        if not mentions(definition, column.name) or (live and live.sql_type == column.sql_type):
            continue
        value = column.generated or column.default
        unknown = live is not None or column.identity or "nextval" in (value or "")
        if unknown or (value is not None and column.generated is None and "(" in value):
            return ""
        added.append(f"({substitute(value or 'null', change.names_now)})::{column.sql_type} as {column.name}")
    if not added:
        return f"{change.full_now} t"
    return f"(select t.*, {', '.join(added)} from {change.full_now} t) t"  # noqa: S608 (names are checked)
