"""`python -m gatehouse_chassis recover NAME < LOG`: after a restore, does again what a service decided since then.

A service that makes such decisions (identity) has a module `recovery.replay`, whose `replay(lines)` reads the lines of
its log and returns a struct of counts; DB of its `tables` is open meanwhile. The database is GATEHOUSE_DATABASE_URL's.
`recovery.still_open` says what is left to do: that is how a rehearsal sees that the replay did it.
"""

import asyncio
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import structlog

from gatehouse_catalog import CatalogError, Service, find_root, load_service


async def recover(package: str, database_url: str, lines: Iterable[bytes]) -> Any:
    return await _in_database(package, database_url, "replay", lines)


async def still_open(package: str, database_url: str, lines: Iterable[bytes]) -> list[str]:
    """What the lines say ended and the database still has; nothing after `recover`."""
    return await _in_database(package, database_url, "still_open", lines)


async def _in_database(package: str, database_url: str, what: str, lines: Iterable[bytes]) -> Any:
    """Calls `recovery.WHAT.WHAT` of the package with the lines while its DB is open."""
    database = importlib.import_module(f"{package}.tables").DB
    call = getattr(importlib.import_module(f"{package}.recovery.{what}"), what)
    await database.open(database_url, application_name="recover", max_size=2, min_size=0)
    try:
        return await call(lines)
    finally:
        await database.close()


def service_called(name: str) -> Service:
    """Raises CatalogError where there is none of that name."""
    given = os.environ.get("GATEHOUSE_ROOT")
    return load_service((Path(given) if given else find_root()) / "services" / name)


def is_recovered(service: Service) -> bool:
    return importlib.util.find_spec(f"{service.package}.recovery") is not None


def main(names: list[str]) -> str | None:
    """Prints the counts as JSON. Returns what is wrong with the call."""
    url = os.environ.get("GATEHOUSE_DATABASE_URL")
    if len(names) != 1 or not url:
        return "usage: GATEHOUSE_DATABASE_URL=... python -m gatehouse_chassis recover NAME < LOG"
    try:
        service = service_called(names[0])
    except CatalogError as error:
        return str(error)
    if not is_recovered(service):
        return f"{names[0]} decides nothing that a restore takes back; there is nothing to recover."
    # Standard output is for the counts: a warning (a slow statement) goes beside it.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    done = asyncio.run(recover(service.package, url, sys.stdin.buffer))
    sys.stdout.write(msgspec.json.encode(done).decode() + "\n")
    return None
