"""`gate token`: an access token of a persona of the platform on this machine, for curl and pages under development."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import click

from gatehouse_local.cli.up_commands import location_of, root_option, state_option
from gatehouse_local.runner import control
from gatehouse_local.runner.control import PlatformReport, RunnerClient
from gatehouse_local.runner.platform_specs import Location
from gatehouse_local.runner.port_conflicts import Trouble

SECONDS = 5.0


@click.command()
@click.argument("persona")
@click.option("--json", "as_json", is_flag=True, help="Print the whole answer: access token, refresh token, lifetime.")
@state_option
@root_option
def token(persona: str, *, as_json: bool, state: Path | None, root: Path | None) -> None:
    """Print an access token of PERSONA, such as mentor, member or sre.

    It lasts ten minutes. Only the local environment has personas.
    """
    answer = session_of(persona, report_of(location_of(root, state)))
    click.echo(json.dumps(answer, indent=2) if as_json else answer["access_token"])


def report_of(place: Location) -> PlatformReport | None:
    """What runs; None: nothing."""
    address = control.find(place.state)
    return RunnerClient(address).report() if address else None


def session_of(persona: str, report: PlatformReport | None) -> dict[str, Any]:
    """What identity issues to a persona. Raises Trouble."""
    identity = next((row.url for row in report.resources if row.name == "identity"), None) if report else None
    if identity is None:
        raise Trouble("identity isn't running. Fix: start it with ./local/up")
    known = [one["key"] for one in _answer(f"{identity}/api/identity/personas")]
    if persona not in known:
        raise Trouble(f"There is no persona {persona}. Known: {', '.join(sorted(known))}.")
    return _answer(f"{identity}/api/identity/personas/{persona}/sessions", method="POST")


def _answer(url: str, method: str = "GET") -> Any:
    request = urllib.request.Request(url, method=method)  # noqa: S310 - a loopback address of the runner's own
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as response:  # noqa: S310 - as above
            return json.load(response)
    except (urllib.error.URLError, TimeoutError) as error:
        raise Trouble(f"identity doesn't answer at {url}: {error}. See: ./local/gate logs identity") from None
