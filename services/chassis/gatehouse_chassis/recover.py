"""`python -m gatehouse_chassis recover NAME < LOG`: after a restore, does again what a service decided since then.

A service that makes such decisions (identity) has a module `recovery.replay`, whose `replay(lines)` reads the lines of
its log and returns a struct of counts; DB of its `tables` is open meanwhile. The database is GATEHOUSE_DATABASE_URL's.
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

from gatehouse_catalog import CatalogError, find_root, load_service


async def recover(package: str, database_url: str, lines: Iterable[bytes]) -> Any:
    database = importlib.import_module(f"{package}.tables").DB
    replay = importlib.import_module(f"{package}.recovery.replay").replay
    await database.open(database_url, application_name="recover", max_size=2, min_size=0)
    try:
        return await replay(lines)
    finally:
        await database.close()


def main(names: list[str]) -> str | None:
    """Prints the counts as JSON. Returns what is wrong with the call."""
    url = os.environ.get("GATEHOUSE_DATABASE_URL")
    if len(names) != 1 or not url:
        return "usage: GATEHOUSE_DATABASE_URL=... python -m gatehouse_chassis recover NAME < LOG"
    given = os.environ.get("GATEHOUSE_ROOT")
    try:
        package = load_service((Path(given) if given else find_root()) / "services" / names[0]).package
    except CatalogError as error:
        return str(error)
    if importlib.util.find_spec(f"{package}.recovery") is None:
        return f"{names[0]} decides nothing that a restore takes back; there is nothing to recover."
    # Standard output is for the counts: a warning (a slow statement) goes beside it.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    done = asyncio.run(recover(package, url, sys.stdin.buffer))
    sys.stdout.write(msgspec.json.encode(done).decode() + "\n")
    return None
