"""On the home page: for finance the lines to reconcile and what closes next; for the board what waits to be closed."""

import asyncio
from typing import Any

from litestar import Request

from gatehouse_chassis.base.actor import Actor
from gatehouse_portal.areas.finance.bank_structs import ImportedStatement, Reconciliation
from gatehouse_portal.areas.finance.gift_structs import ListedGift
from gatehouse_portal.areas.finance.structs import AccountingPeriod
from gatehouse_portal.shell.peers import Peers, or_none
from gatehouse_portal.shell.structs import Page

FEW = 3


async def load(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    if actor.roles.isdisjoint({"finance", "board"}):
        return None
    peers: Peers = request.app.state.peers
    banks, closing = await asyncio.gather(
        peers.get("ledger", "/api/ledger/reconciliations", list[Reconciliation]),
        unclosed(peers),
    )
    quarantined: list[ImportedStatement] = []
    thanks: Page[ListedGift] | None = None
    if "finance" in actor.roles:
        found, thanks = await asyncio.gather(
            peers.get("ledger", "/api/ledger/statements", Page[ImportedStatement], state="quarantined", limit=FEW),
            or_none(
                peers.get(
                    "ledger",
                    "/api/ledger/gifts",
                    Page[ListedGift],
                    receipted="false",
                    sort="day",
                    limit=FEW,
                    total="true",
                )
            ),
        )
        quarantined = found.items
    return {
        "banks": banks,
        "open_lines": sum(bank.open_lines for bank in banks),
        "months": closing[:FEW],
        "quarantined": quarantined,
        "thanks": thanks,
        "finance": "finance" in actor.roles,
        "account": actor.account,
    }


async def unclosed(peers: Peers) -> list[AccountingPeriod]:
    """The months that aren't closed yet, the earliest first."""
    found = await peers.get(
        "ledger", "/api/ledger/periods", Page[AccountingPeriod], state=["open", "closing"], sort="month", limit=40
    )
    return found.items
