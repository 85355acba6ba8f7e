"""Fifty issuers in five processes that are killed: no number is missing, none is given twice, none is lost."""

import asyncio
import contextlib
import random
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from .test_routes import WITHOUT_A_GAP, donor, gift

PROCESSES, GIFTS = 5, 60
COUNT = "select count(*) from ledger.receipt where donor_id = $1"
TWICE = (
    "select gift from (select unnest(gift_ids) as gift from ledger.receipt where state = 'issued') one "
    "group by gift having count(*) > 1"
)


@pytest.mark.deep
async def test_killed_issuers_leave_no_gap(ledger, by, sql, service_url, tmp_path):
    of = UUID(await donor(ledger, by, name="Killed at once"))
    todo = [(await gift(ledger, by, str(of), 100 + number))["id"] for number in range(GIFTS)]
    chance, begun, kills = random.Random(50), 0, 0
    running: dict[int, subprocess.Popen[bytes]] = {}

    def begin(place: int) -> None:
        nonlocal begun
        begun += 1
        chance.shuffle(todo)
        with (tmp_path / f"{begun}.txt").open("wb") as out:
            command = [sys.executable, "-m", "tests.issuer", service_url, *todo]
            running[place] = subprocess.Popen(command, stdout=out, cwd=Path(__file__).parents[2])

    try:
        for place in range(PROCESSES):
            begin(place)
        async with asyncio.timeout(600):
            issued, at = 0, 10
            while issued < GIFTS:
                issued = await sql.fetchval(COUNT, of)
                assert await sql.fetch(WITHOUT_A_GAP) == []
                ended = [place for place, process in running.items() if process.poll() is not None]
                if issued >= at and kills < 12:
                    place, at = chance.randrange(PROCESSES), issued + 8
                    running[place].kill()
                    running[place].wait()
                    kills += 1
                    ended.append(place)
                for place in set(ended) if issued < GIFTS else ():
                    begin(place)
    finally:
        for process in running.values():
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()
    assert kills >= 3
    told = [UUID(line) for file in tmp_path.glob("*.txt") for line in file.read_text().splitlines() if len(line) == 36]
    assert len(await sql.fetch("select from ledger.receipt where id = any($1)", told)) == len(told)
    assert await sql.fetchval(COUNT, of) == GIFTS
    assert await sql.fetch(WITHOUT_A_GAP) == []
    assert await sql.fetch(TWICE) == []
