"""Refuses, before the first step, what PostgreSQL would refuse halfway: to drop or change something that an object
depends on which the plan leaves.

What steps drop and change is read from their own statements, and what depends on it from pg_depend (database/
dependents.py). A dependent is no obstacle if it is gone by then, or is made by scripts that run in that very step.
"""

import re
from collections.abc import Iterator

from gatehouse_db_manager.config.model import Schema
from gatehouse_db_manager.database.snapshot import DatabaseState, Dependent
from gatehouse_db_manager.errors import Refusal
from gatehouse_db_manager.hazards.lessons import LESSONS
from gatehouse_db_manager.planning.plan import SchemaPlan, Step
from gatehouse_db_manager.planning.table_change import mentions

# (kind, schema, name, part): a table, a column (`part`), a constraint (`table.name`), an index and so on.
Thing = tuple[str, str, str, str]
_TABLE = re.compile(r"alter table (?:only )?(?:if exists )?(\w+)\.(\w+) (.*)", re.DOTALL)
_OTHER = re.compile(r"drop (table|index|sequence|extension)(?: concurrently)?(?: if exists)? (?:(\w+)\.)?\"?(\w+)\"?")
_RENAMED = re.compile(r"(?:rename (column|constraint) (\w+) to (\w+)|rename to (\w+))\Z")
_INDEX = re.compile(r"alter index (\w+)\.(\w+) rename to (\w+)\Z")
_CLAUSE = re.compile(
    r"(drop column|drop constraint|alter column)(?: if exists)? (\w+)(?: (type|(?:drop|set) default|drop identity))?"
)
# ddl.number_column
_IN_BLOCK = re.compile(r"alter table (\w+)\.(\w+) alter column (\w+) drop default")
# A change of type leaves indexes and constraints: PostgreSQL builds them again. (A default that depends on a column is
# the expression of a generated one.)
_BLOCK_TYPES = {"view", "materialized view", "rule", "policy", "trigger", "function", "default value"}


class _Names:
    """What objects are called before the plan runs, as steps rename some first."""

    def __init__(self) -> None:
        self.before: dict[Thing, Thing] = {}

    def of(self, kind: str, schema: str, name: str, part: str = "") -> Thing:
        thing = (kind, schema, name, part)
        table = self.before.get(("table", schema, name, ""), ("table", schema, name, "")) if part else thing
        thing = (kind, schema, table[2], part) if part else thing
        return self.before.get(thing, thing)

    def rename(self, old: Thing, new: Thing) -> None:
        self.before[new] = self.before.pop(old, old)


def removed(step: Step, names: _Names) -> Iterator[tuple[Thing, str]]:
    """What a step drops or changes, and how: `drop`, `type` or `default`."""
    for statement in step.statements:
        for schema, table, name in _IN_BLOCK.findall(statement if statement.startswith("do ") else ""):
            yield names.of("table", schema, table, name), "default"
        if found := _INDEX.match(statement):
            names.rename(("index", found[1], found[2], ""), ("index", found[1], found[3], ""))
        elif found := _OTHER.match(statement):
            yield names.of(found[1], found[2] or "", found[3]), "drop"
        elif found := _TABLE.match(statement):
            schema, table, rest = found[1], found[2], found[3]
            if renamed := _RENAMED.match(rest):
                kind = "constraint" if renamed[1] == "constraint" else "table"
                old = ("table", schema, table, "") if renamed[4] else names.of(kind, schema, table, renamed[2])
                new = (kind, schema, renamed[4] or old[2], renamed[3] or "")
                names.rename(old, new)
                continue
            for what, name, how in _CLAUSE.findall(rest):
                kind = "constraint" if what == "drop constraint" else "table"
                if what != "alter column":
                    yield names.of(kind, schema, table, name), "drop"
                elif how:
                    yield names.of("table", schema, table, name), "type" if how == "type" else "default"


def refuse_dependents(live: DatabaseState, plans: tuple[SchemaPlan, ...], schemas: dict[str, Schema]) -> list[Refusal]:
    """Refusals by name. Plans are in the order in which they run."""
    names, gone, refusals = _Names(), set(), {}
    everything = [(plan, step) for plan in plans for step in plan.steps]
    for plan, step in everything:
        ours = list(removed(step, names)) if step.migrations == () else []
        gone |= {thing for thing, how in ours if how != "type"}
        # One transaction: what is dropped later in it doesn't help, and statements are ordered; so all count.
        for thing, how in ours:
            if how == "default":
                continue
            for one in live.dependents or ():
                if _concerns(one, thing, how) and not _is_gone(one, gone, live, schemas, step):
                    refusals.setdefault((thing, one.identity), _refusal(one, thing, how, schemas[plan.schema], step))
    for plan in plans:
        for name in plan.unmade:
            thing = ("function", plan.schema, name.partition(" ")[2], "")
            for one in live.dependents or ():
                if _concerns(one, thing, "drop") and not _is_gone(one, gone, live, schemas, None):
                    step = plan.steps[-1]
                    refusals.setdefault((thing, one.identity), _refusal(one, thing, "drop", schemas[plan.schema], step))
    return list(refusals.values())


def _concerns(one: Dependent, thing: Thing, how: str) -> bool:
    kind, schema, name, part = thing
    if kind == "constraint":
        # A foreign key depends on the index of the key.
        same = (one.of, one.schema, one.name) in {("constraint", schema, f"{name}.{part}"), ("index", schema, part)}
    else:
        same = (one.of, one.schema, one.name) == (kind, schema, name) and (not part or one.part == part)
    return same and (how != "type" or one.kind in _BLOCK_TYPES)


def _is_gone(
    one: Dependent, gone: set[Thing], live: DatabaseState, schemas: dict[str, Schema], step: Step | None
) -> bool:
    """Whether it is dropped by then, alone or with its table or column, or is made again by this step's scripts."""
    own = ("constraint" if "constraint" in one.kind else "table", one.its_schema, one.its_table, one.its_name)
    if own in gone or ("table", one.its_schema, one.its_table, "") in gone:
        return True
    if one.kind == "index" and ("index", one.its_schema, one.its_name, "") in gone:
        return True
    schema = live.schemas.get(one.dependent_schema) or live.schemas.get(one.its_schema)
    if schema is None:
        return False
    made = {item.details.get("identity") for (kind, _), item in schema.objects.items() if kind in {"made", "found"}}
    if one.identity not in made:
        return False
    if step is None or step.scripts is not None:
        return True
    # Scripts run earlier: it is gone unless one of them still names the table.
    files = schemas.get(one.dependent_schema)
    return files is not None and not any(mentions(script.sql, one.name) for script in files.scripts)


def _refusal(one: Dependent, thing: Thing, how: str, schema: Schema, step: Step) -> Refusal:
    taught = LESSONS["dependents"]
    kind, _, name, part = thing
    what = f"column {name}.{part}" if kind == "table" and part else f"{kind} {part or name}"
    danger = f"{'changes the type of' if how == 'type' else 'drops'} the {what}, on which {one.words} depends"
    good = taught.said(taught.good, {"name": one.words, "statement": one.removal})
    return Refusal(
        file=f"{schema.file.rpartition('/')[0]}/collections/{step.collection}.yaml" if step.collection else schema.file,
        message=f"{danger}: {taught.why}",
        fix=good,
        danger=danger,
        why=taught.why,
        bad="; ".join(step.statements[:1]),
        good=good,
    )
