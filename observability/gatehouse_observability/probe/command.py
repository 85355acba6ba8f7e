"""The command `gate probe`: one visit and its outcome, or visit after visit for Prometheus to read."""

import contextlib
import sys
import threading
from urllib.parse import urlsplit

import click


@click.command()
@click.argument("url", envvar="GATEHOUSE_URL", default="http://localhost:8400")
@click.option(
    "--seconds", type=click.FloatRange(0.1, 120), default=10, show_default=True, help="At most, for each step."
)
@click.option("--listen", type=click.IntRange(1, 65535), help="Keep visiting, and serve /metrics on this port.")
@click.option("--host", default="127.0.0.1", show_default=True, help="With --listen: the address to serve on.")
@click.option(
    "--every", type=click.FloatRange(1, 3600), default=60, show_default=True, help="With --listen: between visits."
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def probe(*, url: str, seconds: float, listen: int | None, host: str, every: float, as_json: bool) -> None:
    """Visit the platform at URL as a member would, and exit 1 if that fails.

    Reads the sign-in page, signs in and reads a list. It signs in as the service client in GATEHOUSE_PROBE_CLIENT_ID
    and GATEHOUSE_PROBE_CLIENT_SECRET, else as a persona, which only the local environment has; with neither it reads as
    a stranger, and must be refused.
    """
    from gatehouse_observability.probe.visit import visit  # noqa: PLC0415 - `gate --help` needs none of it

    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        raise click.BadParameter(f"{url} isn't an address. Write it whole, such as https://gatehouse.example.org")
    if listen is not None:
        _export(url, host=host, listen=listen, every=every, seconds=seconds)
        return
    outcome = visit(url, seconds=seconds)
    if as_json:
        import dataclasses  # noqa: PLC0415 - as above
        import json  # noqa: PLC0415 - as above

        click.echo(json.dumps(dataclasses.asdict(outcome), indent=2))
    elif outcome.failed:
        click.echo(f"Error: {outcome.url} can't be used. {outcome.failed}", err=True)
    else:
        click.echo(f"{outcome.url} can be used; the visit took {outcome.milliseconds:g} ms")
        if outcome.note:
            click.echo(f"  {outcome.note}")
    sys.exit(1 if outcome.failed else 0)


def _export(url: str, *, host: str, listen: int, every: float, seconds: float) -> None:
    from gatehouse_observability.probe.visit import ProbeExporter  # noqa: PLC0415 - as above

    try:
        exporter = ProbeExporter(url, host=host, port=listen, every=every, seconds=seconds)
    except OSError as error:
        raise click.ClickException(
            f"{host}:{listen} can't be used: {error.strerror or error}. Use another port: --listen"
        ) from None
    click.echo(f"Visiting {url} every {every:g} s. Metrics: http://{host}:{listen}/metrics. Stop: Ctrl-C")
    exporter.start()
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
