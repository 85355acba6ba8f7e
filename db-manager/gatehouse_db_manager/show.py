"""What people see in the terminal: plans, progress and status, so that a beginner can tell whether it is safe."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from gatehouse_db_manager.api import Result, Status
from gatehouse_db_manager.errors import DbManagerError, Problem, Refusal
from gatehouse_db_manager.import_write import Imported
from gatehouse_db_manager.model import Configuration
from gatehouse_db_manager.plan_json import listed
from gatehouse_db_manager.plan_structs import Hazard, Plan, SchemaPlan, Step
from gatehouse_db_manager.progress import (
    BackfillProgress,
    Event,
    LockWait,
    OldTransaction,
    Planned,
    SchemaDone,
    StepEnded,
    StepRetried,
    StepStarted,
)
from gatehouse_db_manager.table_change import NEW

if TYPE_CHECKING:
    from gatehouse_db_manager.api import Difference

_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: object) -> None:
    """JSON on stdout, for scripts."""
    sys.stdout.write(as_json(value))


def as_json(value: object) -> str:
    shown = listed(value) if isinstance(value, Plan) else value
    return msgspec.json.format(msgspec.json.encode(shown), indent=2).decode() + "\n"


def show_error(error: DbManagerError) -> None:
    problems: tuple[Problem, ...] = getattr(error, "problems", ())
    for problem in problems:
        _problem(problem, _err)
    if not problems:
        _err.print(f"[bold red]✗[/] {escape(str(error))}")


def _problem(problem: Problem, console: Console) -> None:
    key = f" [bold]{escape(problem.key)}[/]" if problem.key else ""
    value = f" = [yellow]{escape(problem.value)}[/]" if problem.value else ""
    console.print(f"[bold red]✗[/] [cyan]{escape(problem.file)}[/]{key}{value}\n  {escape(problem.message)}")
    if isinstance(problem, Refusal):
        _lesson(problem, console)
    if problem.mend:
        console.print(f"  [green]→ {escape(problem.mend)}[/]")


def _lesson(lesson: Refusal | Hazard, console: Console) -> None:
    """What is dangerous, why, and how it looks done badly and well."""
    rows = "" if lesson.rows is None else f" ({lesson.rows:,} rows)"
    lines = (("danger", "red", lesson.danger + rows), ("why", "dim", lesson.why))
    lines += (("bad", "red", lesson.bad), ("good", "green", lesson.good))
    for word, colour, text in lines:
        if text.strip():
            console.print(f"  [{colour}]{word:>6}[/] {escape(text)}")
    if isinstance(lesson, Refusal) and lesson.approve:
        console.print(f"  If you are sure: [bold]gate db apply --approve {lesson.approve}[/]")


def show_plan(plan: Plan) -> None:
    for schema in plan.schemas:
        if not schema.empty or schema.refusals:
            _schema(schema)
    if plan.refusals:
        count = len(plan.refusals)
        _out.print(f"\n[bold red]Refused[/] for {count} reason{'s' if count > 1 else ''}; apply would change nothing.")
    elif plan.empty:
        _out.print("[green]✓[/] In place: nothing to do.")
    elif plan.hazards:
        _out.print(
            f"\n{len(plan.steps)} steps, {len(plan.hazards)} of them [bold red]dangerous[/]: read what they say."
        )
        _out.print(f"Run [bold]gate db apply --approve {plan.fingerprint}[/] to do just this plan.")
    else:
        seconds = sum(step.seconds for step in plan.steps)
        _out.print(f"\n{len(plan.steps)} steps, {_about(seconds)}. Run [bold]gate db apply[/] to do them.")


def _schema(plan: SchemaPlan) -> None:
    _out.print(f"\n[bold]{plan.schema}[/]")
    for position, step in enumerate(plan.steps, start=1):
        _step(position, step)
    for change in plan.versions:
        before = f"{change.before} → " if change.before else "new: "
        _out.print(f"  [blue]≡[/] {change.collection} {before}[bold]{change.after}[/]")
    for note in plan.notes:
        _out.print(f"  [yellow]![/] {escape(note)}")
    for name in plan.unmanaged:
        _out.print(f"  [dim]·[/] {escape(name)} [dim]isn't db-manager's, and stays as it is[/]")
    for problem in plan.refusals:
        _problem(problem, _out)


def _step(position: int, step: Step) -> None:
    name = f"{step.collection}: " if step.collection else ""
    _out.print(f"  [bold green]{position:>2}[/] [bold]{escape(name + step.what)}[/]  [dim]{escape(step.why)}[/]")
    for hazard in step.hazards:
        _lesson(hazard, _out)
    if step.locks == NEW:
        return
    undo = "can be undone" if step.reversible else "[yellow]can't be undone by itself[/]"
    how = {"tx": "", "no_tx": " · outside a transaction", "backfill": " · in batches, resumes"}[step.kind]
    _out.print(f"     [dim]locks[/] {escape(step.locks)} [dim]·[/] {_about(step.seconds)} [dim]·[/] {undo}{how}")
    if len("".join(step.statements)) < 1000:  # a view's text is in its file
        for statement in step.statements:
            _out.print(f"     [dim cyan]{escape(statement)}[/]")


def _about(seconds: float) -> str:
    if seconds < 0.1:
        return "an instant"
    return f"about {seconds:.0f} s" if seconds >= 1 else "under a second"


@contextmanager
def progress() -> Generator[Callable[[Event], None]]:
    """A bar while an apply runs; what waits is said."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_err, transient=True) as bar:
        tasks = {}

        def report(event: Event) -> None:
            if isinstance(event, Planned) and event.steps:
                tasks[event.schema] = bar.add_task(event.schema, total=event.steps)
            elif isinstance(event, LockWait):
                bar.console.print(f"{event.schema}: waiting for another run ({event.seconds:.0f} s)")
            elif isinstance(event, StepStarted):
                bar.update(tasks[event.schema], description=f"{event.schema}: {event.what}")
            elif isinstance(event, StepRetried) and event.attempt % 10 == 1:
                bar.console.print(f"{event.schema}: step {event.position} gave way and tries again: {event.reason}")
            elif isinstance(event, OldTransaction):
                who = f"session {event.process} {event.application}"
                bar.console.print(f"{event.schema}: waiting for a transaction open for {event.seconds:.0f} s ({who})")
            elif isinstance(event, BackfillProgress):
                what = f"{event.schema}: {event.collection} {event.done:.0%}, {event.rows_per_second:,.0f} rows/s"
                bar.update(tasks[event.schema], description=what)
            elif isinstance(event, StepEnded):
                bar.advance(tasks[event.schema])
            elif isinstance(event, SchemaDone):
                bar.update(tasks[event.schema], description=f"{event.schema}: done")

        yield report


