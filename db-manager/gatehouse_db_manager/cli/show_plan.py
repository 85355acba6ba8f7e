"""Prints a plan: a summary first, then each step with its locks, its duration and whether it can be undone, then the
next command. Readers need not know PostgreSQL."""

import itertools
import re
import sys
from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from gatehouse_db_manager.cli.terminal import (
    BAD,
    CARE,
    GOOD,
    QUIET,
    about,
    beside,
    danger,
    is_log,
    many,
    out,
    say,
    show,
    show_lesson,
    show_problem,
    to_be_typed,
    width,
)
from gatehouse_db_manager.planning.plan import NEW, Plan, SchemaPlan, Step
from gatehouse_db_manager.planning.table_change import NOTHING

# With more steps than this, statements would hide them.
_STEPS_WITH_SQL = 12
# Characters: a view's text is in its file.
_STATEMENTS = 1000
_LOCKS, _TAKES, _UNDO = 24, 11, 4
_CLOSED = "blocks all reads and writes"
_DEPENDS = "what its statements lock"
_BREAK = re.compile(r"('(?:[^']|'')*')|, (?=(?:add|drop|alter|validate|rename) )")


def show_plan(plan: Plan, apply: str = "gate db apply", sql: bool | None = None) -> None:
    """`apply`: the command to suggest. `sql`: print statements; None: only if there are few steps."""
    shown = [one for one in plan.schemas if not one.empty or one.refusals or one.notes or one.unmanaged]
    if sql is None:
        few = len(plan.steps) <= _STEPS_WITH_SQL
        most = _STATEMENTS if few else 0
    else:
        most = sys.maxsize if sql else 0
    if plan.steps:
        _summary(plan)
    for schema in shown:
        _schema(schema, most)
    _words(plan)
    for schema in plan.schemas:
        for problem in schema.refusals:
            show_problem(problem)
            out.print()
    if plan.steps and not most:
        say(("To see the statements: ", QUIET), apply.replace(" apply", " plan --sql"))
    _next(plan, apply)


def _next(plan: Plan, apply: str) -> None:
    if plan.refusals:
        reasons, them = many(len(plan.refusals), "reason"), "it" if len(plan.refusals) == 1 else "them"
        say((f"Refused for {reasons}", BAD), f": apply would change nothing. Next: fix {them} and plan again.")
    elif plan.empty:
        say(("✓", GOOD), " Up to date: nothing to do.")
    elif plan.hazards:
        say("Next: read what is marked ", ("DANGER", BAD), ". Change the files and plan again, or approve this plan:")
        to_be_typed(f"{apply} --approve {plan.fingerprint}", indent=2)
    else:
        say("Next:")
        to_be_typed(apply, indent=2)


def _summary(plan: Plan) -> None:
    environment = f" in {plan.environment}" if plan.environment else ""
    title = f"{many(len(plan.steps), 'step')}{environment}, {about(sum(step.seconds for step in plan.steps))}."
    if plan.refusals:
        say(("Refused", BAD), f", see ✗ below. Without that: {title}")
    else:
        say((title, "bold"), " A plan changes nothing.")
    table = Table(box=None, header_style=QUIET, padding=(0, 3, 0, 0), pad_edge=False)
    for column in ("schema", "steps", "duration", "blocks", "needs approval"):
        table.add_column(column, justify="right" if column == "steps" else "left")
    for schema in plan.schemas:
        if schema.steps:
            seconds = about(sum(step.seconds for step in schema.steps))
            closed = [number for number, step in _numbered(schema) if _CLOSED in step.locks]
            asks = [number for number, step in _numbered(schema) if _open(schema, step)]
            depends = [number for number, step in _numbered(schema) if _DEPENDS in step.locks]
            waits = Text("nothing", GOOD)
            if closed:
                waits = Text(f"all queries, {_steps(closed)}", BAD)
            elif depends:
                waits = Text(f"depends on {_steps(depends)}", CARE)
            approval = Text(_steps(asks), CARE) if asks else Text("no", QUIET)
            table.add_row(schema.schema, str(len(schema.steps)), seconds, waits, approval)
    show(table, indent=2)


