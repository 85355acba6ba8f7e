"""Views, functions, triggers, policies: what the files in repeatable/ make.

It is dropped and made again as a whole when a file changes, so views of views need no thought; and with whatever
is in the way of a change to a table, in that change's transaction.
"""

from collections.abc import Collection

import msgspec

from gatehouse_db_manager import render
from gatehouse_db_manager.live import LiveSchema
from gatehouse_db_manager.model import Schema, Script
from gatehouse_db_manager.plan_structs import Remember, Step
from gatehouse_db_manager.table_change import NEW, brief, mentions


class Scripts:
    """One schema's scripts, with the one that db-manager writes for the enumerators. `done`: a step runs them."""

    def __init__(self, schema: Schema, live: LiveSchema) -> None:
        self.schema = schema
        self.live = live
        view = render.enumerator_view(schema)
        self.scripts: tuple[Script, ...] = (*([view] if view else []), *schema.scripts)
        self.done = False

    @property
    def made(self) -> list[str]:
        """What they have made so far, as `view everybody`."""
        return [name for kind, name in self.live.objects if kind == "made"]

    @property
    def gone(self) -> list[str]:
        """Scripts whose file is gone."""
        kept = {script.name for script in self.scripts}
        return [name for kind, name in self.live.objects if kind == "script" and name not in kept]

    @property
    def _statements(self) -> tuple[str, ...]:
        path = f"set local search_path = {self.schema.name}, pg_catalog"
        return (path, *(script.sql for script in self.scripts), *render.grants(self.schema)[2:7])

    @property
    def _records(self) -> tuple[Remember, ...]:
        kept = [Remember(kind="script", name=script.name, digest=script.digest) for script in self.scripts]
        return (*kept, *(Remember(kind="script", name=name) for name in self.gone))

    def around(self, step: Step) -> Step:
        """A step that rewrites tables: views of them are in the way, so they go and come in its transaction."""
        if not self.scripts and not self.made:
            return step
        return self._within(step)

    def around_drops(self, later: list[Step]) -> list[Step]:
        """Steps that take away: a view of a column is in its way, so columns go in one transaction with the views."""
        drops = [step for step in later if step.what.startswith("drop column")]
        own = [one for one in self.made if one != f"view {render.ENUMERATOR_VIEW}"]
        if self.done or not drops or not (own or self.schema.scripts):
            return later
        first = msgspec.structs.replace(
            drops[0],
            what=f"{'; '.join(step.what for step in drops)}; run scripts anew",
            statements=tuple(one for step in drops for one in step.statements),
            remember=tuple(one for step in drops for one in step.remember),
            hazards=tuple(one for step in drops for one in step.hazards),
        )
        return [*(step for step in later if step not in drops), self._within(first)]

    def _within(self, step: Step) -> Step:
        self.done = True
        return msgspec.structs.replace(
            step,
            statements=(*step.statements, *self._statements),
            remember=(*step.remember, *self._records),
            scripts=self.scripts,
        )

    def run(self, reshaped: Collection[str]) -> list[Step]:
        """The step that runs them, if something asks for it. `reshaped`: tables with other columns than before."""
        recorded = {name: item.digest for (kind, name), item in self.live.objects.items() if kind == "script"}
        changed = [script for script in self.scripts if recorded.get(script.name) != script.digest]
        about = [one.name for one in self.schema.scripts if any(mentions(one.sql, table) for table in reshaped)]
        missing = [name for name in self.made if name not in self.live.others]
        if self.done or not (changed or self.gone or about or missing):
            return []
        if [one.name for one in changed] == [render.ENUMERATOR_VIEW] and not self.gone:
            what = f"list the enumerators in {render.ENUMERATOR_VIEW}"
        else:
            names = [one.name for one in changed or self.scripts] or [f"without {name}" for name in self.gone]
            what = f"run {', '.join(names)}"
        new = all(script.name not in recorded for script in changed) and not (self.gone or about or missing)
        return [
            Step(
                schema=self.schema.name,
                collection="",
                kind="tx",
                what=what,
                why="it is new" if new else "it changed, or what it is about did",
                statements=self._statements,
                locks=NEW if not self.made else brief("the views it replaces"),
                reversible=True,
                scripts=self.scripts,
                remember=self._records,
            )
        ]
