"""`gate up` in the foreground: the runner in this process, with a live table on a terminal, plain lines otherwise."""

import asyncio
import contextlib
import sys

import click
import msgspec

from gatehouse_local.runner import control, view
from gatehouse_local.runner.platform_specs import Location, Selection
from gatehouse_local.runner.port_conflicts import cannot_write
from gatehouse_local.runner.runner import Observer, Runner

REDRAW_SECONDS = 0.5  # the uptime advances even when nothing happens


class Plain(Observer):
    """Plain lines on stdout: notices, state changes, and what the processes print."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet

    def notice(self, text: str) -> None:
        if not self._quiet:
            click.echo(text)

    def lines(self, name: str, lines: list[str]) -> None:
        if not self._quiet:
            click.echo("\n".join(f"{name:<12} | {line}" for line in lines))

    async def draw(self, runner: Runner) -> None:
        changes = view.ReportChanges()
        async for _ in runner.supervisor.changes():
            for line in changes.lines(runner.report().resources):
                if not self._quiet:
                    click.echo(line)

    def settled(self, runner: Runner, wanted: Selection) -> None:
        click.echo(view.address_lines(runner.report(), wanted.wanted))
        click.echo("Everything is healthy. Stop with Ctrl-C.")


class LiveStatusTable(Observer):
    """A table at the bottom of the terminal; notices and logs scroll above it."""

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - only on a terminal
        from rich.live import Live  # noqa: PLC0415 - as above
        from rich.text import Text  # noqa: PLC0415 - as above

        self._text = Text
        self._console = Console()
        self._live = Live(console=self._console, auto_refresh=False, transient=True)

    def notice(self, text: str) -> None:
        self._console.print(text, style="yellow", markup=False, highlight=False)

    def lines(self, name: str, lines: list[str]) -> None:
        prefix = (f"{name:<12} | ", "bright_black")
        text = self._text("\n").join(self._text.assemble(prefix, view.readable(line)) for line in lines)
        self._console.print(text, soft_wrap=True)

    async def draw(self, runner: Runner) -> None:
        with self._live:
            seen = -1
            while True:
                self._live.update(view.table(runner.report(), self._console.width), refresh=True)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(REDRAW_SECONDS):
                        seen = await runner.supervisor.changed(seen)

    def settled(self, runner: Runner, wanted: Selection) -> None:
        self._console.print(view.address_lines(runner.report(), wanted.wanted), markup=False)
        self._console.print("Everything is healthy. Stop with Ctrl-C.", style="green")


def run_in_foreground(place: Location, wanted: Selection, claim: control.Claim, *, as_json: bool) -> int:
    observer = LiveStatusTable() if sys.stdout.isatty() and not as_json else Plain(quiet=as_json)
    return asyncio.run(_run(place, wanted, claim, observer, as_json=as_json))


async def _run(
    place: Location, wanted: Selection, claim: control.Claim, observer: LiveStatusTable | Plain, *, as_json: bool
) -> int:
    runner = Runner(place, wanted, observer)
    tasks: list[asyncio.Task] = []

    async def report_settled() -> None:
        failing = await runner.settled(runner.names(wanted))
        if failing:
            observer.notice(f"{', '.join(failing)} failed to start. Save a fix to retry, or stop with Ctrl-C.")
        elif as_json:
            click.echo(msgspec.json.encode(runner.report()).decode())
        else:
            observer.settled(runner, wanted)

    def started() -> None:
        tasks.extend(asyncio.create_task(work) for work in (observer.draw(runner), report_settled()))

    try:
        await runner.run(claim, started=started)
    except OSError as error:
        raise cannot_write(place.state, error) from error
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if not as_json:
        click.echo("Gatehouse is stopped. Its data is kept. Start again: gate up")
    return 0
