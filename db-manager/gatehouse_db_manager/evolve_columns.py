"""How the columns of a table with rows may change: added, relaxed, described; never dropped, retyped or rewritten."""

from gatehouse_db_manager.model import Column
from gatehouse_db_manager.render import comment_on_column
from gatehouse_db_manager.table_change import NOTHING, TableChange, remember, remember_column, validate
from gatehouse_db_manager.values import quote

# Defaults that PostgreSQL evaluates once and stores in the catalog instead of rewriting the table.
_STABLE_EXPRESSIONS = frozenset({"now()", "current_timestamp", "current_date"})


def change_columns(change: TableChange) -> None:
    added = []
    for column in change.table.columns:
        live = change.live.columns.get(column.name)
        if live is None:
            if _can_add(change, column):
                added.append(column)
            continue
        key = f"columns.{column.key}"
        if live.sql_type != column.sql_type:
            change.refuse(
                f"{key}.type",
                f"changes {column.name} from {live.sql_type} to {column.sql_type}: PostgreSQL would rewrite the "
                "table behind an exclusive lock, and running code expects the old type.",
                "Add a column of the new type, write to both, and mark the old one deprecated.",
            )
            continue
        if column.required and not live.required:
            _require(change, column, key)
        elif live.required and not column.required:
            change.step(
                f"allow {column.name} to be empty",
                "it is no longer required",
                change.alter(f"alter column {column.name} drop not null"),
            )
        _default(change, column, key)
    if added:
        _add(change, added)


def _add(change: TableChange, added: list[Column]) -> None:
    """New columns together with their own checks: for new rows at once, for the others in a second transaction."""
    keys = {f"columns.{column.key}" for column in added}
    checks = [item for item in change.table.constraints if item.kind == "check" and item.key in keys]
    # A part added to a type of several columns: its other parts, and their checks, may be there already.
    checks = [item for item in checks if item.name not in change.live.constraints]
    later = "" if change.empty else " not valid"
    clauses = [f"add column {column.definition}" for column in added]
    clauses += [f"add constraint {item.name} {item.definition}{later}" for item in checks]
    described = [comment_on_column(change.full, column) for column in added if column.description]
    change.step(
        f"add column {', '.join(column.name for column in added)}",
        "it is new; what is there gets the default",
        change.alter(", ".join(clauses)),
        *described,
        remember=(*(remember_column(change.table.name, column) for column in added), *map(remember, checks)),
    )
    change.added_checks |= {item.name for item in checks}
    if checks and not change.empty:
        validate(change, *checks)


def _can_add(change: TableChange, column: Column) -> bool:
    key = f"columns.{column.key}"
    if change.empty:
        return True
    if column.generated is not None:
        message = (
            f"adds the generated column {column.name}: PostgreSQL would rewrite the table behind an exclusive lock."
        )
        mend = "Add a plain column that the service writes, or an index on the expression."
    elif column.default and "(" in column.default and column.default not in _STABLE_EXPRESSIONS:
        message = f"adds {column.name} with a default that differs by row: PostgreSQL would rewrite the table."
        mend = "Use a constant default or none, and let the service fill it."
    elif column.required and column.default is None:
        message = f"adds the required column {column.name} without a default: the rows that are there have no value."
        mend = "Give it a default, or leave `required` out."
    else:
        return True
    change.refuse(key, message, mend)
    return False


def _require(change: TableChange, column: Column, key: str) -> None:
    if change.empty:
        change.step(
            f"require {column.name}",
            "the table is empty",
            change.alter(f"alter column {column.name} set not null"),
        )
        return
    change.refuse(
        f"{key}.required",
        f"makes {column.name} required: rows that are there may have no value, and looking at all of them holds an "
        "exclusive lock.",
        f'Add a check instead: checks: {{{column.name}_given: "{column.name} is not null"}}.',
    )


def _default(change: TableChange, column: Column, key: str) -> None:
    recorded = change.objects.get(("column", f"{change.table.name}.{column.name}"))
    details = recorded.details if recorded else {}
    if recorded and details.get("generated") != column.generated:
        change.refuse(
            f"{key}.generated",
            f"changes how {column.name} is generated: PostgreSQL would rewrite the table.",
            "Add a new column with the new expression, and mark the old one deprecated.",
        )
    elif recorded and details.get("default") != column.default:
        action = "drop default" if column.default is None else f"set default {column.default}"
        change.step(
            f"{action} of {column.name}".replace(f"{column.default} of {column.name}", f"of {column.name}"),
            "new rows get it; what is there stays",
            change.alter(f"alter column {column.name} {action}"),
            remember=(remember_column(change.table.name, column),),
        )


def change_comments(change: TableChange) -> None:
    changed = [
        comment_on_column(change.full, column)
        for column in change.table.columns
        if (live := change.live.columns.get(column.name)) and live.description != column.description
    ]
    if change.live.description != change.table.description:
        changed.insert(0, f"comment on table {change.full} is {quote(change.table.description)}")
    if changed:
        change.step("describe it anew", "descriptions changed", *changed, locks=NOTHING)


def refuse_removed(change: TableChange) -> None:
    kept = {column.name for column in change.table.columns}
    added = [column.name for column in change.table.columns if column.name not in change.live.columns]
    for name in change.live.columns:
        # Only what db-manager made: a column that somebody added by hand is theirs.
        if name not in kept and ("column", f"{change.table.name}.{name}") in change.objects:
            hint = f" (a rename to {added[0]}?)" if len(added) == 1 else ""
            change.refuse(
                f"columns.{name}",
                f"no longer has the column {name}{hint}: dropping it loses its data and breaks running code.",
                f'Keep it and say: deprecated: {{{name}: "since {change.collection.version_text}; use ..."}}.',
            )
