"""Views, functions, triggers and policies: what the scripts in repeatable/ make.

When a script changes, everything that scripts made is dropped and made again, so views of views need no ordering. When
a table change is blocked by such an object, that happens in the transaction of the change. Functions that tables use
(in a check, a default, an index) are created before the tables, and stay while tables need them."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

import msgspec

from gatehouse_db_manager.config.imported import SCRIPT_MARK
from gatehouse_db_manager.config.model import Collection, Schema, Script, Table, short_digest
from gatehouse_db_manager.config.script_text import ScriptStatement, statements
from gatehouse_db_manager.config.values import quote
from gatehouse_db_manager.database.snapshot import LiveSchema, LiveTable
from gatehouse_db_manager.errors import Problem
from gatehouse_db_manager.planning import ddl
from gatehouse_db_manager.planning.plan import NEW, Remember, Step
from gatehouse_db_manager.planning.table_change import brief, mentions

_READS = re.compile(r'\b(?:from|join)\s+\(*"?(\w+)"?\."?(\w+)"?(?!\s*\(|\w)', re.IGNORECASE)
_USED_BY_TABLES = frozenset({"function", "aggregate", "type", "domain"})
# They share their names with tables.
_LIKE_TABLES = ("view", "materialized view", "sequence", "foreign table", "type", "domain")


class Scripts:
    """One schema's scripts, including the generated one for enumerators. `done`: a step already runs them."""

    def __init__(self, schema: Schema, live: LiveSchema) -> None:
        self.schema = schema
        self.live = live
        view = ddl.enumerator_view(schema)
        self.scripts: tuple[Script, ...] = (*([view] if view else []), *schema.scripts)
        self.done = False
        self._new, self._over = ddl.rights_of_new(schema)

    @property
    def made(self) -> list[str]:
        """Objects they have made, such as `view everybody`."""
        return [name for kind, name in self.live.objects if kind == "made"]

    @property
    def gone(self) -> list[str]:
        """Scripts whose file was deleted."""
        kept = {script.name for script in self.scripts}
        return [name for kind, name in self.live.objects if kind == "script" and name not in kept]

    @property
    def changed(self) -> list[Script]:
        recorded = {name: item.digest for (kind, name), item in self.live.objects.items() if kind == "script"}
        return [script for script in self.scripts if recorded.get(script.name) != script.digest]

    @property
    def missing(self) -> list[str]:
        """Objects they made that were dropped by hand."""
        return [name for name in self.made if name not in self.live.others]

    @cached_property
    def _creates(self) -> list[tuple[Script, ScriptStatement]]:
        return [(script, one) for script in self.schema.scripts for one in statements(script.sql) if one.kind]

    @property
    def _statements(self) -> tuple[str, ...]:
        path = f"set local search_path = {self.schema.name}, pg_catalog"
        standing = ddl.rights_of_tables(self.schema)
        return (path, *standing, *self._new, *(script.sql for script in self.scripts), *self._over)

    @property
    def _records(self) -> tuple[Remember, ...]:
        kept = [Remember(kind="script", name=script.name, digest=script.digest) for script in self.scripts]
        return (*kept, *(Remember(kind="script", name=name) for name in self.gone))

    @property
    def unmade(self) -> tuple[str, ...]:
        """Views and routines of deleted scripts."""
        gone = self.gone
        found = [name for (_, name), item in self.live.objects.items() if gone and item.details.get("script") in gone]
        return tuple(name for name in found if name.startswith(("view ", "function ", "procedure ")))

    def missing_relations(self, ask: Callable[[str], int | None]) -> Iterator[Problem]:
        """Tables and views that a new or changed imported script reads and that nothing makes."""
        made = {one.name for _, one in self._creates} | {one.name for one in self.schema.collections}
        for script in self.changed:
            if not script.sql.startswith(SCRIPT_MARK):
                continue
            for schema, name in dict.fromkeys(_READS.findall(script.sql)):
                full = quote(f'"{schema}"."{name}"')
                if schema != self.schema.name or name in made:
                    continue
                if ask(f"select (to_regclass({full}) is null)::int") == 1:
                    message = f"reads {schema}.{name}, which doesn't exist and isn't in any file."
                    fix = f"Create {schema}.{name} by hand first, or delete this file."
                    yield Problem(file=script.file, key=name, message=message, fix=fix)

    # Before tables

    def below(self, fresh: Iterable[Collection]) -> Iterator[Step | Collection]:
        """New tables, and before them the new or changed functions and types that tables use. A function may use the
        row type of a table that is new itself."""
        functions = self._needed(self._of_tables) if self.changed or self.missing else []
        tables = {one.name: one for one in fresh}
        while functions:
            ready = [one for one in functions if not any(mentions(one[1].plain, name) for name in tables)] or functions
            functions = [one for one in functions if one not in ready]
            yield self._make(ready)
            waiting = {one.name for _, one in functions}
            for name, collection in list(tables.items()):
                needed = {one.name for _, one in self._needed(list(_texts(collection.table)))}
                if functions and needed.isdisjoint(waiting):
                    yield tables.pop(name)
        yield from tables.values()

    def _make(self, needed: list[tuple[Script, ScriptStatement]]) -> Step:
        scripts = [
            Script(name=script.name, file=script.file, digest=short_digest(one.text), sql=one.replacing)
            for script, one in needed
        ]
        names = ", ".join(dict.fromkeys(f"{one.kind} {one.name}" for _, one in needed))
        # Their bodies are checked when all scripts run, after the tables.
        given = ("set local check_function_bodies = off", *self._new)
        return Step(
            schema=self.schema.name,
            what=f"make {names}",
            why="tables use it",
            statements=(*given, *(one.sql for one in scripts), *self._over),
            scripts=tuple(scripts),
            adds=True,
        )

    @property
    def _of_tables(self) -> list[str]:
        return [text for one in self.schema.collections for text in _texts(one.table)]

    def _needed(self, texts: list[str]) -> list[tuple[Script, ScriptStatement]]:
        """What these texts use, directly or indirectly, in the order of the files."""
        candidates = [(script, one) for script, one in self._creates if one.below_tables]
        found: list[tuple[Script, ScriptStatement]] = []
        while more := [
            one for one in candidates if one not in found and any(mentions(it, one[1].name) for it in texts)
        ]:
            found += more
            texts = [one.text for _, one in more]
        return [one for one in candidates if one in found]

    # In the way

    def in_the_way(self, name: str) -> tuple[str, ...]:
        """Objects made by scripts that have the name of a new table."""
        known = set(self.made)
        names = (f"{kind} {name}" for kind in _LIKE_TABLES)
        return tuple(one for one in names if one in known and one in self.live.others)

    def takes(self, name: str) -> bool:
        """Whether scripts make something with the name of a table that is dropped."""
        return any(one.name == name and one.kind in _LIKE_TABLES for _, one in self._creates)

    def around(self, step: Step) -> Step:
        """Drops and makes views in the transaction of a step that rewrites their tables."""
        if not self.scripts and not self.made:
            return step
        return self._within(step)

    def around_drops(self, later: list[Step]) -> list[Step]:
        """Columns are dropped in one transaction with the views that use them."""
        drops = [step for step in later if step.what.startswith("drop column")]
        own = [one for one in self.made if one != f"view {ddl.ENUMERATOR_VIEW}"]
        if self.done or not drops or not (own or self.schema.scripts):
            return later
        return [*(step for step in later if step not in drops), self.around_all(drops)]

    def around_all(self, drops: list[Step]) -> Step:
        """These steps and the scripts in one transaction."""
        first = msgspec.structs.replace(
            drops[0],
            what=f"{'; '.join(step.what for step in drops)}; run scripts again",
            statements=tuple(one for step in drops for one in step.statements),
            remember=tuple(one for step in drops for one in step.remember),
            hazards=tuple(one for step in drops for one in step.hazards),
        )
        return self._within(first)

    @property
    def _stays(self) -> tuple[str, ...]:
        """Functions that tables use."""
        needed = (one for _, one in self._needed(self._of_tables))
        return tuple(dict.fromkeys(f"{one.kind} {one.name}" for one in needed if one.kind in {"function", "aggregate"}))

    def _within(self, step: Step) -> Step:
        self.done = True
        return msgspec.structs.replace(
            step,
            stays=self._stays,
            statements=(*step.statements, *self._statements),
            remember=(*step.remember, *self._records),
            scripts=self.scripts,
        )

    # By themselves

    def run(self, reshaped: set[str], *, again: bool = False) -> list[Step]:
        """The step that runs them, if needed. `reshaped`: tables whose columns changed; `again`: grants were issued
        again, which scripts may restrict."""
        changed, missing = self.changed, self.missing
        about = [one.name for one in self.schema.scripts if any(mentions(one.sql, table) for table in reshaped)]
        again = again and bool(self.made or self.schema.scripts)
        if self.done or not (changed or self.gone or about or missing or again):
            return []
        if [one.name for one in changed] == [ddl.ENUMERATOR_VIEW] and not self.gone:
            what = f"list the enumerators in {ddl.ENUMERATOR_VIEW}"
        else:
            names = [one.name for one in changed or self.scripts] or [f"without {name}" for name in self.gone]
            what = f"run {', '.join(names)}"
        recorded = {name for kind, name in self.live.objects if kind == "script"}
        new = all(script.name not in recorded for script in changed) and not (self.gone or about or missing or again)
        return [self._run(what, "it is new" if new else "it changed, or something it uses did")]

    def _run(self, what: str, why: str) -> Step:
        locks = brief("the views it replaces") if self.made else NEW
        return self._within(Step(schema=self.schema.name, what=what, why=why, statements=(), locks=locks))

    def leave(self, tables: Iterable[LiveTable]) -> list[Step]:
        """The last step, if tables stop using what no script makes any more: it had to stay until then."""
        defined = {one.name for _, one in self._creates}
        renewed = {*self.gone, *(script.name for script in self.changed)}
        texts = [text for table in tables for text in _live_texts(table)]
        left = []
        for (kind, name), item in self.live.objects.items():
            word, found = _bare(name), item.details.get("script") in renewed
            stays = kind not in {"made", "found"} or name.partition(" ")[0] not in _USED_BY_TABLES
            if stays or (word in defined and not found) or (kind == "found" and not found):
                continue
            if any(mentions(text, word) for text in texts) or item.details.get("left"):
                left.append(name.partition(" ")[2])
        return (
            [self._run(f"drop {', '.join(left)}", "no script makes it and no table uses it any more")] if left else []
        )


def _bare(name: str) -> str:
    """function twice(n integer) -> twice."""
    return name.partition(" ")[2].partition("(")[0]


def _texts(table: Table) -> Iterator[str]:
    """Every text that may name a function or type."""
    for column in table.columns:
        yield " ".join((column.default or "", column.generated or "", column.sql_type, column.collation))
    yield from (one.definition for one in (*table.constraints, *table.indexes))


def _live_texts(table: LiveTable) -> Iterator[str]:
    yield from (one.default for one in table.columns.values() if one.default)
    yield from (one.definition for one in (*table.constraints.values(), *table.indexes.values()))
