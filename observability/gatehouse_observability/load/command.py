"""The command `gate load`: options, the live view, the report."""

import asyncio
import contextlib
import sys
from urllib.parse import urlsplit

import click

HERE = {"localhost", "127.0.0.1", "::1"}


@click.command()
@click.argument("url", default="http://localhost:8400")
@click.option("--rate", type=click.FloatRange(0.1, 500), default=20, show_default=True, help="Operations a second.")
@click.option("--seconds", type=click.FloatRange(1, 600), default=30, show_default=True, help="For how long.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def load(url: str, rate: float, seconds: float, as_json: bool) -> None:
    """Put a realistic load on the platform that runs on this machine.

    Personas do their work at a fixed rate of arrivals; it stops by itself. Ends with 1 when an operation failed.
    """
    from rich.console import Console  # noqa: PLC0415 - `gate --help` needs none of these
    from rich.live import Live  # noqa: PLC0415

    from gatehouse_observability.load.engine import Run, drive  # noqa: PLC0415
    from gatehouse_observability.load.personas import OPERATIONS, Refused  # noqa: PLC0415
    from gatehouse_observability.load.report import report, table  # noqa: PLC0415

    if urlsplit(url).hostname not in HERE:
        raise click.UsageError(f"{url} isn't on this machine, and a load isn't for others. Start one here: gate up")
    console = Console()
    with contextlib.ExitStack() as stack:
        watch = _nobody
        if console.is_terminal and not as_json:
            live = stack.enter_context(Live(console=console, auto_refresh=False, transient=True))

            def watch(run: Run) -> None:
                live.update(table(report(run)), refresh=True)

        try:
            run = asyncio.run(drive(url.rstrip("/"), OPERATIONS, rate=rate, seconds=seconds, watch=watch))
        except (OSError, Refused) as error:
            raise click.ClickException(f"{url}: {error}. Is it running? gate status, gate up") from None
    found = report(run)
    if as_json:
        import msgspec  # noqa: PLC0415

        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        console.print(table(found))
    sys.exit(1 if found.failed or found.dropped else 0)


def _nobody(_run: object) -> None:
    """Nobody looks on."""
