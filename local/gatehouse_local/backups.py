"""Backups of the platform's database: one file each, in PostgreSQL's own archive format.

Made and read by the programs of the embedded PostgreSQL. A restore is complete or changes nothing: it fills a database
beside the one in use, and then takes its place.
"""

import datetime
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from gatehouse_local.postgres_wheels import binary
from gatehouse_local.runner.database_step import NEXT, Databases
from gatehouse_local.runner.port_conflicts import Trouble
from gatehouse_local.runner.postgres import DATABASE, Embedded

ENDING = ".dump"
TIME_IN_NAME = "%Y-%m-%d-%H%M%S"


def folder_of(state: Path) -> Path:
    return state / "backups"


def known(state: Path) -> list[Path]:
    """The backups in the state folder, the latest first."""
    return sorted(folder_of(state).glob(f"*{ENDING}"), reverse=True)


def new_name(state: Path, now: datetime.datetime) -> Path:
    """A file for a backup made at that time, in UTC."""
    return folder_of(state) / f"{now.astimezone(datetime.UTC):{TIME_IN_NAME}}{ENDING}"


def made_at(file: Path) -> datetime.datetime:
    """When a backup was made, at the latest: a copy keeps the name that `new_name` gave it."""
    changed = datetime.datetime.fromtimestamp(file.stat().st_mtime, datetime.UTC)
    try:
        named = datetime.datetime.strptime(file.stem, TIME_IN_NAME).replace(tzinfo=datetime.UTC)
    except ValueError:
        return changed
    return min(named, changed)


def client_environment(url: str) -> dict[str, str]:
    """The address as libpq's variables: on a command line, `ps` would show the password."""
    parts = urlsplit(url)
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("PG")},
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.removeprefix("/")),
    }


def back_up(url: str, file: Path) -> int:
    """Writes the database at `url` to `file`; returns its size in bytes. Nothing is left of one that fails."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.part")
    try:
        _run("pg_dump", "--format=custom", f"--file={part}", environment=client_environment(url))
        part.chmod(0o600)
        part.rename(file)
    finally:
        part.unlink(missing_ok=True)
    return file.stat().st_size


def restore(embedded: Embedded, file: Path, finish: Callable[[str], None]) -> None:
    """Replaces the database by a backup; its sessions are ended, and services connect again.

    `finish` is given the administrator's connection string of the filled database before it takes the other's place.
    """
    _run("pg_restore", "--list", str(file), environment=client_environment(embedded.admin_url))
    databases = Databases(embedded)
    databases.create(DATABASE + NEXT)
    try:
        into = client_environment(embedded.url(DATABASE + NEXT))
        options = ("--exit-on-error", "--single-transaction", f"--dbname={DATABASE}{NEXT}")
        _run("pg_restore", *options, str(file), environment=into)
        finish(embedded.url(DATABASE + NEXT))
    except BaseException:
        databases.drop(DATABASE + NEXT)
        raise
    databases.replace(DATABASE, DATABASE + NEXT, rights_of=DATABASE)


def _run(program: str, *arguments: str, environment: Mapping[str, str]) -> None:
    command = [str(binary(program)), *arguments]
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)  # noqa: S603 - PostgreSQL's own program
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise Trouble(f"{program} failed; the database is unchanged. {said[0]}")
