"""Prints progress and results of all commands but `plan`, and the next command to run."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from gatehouse_db_manager.api import DatabaseStatus, Result
from gatehouse_db_manager.cli.json_output import as_json
from gatehouse_db_manager.cli.show_plan import show_plan
from gatehouse_db_manager.cli.terminal import BAD, CARE, GOOD, QUIET, beside, err, many, out, say, show, show_problem
from gatehouse_db_manager.config.model import Configuration
from gatehouse_db_manager.execution.progress import (
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
from gatehouse_db_manager.planning.plan import Plan

if TYPE_CHECKING:
    from gatehouse_db_manager.api import DriftDifference
    from gatehouse_db_manager.importer.write import Imported


def print_json(value: object) -> None:
    """JSON on stdout, for scripts."""
    sys.stdout.write(as_json(value))


@contextmanager
def progress() -> Generator[Callable[[Event], None]]:
    """Prints a line for each completed step and each wait; in a terminal also a progress bar."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def report(event: Event) -> None:
            if isinstance(event, Planned) and event.steps:
                tasks[event.schema] = bar.add_task(event.schema, total=event.steps)
            elif isinstance(event, StepStarted):
                bar.update(tasks[event.schema], description=f"{event.schema}: {event.what}")
            elif isinstance(event, BackfillProgress):
                what = f"{event.schema}: {event.collection} {event.done:.0%}, {event.rows_per_second:,.0f} rows/s"
                bar.update(tasks[event.schema], description=what)
            elif isinstance(event, SchemaDone) and event.schema in tasks:  # else only versions were written
                bar.update(tasks[event.schema], description=f"{event.schema}: done")
            else:
                _line(event)
            if isinstance(event, StepEnded):
                bar.advance(tasks[event.schema])

        yield report


def _line(event: Event) -> None:
    """Prints what stays on the screen."""
    if isinstance(event, StepEnded):
        count = f"{event.schema} {event.position:>{len(str(event.total))}}/{event.total}"
        tries = f", {event.attempts} attempts" if event.attempts > 1 else ""
        say(("✓ ", GOOD), (count, QUIET), f"  {event.what}  ", (f"{event.seconds:.2f} s{tries}", QUIET), console=err)
    elif isinstance(event, LockWait):
        text = f"{event.schema}: waiting for another run to finish ({event.seconds:.0f} s)"
        say(("… ", CARE), text, console=err)
    elif isinstance(event, StepRetried) and event.attempt % 10 == 1:
        text = f"{event.schema}: step {event.position} backed off so that no query waits, and retries: {event.reason}"
        say(("… ", CARE), text, console=err)
    elif isinstance(event, OldTransaction):
        text = f"{event.schema}: the index build waits for {event.words}"
        say(("… ", CARE), text, console=err)


def show_result(result: Result) -> None:
    if not result.changed:
        say(("✓", GOOD), f" Up to date: nothing to do ({result.seconds:.2f} s).")
        return
    for schema in result.schemas:
        if schema.steps or schema.versions:
            versions = ", ".join(f"{name} {version}" for name, version in schema.versions.items())
            say(("✓ ", GOOD), (schema.schema, "bold"), f" {many(schema.steps, 'step')}  ", (versions, QUIET))
    say(f"Done in {result.seconds:.2f} s. The database matches the files.")


def show_status(status: DatabaseStatus) -> None:
    say("Environment: ", (status.environment or "not marked yet (the first apply marks it)", "bold"))
    table = Table(box=None, header_style=QUIET, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("schema", "collection", "applied", "wanted", "since", ""):
        table.add_column(column, overflow="fold")
    before = ""
    for item in status.collections:
        note = _note(item.applied, item.wanted)
        since = (item.applied_at or "")[:19]
        style = CARE if note else GOOD
        schema = "" if item.schema == before else item.schema
        wanted = item.wanted or "-"
        table.add_row(schema, item.collection, Text(item.applied or "-", style), wanted, since, Text(note, style))
        before = item.schema
    if status.collections:
        show(table)
    out.print()
    for problem in status.refusals:
        show_problem(problem)
        out.print()
    if status.pending or status.refusals:
        refused = f", {many(len(status.refusals), 'reason')} to refuse" if status.refusals else ""
        say((f"{status.pending} pending{refused}.", CARE), " Next: ", ("gate db plan", "bold"))
    else:
        say(("✓ Nothing pending", GOOD), ".")


def _note(applied: str | None, wanted: str | None) -> str:
    if wanted is None:
        return "file deleted"
    return "" if applied == wanted else "not applied yet" if applied is None else "other version wanted"


def show_drift(found: "tuple[DriftDifference, ...]") -> None:
    """Prints what differs from the last apply."""
    if not found:
        say(("✓", GOOD), " No drift: the database matches the last apply.")
        return
    for one in found:
        kind = one.kind.replace("_", " ")
        what = "was changed by hand" if one.what == "changed" else "is missing"
        say(("✗ ", BAD), f"{one.schema}: {kind} ", (one.name, "bold"), " ", (what, CARE))
        for word, text in (("applied", one.recorded), ("now", one.live)):
            if text:
                beside(f"{word:>7}", QUIET, str(text), indent=2)
    text = "Change the files to match and raise the version, or revert it with apply: gate db plan shows how."
    say(f"{many(len(found), 'difference')}. {text}")


def show_check(configuration: Configuration) -> None:
    for schema in configuration.schemas:
        rows = many(sum(len(data.rows) for data in schema.data), "row")
        say(("✓ ", GOOD), (schema.name, "bold"), f" {many(len(schema.collections), 'collection')}, {rows} of data")
    if configuration.schemas:
        say("Files, SQL and the services' tables are consistent. Next: ", ("gate db plan", "bold"))
    else:
        say("No services/*/database/schema.yaml in this checkout.")


def show_import(imported: "Imported", root: Path, left: Plan | None) -> None:
    """Prints what was written, what stays unmanaged, and whether the plan is empty; `left` is None with
    --files-only."""
    names = ", ".join(imported.schemas)
    say(("✓ ", GOOD), f"Wrote {many(len(imported.files), 'file')} to {root} for {names or 'no schema'}")
    if imported.unmanaged:
        out.print()
        say("Not in the files, left unchanged:")
        for name in imported.unmanaged:
            say(("· ", CARE), name, indent=2)
    out.print()
    if left is None:
        say("Nothing was recorded in the database: it is not managed yet.")
    elif left.empty:
        say(("✓", GOOD), " Recorded in the schema dbm. The plan is empty.")
    else:
        say(("Recorded", CARE), ", but the plan is not empty:")
        show_plan(left)
