"""Where a donor's link leads: their own receipts, for whoever holds it.

Opening it uses nothing: mail programs follow links by themselves.
"""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.problems import Invalid, NotFound
from gatehouse_chassis.http.rate_limits import anonymous
from gatehouse_portal.areas.finance.files import pdf_of
from gatehouse_portal.areas.finance.gift_structs import DonorReceipts
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers

strangers = anonymous(per_minute=30, at_once=20)


@get("/receipts/{token:str}", guards=[guards.visitor, strangers], include_in_schema=False)
async def donor_receipts(request: Request[Any, Any, Any], peers: Peers, token: str) -> Response[Any]:
    try:
        found = await peers.ask(
            "ledger", "POST", "/api/ledger/donor-links/look", DonorReceipts, json={"token": token}, token=""
        )
    except (NotFound, Invalid):
        return page(request, "finance/donor_receipts.html", status=404, found=None, link="")
    answer = page(request, "finance/donor_receipts.html", found=found, link=token)
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@get("/receipts/{token:str}/{receipt_id:uuid}", guards=[guards.visitor, strangers], include_in_schema=False)
async def donor_file(peers: Peers, token: str, receipt_id: UUID) -> Response[bytes]:
    body = {"token": token, "receipt_id": str(receipt_id)}
    try:
        return await pdf_of(peers, "POST", "/api/ledger/donor-links/file", json=body, token="")
    except Invalid:
        raise NotFound from None


ROUTES: tuple[ControllerRouterHandler, ...] = (donor_receipts, donor_file)
