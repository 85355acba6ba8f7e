"""Posts random entries until it is killed, and says the id of each that was committed. Run by test_many_writers.py."""

import asyncio
import random
import sys
from datetime import date
from uuid import UUID

from gatehouse_chassis import Actor
from gatehouse_ledger.entry.queries import post
from gatehouse_ledger.entry.structs import NewPosting
from gatehouse_ledger.tables import DB

ACCOUNTS = [UUID(f"019a0000-0040-7000-8000-{code:012d}") for code in (1010, 1020, 2010, 4010, 4030)]
FUNDS = [UUID(f"019a0000-0041-7000-8000-{number:012d}") for number in (1, 2, 3, 4)]


def random_postings(chance: random.Random) -> list[NewPosting]:
    """Two to six, which add up to zero in each fund."""
    made = []
    for fund in chance.sample(FUNDS, chance.randint(1, 2)):
        amounts = [chance.randint(1, 10**9) for _ in range(chance.randint(1, 2))]
        for amount in (*amounts, -sum(amounts)):
            made.append(NewPosting(account_id=chance.choice(ACCOUNTS), fund_id=fund, amount=amount))
    return made


async def write(url: str, seed: int) -> None:
    chance = random.Random(seed)
    by = Actor(account=UUID(int=seed))
    await DB.open(url, application_name="writer", max_size=1)
    while True:
        day = date(2045, chance.randint(1, 12), chance.randint(1, 28))
        async with DB.transaction():
            entry = await post(day, f"By writer {seed}", random_postings(chance), "manual", by)
        sys.stdout.write(f"{entry.id}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], int(sys.argv[2])))
