"""Issues receipts of the gifts that are named, several at once, until all are issued or it is killed.

Run by receipt/test_killed_issuers.py.
"""

import asyncio
import sys
from uuid import UUID

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict
from gatehouse_ledger.document.rules import Issuer
from gatehouse_ledger.receipt.queries import issue_single
from gatehouse_ledger.tables import DB

AT_ONCE = 10
ISSUER = Issuer("Agile Learning Institute", ["1 Gate St"], "00-0000000", "The Treasurer")


async def issue(url: str, gifts: list[UUID]) -> None:
    await DB.open(url, application_name="issuer", max_size=AT_ONCE)
    todo = iter(gifts)

    async def issuer() -> None:
        for gift in todo:
            try:
                receipt = await issue_single(gift, ISSUER, Actor(account=UUID(int=1)))
            except Conflict:
                continue  # another process was quicker
            sys.stdout.write(f"{receipt.id}\n")
            sys.stdout.flush()

    await asyncio.gather(*(issuer() for _ in range(AT_ONCE)))


if __name__ == "__main__":
    asyncio.run(issue(sys.argv[1], [UUID(one) for one in sys.argv[2:]]))
