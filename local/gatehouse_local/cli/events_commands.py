"""`gate events`: what the services of the running platform publish and follow, and what of it waits for a person.

In AWS the same is on the portal's Admin pages; there is no address here that reaches a service's own port.
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gatehouse_catalog import load_catalog
from gatehouse_db_manager.api import connect
from gatehouse_local.cli.database_commands import database_url
from gatehouse_local.cli.up_commands import location_of, root_option, state_option
from gatehouse_local.runner import control
from gatehouse_local.runner.control import RunnerClient
from gatehouse_local.runner.platform_specs import Location
from gatehouse_local.runner.port_conflicts import Trouble

SECONDS = 5.0
LOOK_EVERY = 0.5
OPERATOR = "sre"  # the persona
EVENT = "{at:%H:%M:%S}  {type:<32}  {subject}  version {version}  {ids}"
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for a script.")


class RunningServices:
    """The services of the platform on this machine, asked as an operator."""

    def __init__(self, place: Location) -> None:
        address = control.find(place.state)
        report = RunnerClient(address).report() if address else None
        self.urls = {row.name: row.url for row in report.resources if row.url} if report else {}
        if "identity" not in self.urls:
            raise Trouble("identity isn't running. Fix: start it with ./local/up")
        catalog = load_catalog(place.root)
        self.consumers = [one.name for one in catalog if one.followed and one.name in self.urls]
        sessions = f"{self.urls['identity']}/api/identity/personas/{OPERATOR}/sessions"
        self._token = _answer(sessions, {})["access_token"]

    def followed(self, consumer: str) -> list[dict[str, Any]]:
        return _answer(f"{self._url(consumer)}/followed", token=self._token)

    def tell(self, consumer: str, path: str, body: dict[str, Any]) -> Any:
        return _answer(f"{self._url(consumer)}/followed/{path}", body, token=self._token)

    def unhandled(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Each consumer with an event that it hasn't handled."""
        for consumer in self.consumers:
            for producer in self.followed(consumer):
                yield from ((consumer, event) for event in producer["unhandled"] if not event["discarded_at"])

    def _url(self, consumer: str) -> str:
        if consumer not in self.consumers:
            raise Trouble(f"{consumer} follows nobody, or isn't running. Known: {', '.join(self.consumers)}.")
        return self.urls[consumer]


@click.group(invoke_without_command=True)
@json_option
@state_option
@root_option
@click.pass_context
def events(context: click.Context, *, as_json: bool, state: Path | None, root: Path | None) -> None:
    """Show who follows whom, how far behind, and what is parked."""
    if context.invoked_subcommand is not None:
        return
    services = RunningServices(location_of(root, state))
    found = {consumer: services.followed(consumer) for consumer in services.consumers}
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for consumer, producers in found.items():
        for one in producers:
            counts = one["counts"]
            click.echo(
                f"{consumer} follows {one['producer']}: {one['backlog']} to go, {one['lag_seconds']:g} s behind, "
                f"{counts['retrying']} tried again, {counts['behind']} behind those, {counts['parked']} parked"
            )


@events.command()
@json_option
@state_option
@root_option
def parked(*, as_json: bool, state: Path | None, root: Path | None) -> None:
    """List events that a handler couldn't take."""
    found = list(RunningServices(location_of(root, state)).unhandled())
    if as_json:
        click.echo(json.dumps([{"consumer": consumer, **event} for consumer, event in found], indent=2))
        return
    for consumer, event in found:
        waiting = "waits for you" if event["tries"] else "behind another"
        when = f"next try {event['due_at']}" if event["due_at"] else waiting
        click.echo(f"{consumer}  {event['type']}  {event['id']}  tries {event['tries']}, {when}")
        if event["failure"]:
            click.echo(f"    {event['failure']}")
    if not found:
        click.echo("Nothing is parked.")


@events.command()
@click.argument("event", required=False)
@state_option
@root_option
def retry(event: str | None, *, state: Path | None, root: Path | None) -> None:
    """Try parked events again now: all, or the one with this id."""
    services = RunningServices(location_of(root, state))
    failed = [(consumer, one) for consumer, one in services.unhandled() if one["tries"]]
    chosen = [(consumer, one) for consumer, one in failed if event in (None, one["id"])]
    if event is not None and not chosen:
        raise Trouble(f"No event {event} has failed. See: gate events parked")
    for consumer, one in chosen:
        services.tell(consumer, f"{one['producer']}/{one['id']}/retry", {})
    click.echo(f"{len(chosen)} are tried again now." if chosen else "Nothing is parked.")


@events.command()
@click.argument("consumer")
@click.argument("producer")
@click.option("--since", required=True, metavar="TIME", help="What was published since, such as 2026-11-30T08:00.")
@state_option
@root_option
def replay(consumer: str, producer: str, since: str, *, state: Path | None, root: Path | None) -> None:
    """Have CONSUMER handle again what PRODUCER published since a moment (UTC where no zone is given)."""
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        raise Trouble(f"--since {since}: is no time. Write it as 2026-11-30T08:00.") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    services = RunningServices(location_of(root, state))
    begun = services.tell(consumer, f"{producer}/replay", {"since": moment.isoformat()})
    click.echo(f"{consumer} handles {begun['events']} events of {producer} again.")


@events.command()
@click.argument("producer")
@click.option("--follow/--no-follow", default=True, help="Go on until Ctrl-C.")
@click.option("--last", default=20, show_default=True, help="So many of the past first.")
@state_option
@root_option
def tail(producer: str, *, follow: bool, last: int, state: Path | None, root: Path | None) -> None:
    """Print what PRODUCER publishes, as followers see it."""
    place = location_of(root, state)
    schema = {one.name: one.database.schema for one in load_catalog(place.root) if one.database and one.has_events}
    if producer not in schema:
        raise Trouble(f"{producer} publishes nothing. Known: {', '.join(sorted(schema))}.")
    query = (
        f"select epoch, tx::text, id::text, at, type, subject_id, subject_version, ids from {schema[producer]}.event e "  # noqa: S608 - of the catalog
        "where (epoch < (select epoch from dbm.epoch) or tx < pg_snapshot_xmin(pg_current_snapshot())) "
    )
    with connect(database_url(place)) as connection:
        rows = connection.execute(
            f"select * from ({query} order by epoch desc, tx desc, id desc limit %s) e order by 1, tx, id".encode(),  # noqa: S608 - as above
            [last],
        ).fetchall()
        seen: tuple[Any, ...] = (0, "0", "0" * 32)
        while True:
            for row in rows:
                click.echo(EVENT.format(at=row[3], type=row[4], subject=row[5], version=row[6], ids=json.dumps(row[7])))
            if not follow:
                return
            seen = rows[-1][:3] if rows else seen
            time.sleep(LOOK_EVERY)
            after = "and (epoch, tx, id) > (%s, %s::xid8, %s::uuid) order by epoch, tx, id limit 500"
            rows = connection.execute(f"{query} {after}".encode(), list(seen)).fetchall()


def _answer(url: str, body: dict[str, Any] | None = None, *, token: str = "") -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(url, data=data, headers=headers)  # noqa: S310 - a loopback address of the runner's
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as response:  # noqa: S310 - as above
            text = response.read()
    except urllib.error.HTTPError as error:
        problem = json.loads(error.read() or b"{}")
        raise Trouble(str(problem.get("detail") or f"{url} answered {error.code}.")) from None
    except (urllib.error.URLError, TimeoutError) as error:
        raise Trouble(f"{url} doesn't answer: {error}. See: ./local/gate logs") from None
    return json.loads(text) if text else None