def show_result(result: Result) -> None:
    if not result.changed:
        _out.print(f"[green]✓[/] In place: nothing to do ({result.seconds:.2f} s).")
        return
    for schema in result.schemas:
        if schema.steps or schema.versions:
            versions = ", ".join(f"{name} {version}" for name, version in schema.versions.items())
            _out.print(f"[green]✓[/] [bold]{schema.schema}[/] {schema.steps} steps  [dim]{versions}[/]")
    _out.print(f"Done in {result.seconds:.2f} s.")


def show_status(status: Status) -> None:
    _out.print(f"Environment: [bold]{status.environment or 'not marked yet'}[/]")
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("schema", "collection", "applied", "wanted", "since"):
        table.add_column(column)
    for item in status.collections:
        colour = "green" if item.applied == item.wanted else "yellow"
        since = (item.applied_at or "")[:19]
        applied = f"[{colour}]{item.applied or '-'}[/]"
        table.add_row(item.schema, item.collection, applied, item.wanted or "[red]file is gone[/]", since)
    _out.print(table)
    for problem in status.refusals:
        _problem(problem, _out)
    pending = (
        f"[yellow]{status.pending} pending[/]; see gate db plan" if status.pending else "[green]Nothing pending[/]"
    )
    _out.print(pending + ".")


def show_drift(found: "tuple[Difference, ...]") -> None:
    """What is no longer as it was applied."""
    if not found:
        _out.print("[green]✓[/] The database is as it was applied.")
    for one in found:
        _out.print(f"[bold red]✗[/] [bold]{one.schema}[/] {one.kind} {escape(one.name)} [yellow]{one.what}[/]")
        for word, text in (("applied", one.recorded), ("now", one.live)):
            if text:
                _out.print(f"  [dim]{word:>7}[/] {escape(str(text))}")


def show_check(configuration: Configuration) -> None:
    for schema in configuration.schemas:
        rows = sum(len(data.rows) for data in schema.data)
        count = len(schema.collections)
        _out.print(f"[green]✓[/] [bold]{schema.name}[/] {count} collections, {rows:,} rows of data")
    if not configuration.schemas:
        _out.print("There is no services/*/database/schema.yaml.")


def show_import(imported: Imported, root: Path, left: Plan | None) -> None:
    """What was written, what is left alone, and whether a plan is empty now; `left` is None when only files were."""
    _out.print(f"[green]✓[/] {len(imported.files)} files below {escape(str(root))} for {', '.join(imported.schemas)}")
    if imported.unmanaged:
        _out.print("\nNot written down, and left as it is:")
    for name in imported.unmanaged:
        _out.print(f"  [yellow]·[/] {escape(name)}")
    if left is None:
        _out.print("\nNothing was recorded in the database: it isn't managed yet.")
    elif left.empty:
        _out.print("\n[green]✓[/] Recorded in the schema dbm. A plan against it is empty.")
    else:
        _out.print("\n[yellow]Recorded[/], but a plan isn't empty:")
        show_plan(left)
