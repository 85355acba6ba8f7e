"""All SQL about donors' links: good for some weeks, unguessable, and kept as a digest only."""

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid7

from gatehouse_chassis.base.problems import Conflict, NotFound
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_ledger import tables
from gatehouse_ledger.document.rules import Issuer
from gatehouse_ledger.donor.queries import DONOR
from gatehouse_ledger.receipt import structs
from gatehouse_ledger.receipt.queries import RECEIPT, file_of
from gatehouse_ledger.tables import DB

PAGE = "/receipts"
"""Where the portal shows a link to its holder."""
NO_LINK = "This link is no longer good. Ask us for another, or answer the mail that it came with."
_valid_receipts = DB.prepare(
    tables.Receipt.select(*columns_for(structs.Receipt, tables.Receipt))
    .where((tables.Receipt.donor_id == arg(1)) & (tables.Receipt.state == "issued"))
    .order_by(tables.Receipt.issued_at, ascending=False),
    structs.Receipt,
)


class HeldLink(msgspec.Struct, frozen=True):
    """A link as its row has it."""

    id: UUID
    version: int
    donor_id: UUID
    expires_at: datetime


_of_token = DB.prepare(
    tables.DonorLink.select(*columns_for(HeldLink, tables.DonorLink)).where(tables.DonorLink.token_hash == arg(1)),
    HeldLink,
)
_add = DB.prepare(
    InsertOf(
        {
            tables.DonorLink.id: arg(1),
            tables.DonorLink.donor_id: arg(2),
            tables.DonorLink.token_hash: arg(3),
            tables.DonorLink.expires_at: arg(4),
        }
    )
)


async def new_link(donor_id: UUID, days: int) -> tuple[str, datetime]:
    token = secrets.token_urlsafe(32)
    until = await DB.now() + timedelta(days=days)
    await _add.execute(uuid7(), donor_id, _digest(token), until)
    return token, until


async def link_for(donor_id: UUID, public_url: str, days: int) -> structs.IssuedDonorLink:
    """Raises NotFound, or Conflict for a donor who isn't known."""
    donor = await DONOR.get(donor_id)
    if donor.kind == "anonymous":
        raise Conflict("This donor isn't known, so there is nobody to give a link to.")
    token, until = await new_link(donor.id, days)
    return structs.IssuedDonorLink(f"{public_url}{PAGE}/{token}", until)


async def shown(token: str, issuer: Issuer) -> structs.DonorReceipts:
    """Raises NotFound for a link that was never given, or has run out: nobody learns which."""
    link = await _held(token)
    donor = await DONOR.get(link.donor_id)
    receipts = [
        structs.DonorReceipt(one.id, one.number, one.kind, one.of_year, one.amount, one.issued_at)
        for one in await _valid_receipts.all(link.donor_id)
    ]
    return structs.DonorReceipts(donor.name, issuer.name, receipts, link.expires_at)


async def shown_file(token: str, receipt_id: UUID) -> bytes:
    link = await _held(token)
    receipt = await RECEIPT.find(receipt_id, where=("donor_id = {} and state = 'issued'", link.donor_id))
    if receipt is None:
        raise NotFound(NO_LINK)
    return await file_of(receipt_id)


async def mail_of(receipt_id: UUID, public_url: str, days: int) -> structs.ReceiptMail:
    """What a receipt's mail says. Each time a new link, so that no link is kept anywhere."""
    receipt = await RECEIPT.get(receipt_id)
    donor = await DONOR.get(receipt.donor_id)
    token, until = await new_link(donor.id, days)
    return structs.ReceiptMail(
        name=donor.name,
        email=donor.email if donor.archived_at is None else None,
        number=receipt.number,
        kind=receipt.kind,
        of_year=receipt.of_year,
        valid=receipt.state == "issued",
        url=f"{public_url}{PAGE}/{token}",
        until=until,
    )


async def _held(token: str) -> HeldLink:
    link = await _of_token.one(_digest(token))
    if link is None or link.expires_at <= await DB.now():
        raise NotFound(NO_LINK)
    return link


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