def _schema(plan: SchemaPlan, most: int) -> None:
    out.print()
    say((plan.schema, "bold underline"))
    if plan.steps:
        _row("", "what", "locks", "duration", "undo", style=QUIET)
    for group in _grouped(plan):
        _step(plan, group, most)
    changes = [f"{one.collection} {one.before + ' → ' if one.before else ''}{one.after}" for one in plan.versions]
    if changes:
        new = "" if any(one.before for one in plan.versions) else " (new)"
        say((f"versions{new}: ", QUIET), ", ".join(changes), indent=2)
    for note in plan.notes:
        say(("! ", CARE), note, indent=2)
    if plan.unmanaged:
        say(("not managed, left unchanged: ", QUIET), ", ".join(plan.unmanaged), indent=2)


def _words(plan: Plan) -> None:
    """Explains terms, if the plan uses them."""
    words = {}
    if any(" briefly" in step.locks for step in plan.steps):
        words["briefly"] = (
            "waits at most 100 ms for its lock, then backs off and retries, so no other query waits longer."
        )
    if any(not step.reversible for step in plan.steps):
        words["undo: no"] = "reverting the change later doesn't restore the data; only a backup does."
    if words:
        out.print()
    for word, meaning in words.items():
        beside(f"{word:14}", QUIET, meaning, QUIET)
    if not plan.empty or plan.refusals:
        out.print()


def _numbered(plan: SchemaPlan) -> Iterator[tuple[int, Step]]:
    return enumerate(plan.steps, start=1)


def _open(plan: SchemaPlan, step: Step) -> bool:
    return any(hazard.key not in plan.approved for hazard in step.hazards)


def _steps(numbers: list[int]) -> str:
    return f"step{'' if len(numbers) == 1 else 's'} {', '.join(map(str, numbers))}"


def _grouped(plan: SchemaPlan) -> Iterator[list[tuple[int, Step]]]:
    """Consecutive new tables are one line."""

    def kind(numbered: tuple[int, Step]) -> object:
        number, step = numbered
        return "create table" if step.what.startswith("create table ") and not step.hazards else number

    for _, group in itertools.groupby(_numbered(plan), kind):
        yield list(group)


def _step(plan: SchemaPlan, group: list[tuple[int, Step]], most: int) -> None:
    (number, step), last = group[0], group[-1][0]
    what = step.what
    if last > number:
        what = f"create tables {', '.join(one.collection for _, one in group)}"
    elif step.collection and step.collection not in re.findall(r"\w+", what):
        what = f"{step.collection}: {what}"
    how = {"tx": "", "no_tx": "; outside a transaction", "backfill": "; in resumable batches"}[step.kind]
    how = "" if "in batches" in how and "in batches" in step.why else how
    closed = _CLOSED in step.locks
    takes = about(sum(one.seconds for _, one in group))
    _row(
        f"{number}-{last}" if last > number else str(number),
        Text.assemble((what, "bold"), (f"\n{step.why}{how}" if step.why else "", QUIET)),
        Text(_locks(step), BAD if closed else ""),
        takes,
        Text("yes") if step.reversible else Text("no", CARE),
    )
    for hazard in step.hazards:
        approved = " (approved already)" if hazard.key in plan.approved else ""
        say(("DANGER ", BAD), (hazard.file, QUIET), f" {danger(hazard)}{approved}", indent=7)
        show_lesson(hazard, indent=9)
    told = [one for _, one in group if one.locks != NEW or most > _STATEMENTS]
    statements = [text for one in told if len("".join(one.statements)) < most for text in one.statements]
    for statement in statements:
        _sql(statement)
    if statements or step.hazards:
        out.print()


def _locks(step: Step) -> str:
    if step.locks in {NEW, NOTHING}:
        return "nothing"
    return step.locks.partition(" (")[0].replace(" briefly", ", briefly")


def _row(number: str, what: str | Text, locks: str | Text, takes: str, undo: str | Text, style: str = "") -> None:
    grid = Table.grid(padding=(0, 2, 0, 0))
    room = width() - _LOCKS - _TAKES - _UNDO - 5 - 8
    if is_log():
        room = max([room, *(len(line) for line in str(what).splitlines())])
        out.width = room + width()
    for size in (5, room, _LOCKS, _TAKES, _UNDO):
        grid.add_column(width=size, justify="right" if size == 5 else "left")
    grid.add_row(number, what, locks, takes, undo, style=style)
    out.print(grid)


def _sql(statement: str) -> None:
    """A statement as you would type it, one clause a line."""
    lines = _BREAK.sub(lambda found: found[1] or ",\n", statement.strip().rstrip(";")).splitlines()
    for number, line in enumerate(lines):
        end = ";" if number == len(lines) - 1 else ""
        say((line + end, QUIET), indent=7 + (2 if number else 0))
