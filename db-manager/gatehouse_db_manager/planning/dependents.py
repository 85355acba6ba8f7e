"""Refuses, before the first step, what PostgreSQL would refuse halfway: to drop or change something that an object
depends on which the plan leaves.

What steps drop and change is read from their own statements, and what depends on it from pg_depend (database/
dependents.py). A dependent is no obstacle if it is gone by then, or is made by scripts that run in that very step.
"""

import contextlib
import graphlib
import re
from collections.abc import Iterable, Iterator

from gatehouse_db_manager.config.model import Schema
from gatehouse_db_manager.config.script_text import statements
from gatehouse_db_manager.database.snapshot import DatabaseState, Dependent
from gatehouse_db_manager.errors import Refusal
from gatehouse_db_manager.planning.plan import SchemaPlan, Step
from gatehouse_db_manager.planning.table_change import hazard, mentions, refusal

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
        thing = (kind, schema, self.of("table", schema, name)[2] if part else name, part)
        return self.before.get(thing, thing)

    def rename(self, old: Thing, new: Thing) -> None:
        self.before[new] = self.before.pop(old, old)


def _removed(step: Step, names: _Names) -> Iterator[tuple[Thing, str]]:
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


def _removals(plan: SchemaPlan, names: _Names) -> Iterator[tuple[Step, Thing, str]]:
    """The same of a whole plan. What no script makes any more goes with the last step that runs scripts."""
    runs = [step for step in plan.steps if step.scripts is not None and not step.adds]
    for step in plan.steps:
        if not step.migrations:
            yield from ((step, thing, how) for thing, how in _removed(step, names))
        if runs and step is runs[-1]:
            for kind, _, name in (one.partition(" ") for one in plan.unmade):
                yield step, ("view" if kind == "view" else "function", plan.schema, name, ""), "drop"


