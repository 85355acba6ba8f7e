"""The command `gate load`: options, the live view, the report."""

import asyncio
import contextlib
import sys
from urllib.parse import urlsplit

import click

HERE = {"localhost", "127.0.0.1", "::1"}
STOPPED = 130  # the exit code of shells for Ctrl-C


@click.command()
@click.argument("url", envvar="GATEHOUSE_URL", default="http://localhost:8400")
@click.option("--rate", type=click.FloatRange(0.1, 500), default=20, show_default=True, help="Operations a second.")
@click.option("--seconds", type=click.FloatRange(1, 600), default=30, show_default=True, help="For how long.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def load(url: str, rate: float, seconds: float, as_json: bool) -> None:
    """Put a realistic load on the platform that runs on this machine.

    Personas work at a fixed rate of arrivals. Ends by itself or with Ctrl-C, and prints a report. Exits 1 if an
    operation failed, and 130 if it was stopped.
    """
    from aiohttp import ClientConnectorError  # noqa: PLC0415 - `gate --help` needs none of these
    from rich.console import Console  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415

    from gatehouse_observability.load.engine import LoadRun, drive  # noqa: PLC0415
    from gatehouse_observability.load.personas import OPERATIONS, PersonaRefused  # noqa: PLC0415
    from gatehouse_observability.load.report import report, table  # noqa: PLC0415

    if urlsplit(url).hostname not in HERE:
        raise click.UsageError(f"{url} isn't on this machine; only a local platform may be loaded. Start one: gate up")
    console = Console()
    run: LoadRun | None = None
    stopped = False
    with contextlib.ExitStack() as stack:
        shown = console.is_terminal and not as_json
        live = stack.enter_context(Live(console=console, auto_refresh=False, transient=True)) if shown else None

        def watch(now: LoadRun) -> None:
            nonlocal run
            run = now
            if live:
                live.update(table(report(now), of_seconds=seconds), refresh=True)

        try:
            asyncio.run(drive(url.rstrip("/"), OPERATIONS, rate=rate, seconds=seconds, watch=watch))
        except KeyboardInterrupt:
            stopped = True
        except ClientConnectorError:
            raise click.ClickException(f"nothing answers at {url}. Is it running? gate status, gate up") from None
        except (OSError, PersonaRefused) as error:
            raise click.ClickException(f"{url}: {error}. Is it running? gate status, gate up") from None
    if run is None:
        raise click.Abort  # before anything was asked
    found = report(run)
    if as_json:
        import msgspec  # noqa: PLC0415

        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        console.print(table(found))
    if stopped:
        click.echo(
            f"Stopped by hand, {found.seconds:g} of {seconds:g} s; operations in flight aren't counted.", err=True
        )
        sys.exit(STOPPED)
    sys.exit(1 if found.failed or found.dropped else 0)
