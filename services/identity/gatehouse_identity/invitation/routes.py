"""Invitations over HTTP: letting somebody sign in for the first time, by a link that is good once."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import State
from litestar.types import ControllerRouterHandler

from gatehouse_chassis import Actor, ServiceContext
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import Guard, allow, public, recently
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.http.rate_limits import anonymous
from gatehouse_chassis.lists.listing import Page
from gatehouse_identity.invitation import queries
from gatehouse_identity.invitation.queries import INVITATION, INVITATIONS
from gatehouse_identity.invitation.structs import (
    Invitation,
    InvitationOfPerson,
    InvitationShown,
    IssuedLink,
    NewInvitation,
    ShownToken,
)
from gatehouse_identity.persona.routes import only_local
from gatehouse_identity.responses import not_found, uncached
from gatehouse_identity.session.structs import SessionTokens
from gatehouse_identity.tables import DB

PAGE = "/welcome"
"""Where the portal shows a link to its holder."""
NO_INVITATION = not_found("There is no such invitation; a newer link may have replaced it")
coordinators = allow("coordinator", "admin")
strangers = anonymous(per_minute=30, at_once=20)


class InvitationController(Controller):
    path = "/invitations"
    tags = ("invitations",)

    @get(
        operation_id="ListInvitations",
        summary="Who was invited",
        guards=[coordinators],
        operation_class=INVITATIONS.operation,
    )
    async def list_invitations(self, request: Request[Any, Any, Any]) -> Page[Invitation]:
        return await INVITATIONS.page(request.query_params)

    @post(
        operation_id="Invite",
        summary="Invite a person: they get a mail with a one-time link, and the roles with their first sign-in",
        guards=[recently(coordinators)],
    )
    async def invite(self, data: NewInvitation, actor: Actor, once: Once) -> Response[Invitation]:
        return await once(queries.invite, data, actor)

    @get("/{id:uuid}", operation_id="GetInvitation", summary="An invitation", guards=[coordinators])
    async def get_invitation(self, request: Request[Any, Any, Any], id: UUID) -> Response[Invitation]:
        return versioned(await INVITATION.get(id), request)

    @post(
        "/{id:uuid}/send-again",
        operation_id="SendInvitationAgain",
        summary="Send an invitation again, with a new link; the previous one no longer works",
        guards=[coordinators],
        status_code=200,
    )
    async def send_again(self, id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[Invitation]:
        return versioned(await queries.send_again(id, required_version(if_match), actor))

    @post(
        "/{id:uuid}/withdraw",
        operation_id="WithdrawInvitation",
        summary="Make an invitation worthless",
        guards=[coordinators],
        status_code=200,
    )
    async def withdraw(self, id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[Invitation]:
        return versioned(await queries.withdraw(id, required_version(if_match), actor))

    @post(
        "/look",
        operation_id="LookAtInvitation",
        summary="Whom a one-time link is for, and whether it is still good; looking doesn't use it",
        guards=[strangers],
        status_code=200,
        responses=NO_INVITATION,
    )
    async def look(self, data: ShownToken) -> Response[InvitationShown]:
        return uncached(await queries.shown(data.token))

    @post(
        "/sessions",
        operation_id="SignInByInvitation",
        summary="Use a one-time link without a provider, locally",
        guards=[only_local, public],
        status_code=201,
        responses=NO_INVITATION,
    )
    async def sign_in(self, data: ShownToken, state: State) -> Response[SessionTokens]:
        return uncached(await state.sign_ins.by_invitation_alone(data.token), status_code=201)


def service_routes(guard: Guard) -> list[ControllerRouterHandler]:
    """What other services ask, who pass `guard`: never people."""

    @post(
        "/invitations/of-people",
        operation_id="InvitePerson",
        summary="Invite a person, for another service of the platform; the same again changes nothing",
        guards=[guard],
        status_code=200,
        tags=["invitations"],
    )
    async def invite_person(data: NewInvitation) -> InvitationOfPerson:
        async with DB.transaction():
            return await queries.invite_for_service(data)

    @post(
        "/invitations/{id:uuid}/link",
        operation_id="IssueInvitationLink",
        summary="A new one-time link, for the service that sends it; the previous one no longer works",
        guards=[guard],
        status_code=200,
        tags=["invitations"],
    )
    async def issue_link(id: UUID, service: ServiceContext) -> Response[IssuedLink]:
        token, row = await queries.new_link(id, service.settings.integer("invitation_days"))
        assert row.expires_at is not None
        return uncached(IssuedLink(url=f"{service.public_url}{PAGE}/{token}", expires_at=row.expires_at))

    return [invite_person, issue_link]