class DependencyGraph:
    """What the plans of one run remove, and what depends on it, in whichever schema."""

    def __init__(self, live: DatabaseState, plans: Iterable[SchemaPlan], schemas: Iterable[Schema]) -> None:
        self.live = live
        self.files = {one.name: one for one in schemas}
        self.plans = {plan.schema: plan for plan in plans}
        names = _Names()
        self.removals = {name: list(_removals(plan, names)) for name, plan in sorted(self.plans.items())}
        self.dependents: dict[Thing, list[Dependent]] = {}
        for one in live.dependents or ():
            self.dependents.setdefault((one.of, one.schema, one.name, ""), []).append(one)

    def in_order(self) -> list[SchemaPlan]:
        """First the schemas that make what others name; of what goes, first what depends on it. Where both can't be,
        the first decides, and `refusals` names what the second would need."""
        makes = {name: set(self._makers(plan)) for name, plan in sorted(self.plans.items())}
        removes = {
            name: {one.dependent_schema or one.its_schema for _, thing, how in found for one in self._of(thing, how)}
            for name, found in self.removals.items()
        }
        both = {name: (makes[name] | removes[name]) & makes.keys() - {name} for name in makes}
        for before in (both, makes):
            with contextlib.suppress(graphlib.CycleError):
                return [self.plans[name] for name in graphlib.TopologicalSorter(before).static_order()]
        return [self.plans[name] for name in makes]

    def _makers(self, plan: SchemaPlan) -> Iterator[str]:
        """The other schemas whose plans make or change what this plan's statements name."""
        named = " ".join(text for step in plan.steps for text in step.statements)
        for name in self.plans.keys() - {plan.schema} if named else ():
            words = set(re.findall(rf'\b{name}\."?(\w+)', named))
            if words and not words.isdisjoint(self._made(self.plans[name])):
                yield name

    def _made(self, plan: SchemaPlan) -> Iterator[str]:
        """The names of tables and of what scripts make, if a plan makes or changes them."""
        known = {key: item.digest for key, item in self.live.schema(plan.schema).objects.items()}
        for step in plan.steps:
            kept = [item for item in step.remember if item.digest is not None and item.kind != "script"]
            new = [item.name for item in kept if known.get((item.kind, item.name)) != item.digest]
            yield from (step.collection or name for name in new)
            changed = [one for one in step.scripts or () if known.get(("script", one.name)) != one.digest]
            yield from (made.name for one in changed for made in statements(one.sql) if made.kind)

    def refusals(self) -> list[Refusal]:
        """What stays and depends on what goes, by name: PostgreSQL would refuse it halfway."""
        gone: set[Thing] = set()
        ran: set[str] = set()
        found: dict[tuple[Thing, str], Refusal] = {}
        for plan in self.in_order():
            for step in plan.steps:
                ours = [(thing, how) for by, thing, how in self.removals[plan.schema] if by is step]
                # The statements of one transaction are in the right order.
                gone |= {thing for thing, how in ours if how != "type"}
                ran |= {step.schema} if step.scripts is not None and not step.adds else set()
                for thing, how in ours:
                    for one in self._of(thing, how):
                        if not self._is_gone(one, gone) and not self._is_remade(one, thing, how, step, ran):
                            refusal = _refusal(one, thing, how, self.files[plan.schema], step)
                            found.setdefault((thing, one.identity), refusal)
        return list(found.values())

    def _of(self, thing: Thing, how: str) -> Iterator[Dependent]:
        """What depends on it, and is in the way of such a change."""
        kind, schema, name, part = thing
        places = [(kind, schema, name, "")]
        if kind == "constraint":  # a foreign key depends on the index of the key
            places = [(kind, schema, f"{name}.{part}", ""), ("index", schema, part, "")]
        for one in (one for place in places for one in self.dependents.get(place, ())):
            same = kind != "table" or not part or one.part == part
            if how != "default" and same and (how != "type" or one.kind in _BLOCK_TYPES):
                yield one

    def _is_gone(self, one: Dependent, gone: set[Thing]) -> bool:
        """Whether it has been dropped, alone or with its table or column."""
        own = ("constraint" if "constraint" in one.kind else "table", one.its_schema, one.its_table, one.its_name)
        others = [("table", one.its_schema, one.its_table, ""), ("index", one.its_schema, one.its_name, "")]
        return not gone.isdisjoint((own, *others))

    def _is_remade(self, one: Dependent, thing: Thing, how: str, step: Step, ran: set[str]) -> bool:
        """Whether scripts made it, which drop and make all that is theirs: in this very step, or earlier and they don't
        name the thing any more."""
        schema = one.dependent_schema if one.dependent_schema in self.files else one.its_schema
        objects = self.live.schema(schema).objects
        made = {item.details.get("identity") for (kind, _), item in objects.items() if kind in {"made", "found"}}
        if one.identity not in made or schema not in ran:
            return False
        kind, _, name, part = thing
        scripts = self.files[schema].scripts
        if schema == step.schema and step.scripts is not None and kind == "table":
            if how == "type" or not part:
                return True
            # An unchanged script makes the same again.
            known = {known: item.digest for (kind, known), item in objects.items() if kind == "script"}
            scripts = tuple(script for script in scripts if known.get(script.name) == script.digest)
        words = [name.partition("(")[0], *([part] if part else [])]
        return not any(all(mentions(script.sql, word) for word in words) for script in scripts)


def _refusal(one: Dependent, thing: Thing, how: str, schema: Schema, step: Step) -> Refusal:
    kind, _, name, part = thing
    what = f"column {name}.{part}" if kind == "table" and part else f"{kind} {part or name}"
    danger = f"{'changes the type of' if how == 'type' else 'drops'} the {what}, on which {one.words} depends"
    file = schema.file_of(step.collection) if step.collection else schema.file
    bad = "; ".join(step.statements[:1])
    return refusal(hazard("dependents", "", file, danger, bad=bad, name=one.words, statement=one.removal))
