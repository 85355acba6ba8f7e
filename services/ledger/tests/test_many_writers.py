"""Twenty writers at once, whose connections and processes are killed: the books balance all the same."""

import asyncio
import contextlib
import random
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import pytest

from .conftest import API
from .writer import random_postings

WRITERS = 20
WRONG = """
select 'fund ' || fund_id from ledger.posting group by fund_id, currency having sum(amount) <> 0
union all select 'entry ' || entry_id from ledger.posting group by entry_id, fund_id, currency having sum(amount) <> 0
union all select 'lines of ' || e.id from ledger.journal_entry e
where e.lines <> (select count(*) from ledger.posting p where p.entry_id = e.id)
"""
KILL = """
select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1 and datname = $2
order by random() limit 2
"""


@pytest.mark.parametrize(("entries", "kills"), [(40, 1), pytest.param(1_000, 20, marks=pytest.mark.deep)])
async def test_broken_connections_leave_nothing_half_done(ledger, by, sql, database_url, entries, kills):
    before = await sql.fetchval("select count(*) from ledger.journal_entry")
    headers, chance, todo = by("finance"), random.Random(entries), iter(range(entries))
    posted, unknown = [], 0

    async def writer() -> None:
        nonlocal unknown
        for _ in todo:
            body = {"booked_on": f"2044-{chance.randint(1, 12):02}-11", "memo": "At once"}
            body["postings"] = msgspec.to_builtins(random_postings(chance))
            answer = await ledger.post(f"{API}/entries", headers=headers, json=body)
            assert answer.status_code in (201, 503), answer.text
            if answer.status_code == 201:
                posted.append(UUID(answer.json()["id"]))
            else:
                unknown += 1

    async def killer() -> None:
        admin = await asyncpg.connect(database_url)
        for number in range(kills):
            while len(posted) < number * entries // (kills + 1):
                await asyncio.sleep(0.005)
            await admin.fetch(KILL, "ledger", database_url.rpartition("/")[2].partition("?")[0])
            assert await admin.fetch(WRONG) == []
        await admin.close()

    async with asyncio.timeout(600):
        await asyncio.gather(killer(), *(writer() for _ in range(WRITERS)))
    assert len(posted) >= entries // 2
    found = await sql.fetch("select id from ledger.journal_entry where id = any($1)", posted)
    assert len(found) == len(posted)
    after = await sql.fetchval("select count(*) from ledger.journal_entry")
    assert len(posted) <= after - before <= len(posted) + unknown
    assert await sql.fetch(WRONG) == []


@pytest.mark.deep
async def test_killed_writers_leave_nothing_half_done(service_url, sql, tmp_path):
    """10,000 postings by 20 processes, each of which is killed and begun again."""
    before = await sql.fetchval("select count(*) from ledger.posting")
    chance = random.Random(20)
    running: dict[int, subprocess.Popen[bytes]] = {}
    seed = 0

    def begin(place: int) -> None:
        nonlocal seed
        seed += 1
        with (tmp_path / f"{seed}.txt").open("wb") as out:
            command = [sys.executable, "-m", "tests.writer", service_url, str(seed)]
            running[place] = subprocess.Popen(command, stdout=out, cwd=Path(__file__).parents[1])

    try:
        for place in range(WRITERS):
            begin(place)
        async with asyncio.timeout(600):
            while await sql.fetchval("select count(*) from ledger.posting") - before < 10_000:
                await asyncio.sleep(chance.uniform(0.05, 0.3))
                place = chance.randrange(WRITERS)
                running[place].kill()
                running[place].wait()
                begin(place)
                assert await sql.fetch(WRONG) == []
    finally:
        for process in running.values():
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()
    told = [UUID(line) for file in tmp_path.glob("*.txt") for line in file.read_text().splitlines() if len(line) == 36]
    found = await sql.fetch("select id from ledger.journal_entry where id = any($1)", told)
    assert len(found) == len(told) > 1_000
    assert await sql.fetch(WRONG) == []
