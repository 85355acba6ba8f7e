"""Becoming a mentor over HTTP: the form, the click in the mail, and what coordinators decide."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from gatehouse_chassis import Actor, ServiceContext
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import Guard, allow
from gatehouse_chassis.http.rate_limits import anonymous
from gatehouse_chassis.lists.listing import Page
from gatehouse_intake.access import COORDINATORS
from gatehouse_intake.application import queries
from gatehouse_intake.application.queries import APPLICATION, APPLICATIONS
from gatehouse_intake.application.rules import UNCONFIRMED_FOR
from gatehouse_intake.application.structs import Application, ConfirmLink, ConfirmToken
from gatehouse_intake.sign_up.structs import Received
from gatehouse_intake.tables import DB

PAGE = "/become-a-mentor/confirm"
"""Where the portal shows a link to its holder."""


class ApplicationController(Controller):
    path = "/applications"
    tags = ("applications",)

    @post(
        "/confirm",
        operation_id="ConfirmApplication",
        guards=[anonymous(per_minute=30, at_once=20)],
        status_code=200,
        summary="Say that an application is one's own, by the link in the mail",
    )
    async def confirm(self, data: ConfirmToken) -> Received:
        await queries.confirm(data.token, await DB.now())
        return Received(received=True)

    @get(
        operation_id="ListApplications",
        operation_class=APPLICATIONS.operation,
        guards=[allow(*COORDINATORS)],
        summary="Who wants to be a mentor",
    )
    async def list_applications(self, request: Request[Any, Any, Any]) -> Page[Application]:
        return await APPLICATIONS.page(request.query_params)

    @get("/{id:uuid}", operation_id="GetApplication", guards=[allow(*COORDINATORS)], summary="One application")
    async def get_application(self, request: Request[Any, Any, Any], id: UUID) -> Response[Application]:
        return versioned(await APPLICATION.get(id), request)

    @post(
        "/{id:uuid}/accept",
        operation_id="AcceptApplication",
        guards=[allow(*COORDINATORS)],
        status_code=200,
        summary="Make the applicant a mentor, with their first sign-in",
    )
    async def accept(self, id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[Application]:
        return versioned(await queries.decide(id, required_version(if_match), "accepted", actor))

    @post(
        "/{id:uuid}/decline",
        operation_id="DeclineApplication",
        guards=[allow(*COORDINATORS)],
        status_code=200,
        summary="Decide against an application; nothing is sent",
    )
    async def decline(self, id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[Application]:
        return versioned(await queries.decide(id, required_version(if_match), "declined", actor))

    @post(
        "/{id:uuid}/retry",
        operation_id="RetryAdmission",
        guards=[allow(*COORDINATORS)],
        status_code=200,
        summary="Have an admission go on that couldn't",
    )
    async def retry(self, id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[Application]:
        return versioned(await queries.admit_again(id, required_version(if_match), actor))


def link_route(guard: Guard) -> HTTPRouteHandler:
    """POST /applications/ID/link, for who passes `guard`: the service that sends mails, never people."""

    @post(
        "/applications/{id:uuid}/link",
        operation_id="IssueConfirmLink",
        guards=[guard],
        status_code=200,
        summary="A new link to confirm an application, and whom to send it to; the previous one no longer works",
        tags=["applications"],
    )
    async def issue_link(id: UUID, service: ServiceContext) -> Response[ConfirmLink]:
        token, row = await queries.new_link(id)
        link = ConfirmLink(
            name=row.name,
            email=row.email,
            url=f"{service.public_url}{PAGE}/{token}",
            expires_at=row.state_changed_at + UNCONFIRMED_FOR,
        )
        return Response(link, headers={"Cache-Control": "no-store"})

    return issue_link
