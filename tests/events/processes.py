"""A producer process, consumer processes and writers, on one database; for tests that kill, stop and restore."""

import asyncio
import contextlib
import os
import random
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import msgspec
from uuid_utils.compat import uuid7

from gatehouse_catalog import find_root
from gatehouse_chassis.data.database import Database
from gatehouse_chassis.events.outbox import LEAST_BETWEEN_WAKES, Outbox
from gatehouse_local.testing.shared_process import free_port
from gatehouse_person.enumerators import PersonStatus

KEY = "for-tests-only-0123456789-0123456789"
CONSUMER = Path(__file__).with_name("consumer.py")
ROOT = find_root(Path(__file__).parent)


class Joined(msgspec.Struct, frozen=True):
    id: UUID
    version: int = 1


class StatusIds(msgspec.Struct, frozen=True):
    status: PersonStatus


@contextlib.contextmanager
def producing(url: str, log: Path) -> Generator[int]:
    """The person service as a process; yields its port."""
    port = free_port()
    environment = {
        **os.environ,
        "GATEHOUSE_ENVIRONMENT": "local",
        "GATEHOUSE_DATABASE_URL": url,
        "GATEHOUSE_PORT": str(port),
        "GATEHOUSE_PEER_KEY": KEY,
        "GATEHOUSE_URL_IDENTITY": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-m", "gatehouse_chassis", "person"]
    with log.open("wb") as out, subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out) as process:
        try:
            _until_ready(port, process)
            yield port
        finally:
            process.terminate()
            process.wait(60)


def _until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    transport = httpx.HTTPTransport(retries=20)  # with growing pauses, while nobody listens
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", transport=transport, timeout=60) as client:
        for _ in range(100):
            assert process.poll() is None, "the producer ended"
            if client.get("/health/ready").status_code == 200:
                return
    raise AssertionError("the producer isn't ready")


class Consumers:
    """Processes that may be killed at any moment."""

    def __init__(self, url: str, port: int, log: Path) -> None:
        self._command = [sys.executable, str(CONSUMER), str(port)]
        self._environment = {**os.environ, "GATEHOUSE_DATABASE_URL": url, "GATEHOUSE_PEER_KEY": KEY}
        self._log = log.open("ab")
        self.running: list[subprocess.Popen[bytes]] = []
        self.killed = 0

    def start(self, count: int = 1) -> None:
        for _ in range(count):
            self.running.append(
                subprocess.Popen(self._command, env=self._environment, stdout=self._log, stderr=self._log)
            )

    async def keep_killing(self, every: float) -> None:
        """kill -9, one after another, each replaced at once; until cancelled."""
        while True:
            await asyncio.sleep(every)
            victim = self.running.pop(0)
            victim.kill()
            victim.wait(60)
            self.killed += 1
            self.start()

    def stop(self) -> None:
        for process in self.running:
            process.terminate()
        for process in self.running:
            process.wait(60)
        self.running.clear()

    def close(self) -> None:
        for process in self.running:
            process.kill()
            process.wait(60)
        self._log.close()


async def write(database: Database, events: int, *, writers: int, each: int, delay: float, seed: int) -> list[UUID]:
    """Publishes by `writers` at once, `each` a transaction, which stays open for up to `delay` seconds. Some subjects
    come again. Returns the subject of each event."""
    outbox = Outbox(database, {"person.joined": StatusIds})
    drawn = random.Random(seed)
    shares = [each] * (events // each)
    written: list[UUID] = []

    async def one_writer() -> None:
        while shares:
            count = shares.pop()
            subjects = [uuid7() for _ in range(count)]
            subjects[-1] = subjects[0]
            async with database.transaction():
                for subject in subjects:
                    await outbox.publish("person.joined", Joined(subject), by=None, ids=StatusIds("pending"))
                await asyncio.sleep(drawn.uniform(0, delay))
            written.extend(subjects)

    waking = asyncio.create_task(outbox.wake_followers())
    await asyncio.gather(*(one_writer() for _ in range(writers)))
    await asyncio.sleep(2 * LEAST_BETWEEN_WAKES)  # the last wake, which a service would send as it goes on
    waking.cancel()
    return written


async def settled(administrator: asyncpg.Connection, events: int, *, seconds: float) -> None:
    """Until every event has its effect or is parked for a person, or waits behind one that is."""
    done = (
        "select (select count(distinct event) from identity.effect) + (select count(*) from identity.event_parked "
        "where due_at is null and (tries = 8 or tries = 0))"
    )
    before, ends = -1, asyncio.get_running_loop().time() + seconds
    while (count := await administrator.fetchval(done)) < events:
        now = asyncio.get_running_loop().time()
        if count != before:
            before, ends = count, now + seconds
        assert now < ends, f"{count} of {events} events are settled, and nothing moved for {seconds:g} s"
        await asyncio.sleep(0.2)
