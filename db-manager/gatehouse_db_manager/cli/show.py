"""What people see of all commands but `plan`: progress and results, so that a beginner knows what happened and what to
do next."""

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
    """A line for each step that is done, what waits and why, and in a terminal a bar."""
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
    """What stays on the screen."""
    if isinstance(event, StepEnded):
        count = f"{event.schema} {event.position:>{len(str(event.total))}}/{event.total}"
        tries = f", {event.attempts} attempts" if event.attempts > 1 else ""
        say(("✓ ", GOOD), (count, QUIET), f"  {event.what}  ", (f"{event.seconds:.2f} s{tries}", QUIET), console=err)
    elif isinstance(event, LockWait):
        text = f"{event.schema}: another run is at work; waiting for it to end ({event.seconds:.0f} s)"
        say(("… ", CARE), text, console=err)
    elif isinstance(event, StepRetried) and event.attempt % 10 == 1:
        text = f"{event.schema}: step {event.position} gave way, so that nobody waits, and tries again: {event.reason}"
        say(("… ", CARE), text, console=err)
    elif isinstance(event, OldTransaction):
        text = f"{event.schema}: an index waits for {event.words}"
        say(("… ", CARE), text, console=err)


def show_result(result: Result) -> None:
    if not result.changed:
        say(("✓", GOOD), f" In place: nothing to do ({result.seconds:.2f} s).")
        return
    for schema in result.schemas:
        if schema.steps or schema.versions:
            versions = ", ".join(f"{name} {version}" for name, version in schema.versions.items())
            say(("✓ ", GOOD), (schema.schema, "bold"), f" {many(schema.steps, 'step')}  ", (versions, QUIET))
    say(f"Done in {result.seconds:.2f} s. The database is as the files say.")


def show_status(status: DatabaseStatus) -> None:
    say("Environment: ", (status.environment or "not marked yet (the first apply does that)", "bold"))
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
        return "its file is gone"
    return "" if applied == wanted else "not applied yet" if applied is None else "another one is wanted"


def show_drift(found: "tuple[DriftDifference, ...]") -> None:
    """What is no longer as it was applied."""
    if not found:
        say(("✓", GOOD), " The database is as it was applied.")
        return
    for one in found:
        kind = one.kind.replace("_", " ")
        what = "was changed by hand" if one.what == "changed" else "is gone"
        say(("✗ ", BAD), f"{one.schema}: {kind} ", (one.name, "bold"), " ", (what, CARE))
        for word, text in (("applied", one.recorded), ("now", one.live)):
            if text:
                beside(f"{word:>7}", QUIET, str(text), indent=2)
    text = "Either write it into the files and raise the version, or let the files undo it: gate db plan shows how."
    say(f"{many(len(found), 'difference')}. {text}")


def show_check(configuration: Configuration) -> None:
    for schema in configuration.schemas:
        rows = many(sum(len(data.rows) for data in schema.data), "row")
        say(("✓ ", GOOD), (schema.name, "bold"), f" {many(len(schema.collections), 'collection')}, {rows} of data")
    if configuration.schemas:
        say("Files, SQL and the services' tables fit. Next: ", ("gate db plan", "bold"))
    else:
        say("There is no services/*/database/schema.yaml here.")


def show_import(imported: "Imported", root: Path, left: Plan | None) -> None:
    """What was written, what is left alone, and whether a plan is empty now; `left` is None when only files were."""
    names = ", ".join(imported.schemas)
    say(("✓ ", GOOD), f"{many(len(imported.files), 'file')} below {root} for {names or 'no schema'}")
    if imported.unmanaged:
        out.print()
        say("Not written down, and left as it is:")
        for name in imported.unmanaged:
            say(("· ", CARE), name, indent=2)
    out.print()
    if left is None:
        say("Nothing was recorded in the database: it isn't managed yet.")
    elif left.empty:
        say(("✓", GOOD), " Recorded in the schema dbm. A plan against it is empty.")
    else:
        say(("Recorded", CARE), ", but a plan isn't empty:")
        show_plan(left)
