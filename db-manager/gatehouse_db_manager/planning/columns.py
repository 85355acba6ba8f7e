"""Column changes that need no table rewrite: add, backfill, require, relax, describe and drop. Rewrites are in
table_rewrite.py."""

import re

from gatehouse_db_manager.config.model import Column, Constraint
from gatehouse_db_manager.config.names import given_by_postgres
from gatehouse_db_manager.config.values import quote
from gatehouse_db_manager.database.snapshot import LiveColumn
from gatehouse_db_manager.planning import ddl
from gatehouse_db_manager.planning.ddl import comment_on_column, with_suffix
from gatehouse_db_manager.planning.plan import Backfill
from gatehouse_db_manager.planning.table_change import NOTHING, TableChange, prove, space, validate

# Defaults that PostgreSQL evaluates once and stores in the catalog, without a rewrite.
_STABLE_EXPRESSIONS = frozenset({"now()", "current_timestamp", "current_date"})
# Bytes per second of a batched update, roughly; only for the estimates in a plan.
_FILL_SPEED = 5e6


def change_columns(change: TableChange) -> None:
    added = []
    for column in change.table.columns:
        live = change.column(column.name)
        if space("column", column.name) in change.handled:
            continue
        if live is None:
            if _can_add(change, column):
                added.append(column)
            continue
        if column.required and not live.required:
            change.to_require.append(column)
        if column.serial and not is_serial(live):
            numbered = ddl.number_column(change.schema.name, change.table.name, column, identity="")
            change.settle(column, f"number {column.name}", "new rows get the next number", numbered)
            continue
        if live.identity and not column.identity:
            action = change.alter(f"alter column {column.name} drop identity")
            change.settle(column, f"stop numbering {column.name}", "it is no longer an identity", action)
        _default(change, column)
        recorded = change.recorded("column", column.name)
        if recorded and recorded.details.get("backfill") == column.default and column.default:
            _fill(change, column)
    if added:
        _add(change, added)


def _add(change: TableChange, added: list[Column]) -> None:
    """Adds columns with their own checks: NOT VALID first, validated in a second transaction."""
    keys = {f"columns.{column.key}" for column in added}
    checks = [item for item in change.table.constraints if item.kind == "check" and item.key in keys]
    # When a type of several columns gains a part, the other parts and their checks exist already.
    checks = [item for item in checks if item.name not in change.live.constraints and space(item) not in change.handled]
    later = "" if change.empty else " not valid"
    volatile = [] if change.empty else [column for column in added if _is_volatile(column)]
    clauses, after = [], []
    for column in added:
        bare = column in volatile or _comes_empty(change, column)
        clauses.append(
            f"add column {f'{column.name} {column.sql_type}{column.collated}' if bare else column.definition}"
        )
        if bare and column.required:
            change.to_require.append(column)
        if bare and column.serial:
            sequence = f"{change.schema.name}.{given_by_postgres(change.table.name, column.name, 'seq')}"
            after.append(f"create sequence {sequence} as {column.sql_type} owned by {change.full}.{column.name}")
        if column in volatile:
            after.append(change.alter(f"alter column {column.name} set default {column.default}"))
    clauses += [f"add constraint {item.name} {item.definition}{later}" for item in checks]
    after += [comment_on_column(change.full, column) for column in added if column.description]
    columns = (
        change.remember(column, **({"backfill": column.default or ""} if column in volatile else {}))
        for column in added
    )
    change.step(
        f"add column {', '.join(column.name for column in added)}",
        "new rows get the default; existing rows are backfilled next"
        if volatile
        else "it is new; existing rows get the default",
        change.alter(", ".join(clauses)),
        *after,
        remember=(*columns, *map(change.remember, checks)),
    )
    change.reshaped = True
    change.handled |= {space(item) for item in checks}
    if checks and not change.empty:
        validate(change, *checks)
    for column in volatile:
        _fill(change, column)


def _is_volatile(column: Column) -> bool:
    return column.default is not None and "(" in column.default and column.default not in _STABLE_EXPRESSIONS


def _comes_empty(change: TableChange, column: Column) -> bool:
    """Whether a migration fills this required column."""
    required = column.required and column.default is None and column.generated is None
    return required and change.migrates and not change.empty


def _fill(change: TableChange, column: Column) -> None:
    table = change.table.name
    change.step(
        f"fill {column.name}",
        "its default is volatile: backfilled in batches, as adding it at once would rewrite the table",
        kind="backfill",
        phase="backfill",
        locks="a few rows at a time",
        seconds=change.live.size / _FILL_SPEED,
        backfill=Backfill(
            name=f"{table}.{column.name}",
            table=change.full,
            key=change.live_key,
            assignments=f"{column.name} = {column.default}",
            condition=f"{column.name} is null",
        ),
        remember=(change.remember(column),),
    )


def _can_add(change: TableChange, column: Column) -> bool:
    if change.empty or not column.required or column.default is not None or column.generated is not None:
        return True
    if change.migrates or not change.has_rows():
        return True
    danger = f"adds the required column {column.name} without a default"
    change.refuse("column.required.add", f"columns.{column.key}", danger, column=column.name)
    return False


def require_columns(change: TableChange) -> None:
    """Sets NOT NULL by way of a validated check: SET NOT NULL alone scans the table under an exclusive lock, and with a
    valid check it doesn't."""
    for column in change.to_require:
        if space("column", column.name) in change.handled:
            continue
        if change.empty:
            action = change.alter(f"alter column {column.name} set not null")
            change.settle(column, f"require {column.name}", "the table is empty", action)
        elif change.migrates or not refuse_empty(change, column):
            _require(change, column)


