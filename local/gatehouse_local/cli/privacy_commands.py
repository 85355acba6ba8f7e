"""`gate privacy`: one person's data in all services of the platform on this machine: export, erasure, history.

Asks each service's own port as the persona admin. In AWS nobody reaches those ports.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import click

from gatehouse_catalog import load_catalog
from gatehouse_local.cli.token_command import report_of, session_of
from gatehouse_local.cli.up_commands import location_of, root_option, state_option
from gatehouse_local.runner.platform_specs import Location
from gatehouse_local.runner.port_conflicts import Trouble

SECONDS = 30.0
ADMINISTRATOR = "admin"
ACCOUNTS = "identity"


class ServicesPrivacy:
    """Asks the running services that have a database. Raises Trouble where one that should answer doesn't."""

    def __init__(self, place: Location) -> None:
        report = report_of(place)
        self._token = session_of(ADMINISTRATOR, report)["access_token"]
        wanted = [service.name for service in load_catalog(place.root) if service.database]
        running = {row.name: row.url for row in report.resources if row.url} if report else {}
        missing = sorted(set(wanted) - running.keys())
        if missing:
            raise Trouble(f"{', '.join(missing)} doesn't run, and may hold data of the person. Fix: ./local/up")
        self._urls = {name: running[name] for name in wanted}

    def accounts_of(self, person: UUID) -> list[str]:
        """Ids of the accounts that the person has or had."""
        found = self.ask(ACCOUNTS, f"/people/{person}")["collections"]
        return [row["id"] for one in found if one["collection"] == "account" for row in one["rows"]]

    def export(self, person: UUID) -> dict[str, Any]:
        """By service."""
        query = urlencode([("account", id) for id in self.accounts_of(person)])
        return {name: self.ask(name, f"/people/{person}?{query}") for name in self._urls}

    def erase(self, person: UUID) -> dict[str, Any]:
        """By service. One that fails leaves those before it erased: erase again, which does no harm."""
        accounts = self.accounts_of(person)
        return {name: self.ask(name, f"/people/{person}/erase", {"accounts": accounts}) for name in self._urls}

    def history(self, service: str, collection: str, row: UUID) -> list[dict[str, Any]]:
        if service not in self._urls:
            raise Trouble(f"{service} has no database, or isn't a service. Known: {', '.join(sorted(self._urls))}.")
        return self.ask(service, f"/history/{collection}/{row}")

    def ask(self, service: str, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        url = f"{self._urls[service]}/privacy{path}"
        request = urllib.request.Request(url, data=data, headers=headers)  # noqa: S310 - a loopback address
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as response:  # noqa: S310 - as above
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise Trouble(f"{service} answers {error.code}: {_detail(error.read())}") from None
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            raise Trouble(f"{service} doesn't answer: {error}. See: ./local/gate logs {service}") from None


def _detail(body: bytes) -> str:
    try:
        return str(json.loads(body).get("detail", "no detail"))
    except (ValueError, AttributeError):
        return "no detail"


@click.group()
def privacy() -> None:
    """Export or erase one person's data in all running services, and show what changed."""


@privacy.command()
@click.argument("person", type=click.UUID)
@state_option
@root_option
def export(person: UUID, *, state: Path | None, root: Path | None) -> None:
    """Print all that is declared to be about PERSON (an id), as JSON by service."""
    click.echo(json.dumps(ServicesPrivacy(location_of(root, state)).export(person), indent=2, ensure_ascii=False))


@privacy.command()
@click.argument("person", type=click.UUID)
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@state_option
@root_option
def erase(person: UUID, *, yes: bool, as_json: bool, state: Path | None, root: Path | None) -> None:
    """Erase PERSON (an id) in all services, for good; show what is kept, and why."""
    asked = ServicesPrivacy(location_of(root, state))
    if not yes:
        click.confirm(f"Erase {person} in all services? It can't be undone", abort=True)
    erased = asked.erase(person)
    click.echo(json.dumps(erased, indent=2) if as_json else "\n".join(lines(erased)))


@privacy.command()
@click.argument("service")
@click.argument("collection")
@click.argument("row", type=click.UUID)
@state_option
@root_option
def history(service: str, collection: str, row: UUID, *, state: Path | None, root: Path | None) -> None:
    """Show who changed ROW (an id) of a COLLECTION of SERVICE from what to what, the newest first."""
    for entry in ServicesPrivacy(location_of(root, state)).history(service, collection, row):
        click.echo(f"{entry['at']} version {entry['row_version']} by {entry['actor_id'] or 'the platform'}")
        for column, (before, after) in entry["changes"].items():
            click.echo(f"  {column}: {json.dumps(before)} -> {json.dumps(after)}")
        for column in entry["unreadable"]:
            click.echo(f"  {column}: changed; its key was destroyed")


def lines(erased: dict[str, Any]) -> Iterable[str]:
    """What an erasure did, as text."""
    for service, done in erased.items():
        for word in ("changed", "deleted"):
            for collection, count in done[word].items():
                yield f"{service}.{collection}: {count} {word}"
        for kept in done["kept"]:
            until = f"; goes {kept['until']}" if kept["until"] else ""
            columns = ", ".join(kept["columns"])
            yield f"{service}.{kept['collection']}: kept {columns} of {kept['rows']}: {kept['basis']}{until}"
