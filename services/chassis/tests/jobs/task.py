"""A task of a service whose one job takes half a second: `python task.py URL NOTES LEASE`. Ends on SIGTERM, or killed.

It notes in a file when a run begins and ends, on the machine's own clock, which all processes share.
"""

import asyncio
import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

from gatehouse_catalog import find_root
from gatehouse_catalog.jobs import schedule_of
from gatehouse_catalog.structs import Job
from gatehouse_chassis import ServiceContext
from gatehouse_chassis.data.database import Database
from gatehouse_chassis.jobs.runner import JobRunner
from gatehouse_chassis.jobs.structs import DeclaredJob, JobRun

url, notes, lease = sys.argv[1:]


def note(what: str) -> None:
    with Path(notes).open("a", encoding="ascii") as file:
        file.write(f"{what} {os.getpid()} {time.monotonic()}\n")


async def work(run: JobRun) -> None:
    note("began")
    await asyncio.sleep(0.5)
    note("ended")


async def live() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    service = ServiceContext.load(find_root(Path(__file__)) / "services" / "person", {"GATEHOUSE_ENVIRONMENT": "local"})
    database = Database("person")
    await database.open(url, application_name="test", max_size=3)
    job = DeclaredJob(handler=work, schedule=schedule_of(Job(help="h", every="366d")), help="h")
    runner = JobRunner(service, database, {"work": job}, lease=timedelta(seconds=float(lease)))
    runner.start()
    note("ready")
    await stop.wait()
    await runner.stop()
    await database.close()


asyncio.run(live())
