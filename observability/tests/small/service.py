"""A small real service on the chassis, with faults to switch on: `python service.py NAME` where services/NAME is.

`back` reads a database; `front` has none and asks back. It is what test_faults.py hurts.
"""

import asyncio
import itertools
import os
import sys
from pathlib import Path
from typing import Any

import msgspec
from litestar import get, put

from gatehouse_chassis import ServiceContext, create_app
from gatehouse_chassis.base import logs
from gatehouse_chassis.data.database import Database
from gatehouse_chassis.http.guards import public
from gatehouse_chassis.serve import run

DB = Database("back")
COUNT = DB.prepare_sql("select count(*) from thing")
REPORT = DB.prepare_sql("select count(*), pg_sleep($1) from thing")
NUMBERS = itertools.count(1)


class Faults(msgspec.Struct, frozen=True):
    """One of so many requests fails, or takes `seconds`; 0: none does."""

    fails: int = 0
    slow: int = 0
    seconds: float = 0.0


class Switched:
    now = Faults()


@put("/faults", guards=[public], operation_id="SwitchFaults")
async def switch(data: Faults) -> None:
    Switched.now = data


@get("/things", guards=[public], operation_id="CountThings")
async def things() -> dict[str, int]:
    number, faults = next(NUMBERS), Switched.now
    if faults.fails and number % faults.fails == 0:
        message = "a fault that was switched on"
        raise RuntimeError(message)
    if faults.slow and number % faults.slow == 0:
        await asyncio.sleep(faults.seconds)
    return {"things": await COUNT.value()}


@get("/report", guards=[public], operation_id="Report")
async def report(seconds: float) -> dict[str, int]:
    """Holds a connection for so long."""
    return {"things": await REPORT.value(seconds)}


@get("/page", guards=[public], operation_id="ShowPage")
async def page(service: ServiceContext) -> dict[str, Any]:
    return await service.call("back").get("/api/back/things", dict[str, Any])


def main(name: str) -> None:
    service = ServiceContext.load(Path.cwd() / "services" / name, os.environ)
    logs.configure(name)
    routes, database = ([things, report, switch], DB) if name == "back" else ([page], None)
    run(create_app(service, routes, database=database), service)


if __name__ == "__main__":
    main(sys.argv[1])
