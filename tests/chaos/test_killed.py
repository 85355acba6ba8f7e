"""Services and PostgreSQL are killed (SIGKILL) at random while people write: what was acknowledged is stored, once.

A platform of its own, whose PostgreSQL waits for the disk. GATEHOUSE_CHAOS_SECONDS is how long: a slice in the deep
set, 180 for the design's figure. Seeded by GATEHOUSE_SEED.
"""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from rich.console import Console

from gatehouse_local.runner import control
from gatehouse_local.runner.control import RunnerClient
from gatehouse_local.runner.state import ResourceHealth
from gatehouse_local.testing.shared_process import Facts, shared

SECONDS = float(os.environ.get("GATEHOUSE_CHAOS_SECONDS", "40"))
SEED = int(os.environ.get("GATEHOUSE_SEED", "1"))
# The edge stands for the load balancer, which isn't killed.
VICTIMS = ("postgres", "identity", "topics", "partner", "postgres")
KILLED_EVERY = (1.0, 6.0)
WRITERS = 6
# Seconds. It only ends a hang: a writer repeats until it is answered.
ANSWERED_WITHIN = 240.0
pytestmark = [pytest.mark.deep, pytest.mark.timeout(900)]


class Writer:
    """Creates rows and changes one of its own, each until it is acknowledged; repeats carry the same key or version."""

    def __init__(
        self, http: httpx.AsyncClient, name: str, token: str, path: str, new: dict[str, Any], field: str
    ) -> None:
        self._http, self._name, self._path, self._new, self._field = http, name, path, new, field
        self._headers = {"Authorization": token}
        self.created: set[str] = set()
        self.own = ""
        self.version = 0
        self.changes = 0
        self.failed: Counter[str] = Counter()

    async def write_until(self, ends: float) -> None:
        self.own = (await self._create("own"))["id"]
        number = 0
        while time.monotonic() < ends:
            number += 1
            await self._create(str(number))
            await self._change(f"{self._name}, change {number}")

    async def _create(self, suffix: str) -> dict[str, Any]:
        name = f"{self._name} {suffix}"
        headers = {**self._headers, "Idempotency-Key": f"chaos-{name}".replace(" ", "-")}
        body = {key: value.format(name=name.replace(" ", "-")) for key, value in self._new.items()} | {"name": name}
        answer = await self._answered(lambda: self._http.post(self._path, json=body, headers=headers))
        assert answer.status_code == 201, answer.text
        self.created.add(name)
        return answer.json()

    async def _change(self, value: str) -> None:
        """A change that wasn't acknowledged may have been made: then its version is one more, with its value."""
        path = f"{self._path}/{self.own}"
        before = await self._answered(lambda: self._http.get(path, headers=self._headers))
        headers = {**self._headers, "If-Match": before.headers["etag"]}
        answer = await self._answered(lambda: self._http.patch(path, json={self._field: value}, headers=headers))
        if answer.status_code == 412:
            answer = await self._answered(lambda: self._http.get(path, headers=self._headers))
        assert (answer.status_code, answer.json()[self._field]) == (200, value)
        assert answer.json()["version"] == before.json()["version"] + 1, "made once"
        self.version = answer.json()["version"]
        self.changes += 1

    async def _answered(self, ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        async with asyncio.timeout(ANSWERED_WITHIN):
            while True:
                try:
                    answer = await ask()
                except httpx.TransportError as error:
                    self.failed[type(error).__name__] += 1
                else:
                    # 409: the first attempt with this key is still under way.
                    if answer.status_code < 500 and answer.status_code != 409:
                        return answer
                    self.failed[str(answer.status_code)] += 1
                await asyncio.sleep(0.1)


async def keep_killing(state: Path, killed: Counter[str]) -> None:
    draw = random.Random(SEED)
    while True:
        await asyncio.sleep(draw.uniform(*KILLED_EVERY))
        address = control.find(state)
        assert address is not None
        victim = draw.choice(VICTIMS)
        found = next(one for one in RunnerClient(address).report().resources if one.name == victim)
        # One that isn't back yet has nothing to lose, and would never be back.
        if found.pid is not None and found.health == ResourceHealth.HEALTHY:
            with contextlib.suppress(ProcessLookupError):
                os.kill(found.pid, signal.SIGKILL)
                killed[victim] += 1


@pytest.fixture
def institute(tmp_path: Path) -> Iterator[Facts]:
    with shared(tmp_path, "platform", timeout=180) as facts:
        yield facts


def sign_in(url: str, persona: str) -> str:
    answer = httpx.post(f"{url}/api/identity/personas/{persona}/sessions", timeout=30)
    return f"Bearer {answer.raise_for_status().json()['access_token']}"


def stored(url: str) -> Counter[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "select name from topics.resource where starts_with(name, 'Chaos ') "
            "union all select name from partner.partner where starts_with(name, 'Chaos ')"
        ).fetchall()
    return Counter(row[0] for row in rows)


async def test_what_was_acknowledged_is_stored_once_whatever_is_killed(institute: Facts) -> None:
    url, killed = institute["url"], Counter[str]()
    resource = {"url": "https://example.org/{name}", "kind": "article", "cost": "free", "level": "apprentice"}
    kinds = [
        ("/api/topics/resources", sign_in(url, "mentor"), resource, "description"),
        ("/api/partner/partners", sign_in(url, "admin"), {"kind": "employer"}, "summary"),
    ]
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http:
        writers = [
            Writer(http, f"Chaos {number}", token, path, new, field)
            for number in range(WRITERS)
            for path, token, new, field in [kinds[number % 2]]
        ]
        killing = asyncio.create_task(keep_killing(Path(institute["state"]), killed))
        try:
            await asyncio.gather(*(writer.write_until(time.monotonic() + SECONDS) for writer in writers))
        finally:
            killing.cancel()
    rows = stored(institute["database_url"])
    acknowledged = set().union(*(writer.created for writer in writers))
    assert acknowledged - rows.keys() == set(), "lost"
    assert [name for name, count in rows.items() if count > 1] == [], "doubled"
    assert all(writer.version == 1 + writer.changes for writer in writers), "each change counted once"
    assert killed
    failed = sum((writer.failed for writer in writers), Counter[str]())
    changes = sum(writer.changes for writer in writers)
    Console().print(
        f"{len(acknowledged)} rows and {changes} changes acknowledged, 0 lost, 0 doubled; killed {dict(killed)}; "
        f"attempts that failed meanwhile {dict(failed)}"
    )