def refuse_empty(change: TableChange, column: Column) -> bool:
    """Whether rows have no value, which is then refused."""
    if column.name not in change.live.columns or _is_volatile(column):
        return False
    rows = change.count(f"{column.name} is null")
    if rows:
        why, danger = f"{rows:,} {'row has' if rows == 1 else 'rows have'} no value.", f"makes {column.name} required"
        key = f"columns.{column.key}.required"
        change.refuse("column.required.empty", key, danger, why=why, rows=rows, column=column.name)
    return bool(rows)


def _require(change: TableChange, column: Column) -> None:
    check = with_suffix(f"{change.table.name}_{column.name}", "__given")
    change.tightens = True
    given = f"check ({column.name} is not null)"
    prove(change, Constraint(name=check, key=f"columns.{column.key}.required", kind="check", definition=given))
    change.step(
        f"require {column.name}",
        "the validated check proves it, so no row is read again",
        change.alter(f"alter column {column.name} set not null"),
        change.alter(f"drop constraint {check}"),
        remember=(change.forget("check", check), change.remember(column)),
    )


IDENTITIES = {"always": "a", "by default": "d"}


def number_columns(change: TableChange) -> None:
    """Makes columns an identity, or another kind of one; they are NOT NULL by now."""
    for column in change.table.columns:
        live = change.column(column.name)
        if live is None or space("column", column.name) in change.handled or not column.identity:
            continue
        if IDENTITIES[column.identity] == live.identity:
            continue
        numbered = start_numbering(change, column, live)
        change.settle(column, f"number {column.name}", "new rows get the next number", numbered)


def start_numbering(change: TableChange, column: Column, live: LiveColumn) -> str:
    """A new identity continues after the highest existing number, or where the column's own sequence was."""
    if live.identity:
        return change.alter(f"alter column {column.name} set generated {column.identity}")
    return ddl.number_column(change.schema.name, change.table.name, column, identity=column.identity)


def is_serial(live: LiveColumn) -> bool:
    """Whether a sequence that belongs to the column is its default."""
    return bool(live.sequence and live.default and re.search(rf"\b{live.sequence}'", live.default))


def relax(change: TableChange) -> None:
    """Makes columns nullable, after the keys have changed: columns of a primary key can't be."""
    keyed = any(item.kind == "primary_key" for item in change.table.constraints)
    for column in change.table.columns:
        live = change.column(column.name)
        if live and live.required and not column.required and space("column", column.name) not in change.handled:
            # A primary key that isn't replaced goes among the last steps, and this after it.
            add = change.contract if not keyed and column.name in change.live_key else change.step
            add(
                f"allow {column.name} to be empty",
                "it is no longer required",
                change.alter(f"alter column {column.name} drop not null"),
                remember=(change.remember(column),),
            )


def _default_touched(change: TableChange, column: Column) -> bool:
    """Whether the default was changed by hand. NOT NULL is compared separately."""
    recorded, live = change.recorded("column", column.name), change.column(column.name)
    if recorded is None or live is None or not recorded.details.get("live"):
        return False
    default = str(recorded.details["live"]).partition(f":{live.sql_type}")[2].removeprefix(" not null").strip()
    same_version = str(recorded.details["live"]).startswith(f"{change.given.whole.major}:{live.sql_type}")
    return same_version and default != (live.default or "")


def _default(change: TableChange, column: Column) -> None:
    recorded = change.recorded("column", column.name)
    live = change.column(column.name)
    if recorded is None or live is None:
        return
    statements, owned = [], [one.name for one in change.schema.sequences]
    if live.generated and column.generated is None:
        statements.append(change.alter(f"alter column {column.name} drop expression"))
    if column.identity:
        return  # number_columns
    touched = column.generated is None and _default_touched(change, column)
    if recorded.details.get("default") != column.default or touched:
        action = "drop default" if column.default is None else f"set default {column.default}"
        statements.append(change.alter(f"alter column {column.name} {action}"))
        if is_serial(live) and not column.serial and live.sequence not in owned:
            statements.append(f"drop sequence {change.schema.name}.{live.sequence}")
    if statements:
        what = f"stop generating {column.name}" if "expression" in statements[0] else f"set default of {column.name}"
        what = f"drop default of {column.name}" if column.default is None and what.startswith("set") else what
        change.settle(column, what, "applies to new rows only", *statements)


def change_comments(change: TableChange) -> None:
    changed = [
        comment_on_column(change.full, column)
        for column in change.table.columns
        if (live := change.column(column.name))
        and live.description != column.description
        and space("column", column.name) not in change.handled
    ]
    if change.live.description != change.table.description:
        changed.insert(0, f"comment on table {change.full} is {quote(change.table.description)}")
    if changed:
        change.step("update descriptions", "descriptions changed", *changed, locks=NOTHING)


def drop_columns(change: TableChange) -> None:
    """Drops columns that db-manager made; columns added by hand stay."""
    added = [column.name for column in change.table.columns if column.name not in change.live.columns]
    # A generated column goes before the columns it uses.
    for name in sorted(change.gone, key=lambda one: not change.live.columns[one].generated):
        if space("column", name) in change.handled:
            continue
        rows = None
        if not change.empty:
            rows = change.count(f"{name} is not null")
        hint = f" (if {added[0]} is its new name, add `renamed_from: {name}` there)" if len(added) == 1 else ""
        change.reshaped = True
        danger = f"no longer has the column {name}{hint}"
        lost = change.hazard("column.drop", f"{change.table.name}.{name}", danger, rows=rows, column=name)
        drop, gone = change.alter(f"drop column {name}"), change.forget("column", name)
        change.contract(f"drop column {name}", "it is no longer in the file", drop, remember=(gone,), hazards=(lost,))
