"""Receipts over HTTP: for finance all of them, for donors by their link their own."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.params import QueryParameter
from litestar.types import ControllerRouterHandler

from gatehouse_chassis import Actor, ServiceContext
from gatehouse_chassis.base.problems import Invalid
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import Guard, allow
from gatehouse_chassis.http.rate_limits import anonymous
from gatehouse_chassis.lists.listing import Page
from gatehouse_ledger.access import FINANCE
from gatehouse_ledger.document.files import PDF, UNCACHED, pdf
from gatehouse_ledger.document.rules import issuer
from gatehouse_ledger.receipt import donor_links, queries
from gatehouse_ledger.receipt.structs import (
    DonorReceipts,
    IssuedDonorLink,
    ListedReceipt,
    NewAnnualStatement,
    Receipt,
    ReceiptMail,
    ReceiptVoiding,
    ShownLink,
    StatementsIssued,
    YearEnd,
)

OfYear = Annotated[int, QueryParameter(ge=2000, le=2199, description="Such as 2026")]
strangers = anonymous(per_minute=30, at_once=20)


class ReceiptController(Controller):
    path = "/receipts"
    tags = ("gifts",)

    @get(
        operation_id="ListReceipts",
        operation_class=queries.RECEIPTS.operation,
        guards=[allow(*FINANCE)],
        summary="Receipts, void and replaced ones too",
    )
    async def list_receipts(self, request: Request[Any, Any, Any]) -> Page[ListedReceipt]:
        return await queries.RECEIPTS.page(request.query_params)

    @get("/{receipt_id:uuid}", operation_id="GetReceipt", guards=[allow(*FINANCE)], summary="One receipt")
    async def get_receipt(self, request: Request[Any, Any, Any], receipt_id: UUID) -> Response[Receipt]:
        return versioned(await queries.RECEIPT.get(receipt_id), request)

    @get(
        "/{receipt_id:uuid}/file",
        operation_id="GetReceiptFile",
        guards=[allow(*FINANCE)],
        media_type=PDF,
        summary="The PDF of a receipt, always the same bytes",
    )
    async def get_receipt_file(self, receipt_id: UUID) -> Response[bytes]:
        content = await queries.file_of(receipt_id)
        return pdf(content, f"receipt-{(await queries.RECEIPT.get(receipt_id)).number}")

    @post(
        "/of-gifts/{gift_id:uuid}",
        operation_id="IssueReceipt",
        guards=[allow(*FINANCE)],
        status_code=200,
        summary="Acknowledge one gift; the donor gets a mail",
    )
    async def issue_receipt(self, gift_id: UUID, actor: Actor, service: ServiceContext) -> Response[Receipt]:
        return versioned(await queries.issue_single(gift_id, issuer(service.settings), actor))

    @post(
        "/annual",
        operation_id="IssueAnnualStatement",
        guards=[allow(*FINANCE)],
        status_code=200,
        summary="Acknowledge a donor's gifts of a year; the donor gets a mail",
    )
    async def issue_annual(self, data: NewAnnualStatement, actor: Actor, service: ServiceContext) -> Response[Receipt]:
        issued = await queries.issue_annual(data.donor_id, data.year, issuer(service.settings), actor)
        return versioned(issued)

    @post(
        "/{receipt_id:uuid}/replace",
        operation_id="ReplaceReceipt",
        guards=[allow(*FINANCE)],
        status_code=200,
        summary="Issue a receipt anew, as its gifts are now; this one is no longer valid",
    )
    async def replace_receipt(
        self, receipt_id: UUID, actor: Actor, service: ServiceContext, if_match: IfMatch = None
    ) -> Response[Receipt]:
        version = required_version(if_match)
        return versioned(await queries.replace(receipt_id, version, issuer(service.settings), actor))

    @post(
        "/{receipt_id:uuid}/void",
        operation_id="VoidReceipt",
        guards=[allow(*FINANCE)],
        status_code=200,
        summary="Withdraw a receipt; its number stays",
    )
    async def void_receipt(
        self, receipt_id: UUID, data: ReceiptVoiding, actor: Actor, if_match: IfMatch = None
    ) -> Response[Receipt]:
        return versioned(await queries.void(receipt_id, required_version(if_match), data, actor))


class AnnualStatementController(Controller):
    path = "/annual-statements"
    tags = ("gifts",)

    @get(
        operation_id="GetReceiptsOfYear",
        guards=[allow(*FINANCE)],
        summary="Who gets an annual statement: ready, without an address, changed since",
    )
    async def year_end(self, year: OfYear) -> YearEnd:
        return await queries.year_end(year)

    @post(
        operation_id="IssueAnnualStatements",
        guards=[allow(*FINANCE)],
        status_code=200,
        summary="Issue the annual statements of all donors who are ready",
    )
    async def issue_all(self, year: OfYear, actor: Actor, service: ServiceContext) -> StatementsIssued:
        return await queries.issue_all(year, issuer(service.settings), actor)


class DonorLinkController(Controller):
    """For whoever holds a donor's link. The token goes in the body: addresses are logged."""

    path = "/donor-links"
    tags = ("gifts",)

    @post(
        "/of-donors/{donor_id:uuid}",
        operation_id="IssueDonorLink",
        guards=[allow(*FINANCE)],
        status_code=200,
        summary="A link by which a donor reads their own receipts for some weeks; it is shown once",
    )
    async def issue_link(self, donor_id: UUID, service: ServiceContext) -> Response[IssuedDonorLink]:
        days = service.settings.integer("donor_link_days")
        return Response(await donor_links.link_for(donor_id, service.public_url, days), headers=UNCACHED)

    @post(
        "/look",
        operation_id="LookAtDonorLink",
        guards=[strangers],
        status_code=200,
        summary="The valid receipts of the donor whose link it is",
    )
    async def look(self, data: ShownLink, service: ServiceContext) -> Response[DonorReceipts]:
        return Response(await donor_links.shown(data.token, issuer(service.settings)), headers=UNCACHED)

    @post(
        "/file",
        operation_id="GetReceiptFileByLink",
        guards=[strangers],
        status_code=200,
        media_type=PDF,
        summary="The PDF of one of them",
    )
    async def file(self, data: ShownLink) -> Response[bytes]:
        if data.receipt_id is None:
            raise Invalid({"receipt_id": "say which receipt"})
        return pdf(await donor_links.shown_file(data.token, data.receipt_id), "receipt")


def service_routes(guard: Guard) -> list[ControllerRouterHandler]:
    """What communication asks, who passes `guard`: never people."""

    @post(
        "/receipts/{receipt_id:uuid}/mail",
        operation_id="GetReceiptMail",
        guards=[guard],
        status_code=200,
        tags=["gifts"],
        summary="Where a receipt is mailed to, with a new link for the donor",
    )
    async def receipt_mail(receipt_id: UUID, service: ServiceContext) -> Response[ReceiptMail]:
        days = service.settings.integer("donor_link_days")
        return Response(await donor_links.mail_of(receipt_id, service.public_url, days), headers=UNCACHED)

    return [receipt_mail]
