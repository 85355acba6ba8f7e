"""Sessions over HTTP: beginning one with a one-time code, refreshing, listing one's own, signing out."""

from uuid import UUID

from litestar import Controller, Response, delete, get, post
from litestar.datastructures import State

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.http.guards import signed_in
from gatehouse_chassis.http.rate_limits import anonymous
from gatehouse_identity.responses import unauthenticated, uncached
from gatehouse_identity.session import queries
from gatehouse_identity.session.structs import NewSession, Refresh, Session, SessionTokens

strangers = anonymous(per_minute=60, at_once=30)
NO_SESSION = "The token belongs to no session that is open."


class SessionController(Controller):
    path = "/sessions"
    tags = ("sessions",)

    @post(
        operation_id="CreateSession",
        summary="Begin a session with the one-time code of a sign-in",
        guards=[strangers],
        status_code=201,
        responses=unauthenticated("The account has been archived meanwhile"),
    )
    async def create(self, state: State, data: NewSession) -> Response[SessionTokens]:
        return uncached(await state.sign_ins.redeem(data.code, data.code_verifier), status_code=201)

    @post(
        "/refresh",
        operation_id="RefreshSession",
        summary="New tokens for a refresh token, which is replaced",
        description="A refresh token is used once. The same one again within the setting refresh_grace gets the same "
        "answer; later it means that someone has copied it, and ends the session.",
        guards=[strangers],
        status_code=200,
        responses=unauthenticated("The session has ended; sign in again"),
    )
    async def refresh(self, state: State, data: Refresh) -> Response[SessionTokens]:
        return uncached(await state.sessions.refresh(data.refresh_token))

    @get(operation_id="ListMySessions", summary="Where I am signed in", guards=[signed_in])
    async def list_mine(self, actor: Actor) -> list[Session]:
        return await queries.SESSIONS_MINE.all(actor.account)

    @delete(
        "/current",
        operation_id="SignOut",
        summary="End the session of this token",
        description="Every service refuses the access token within a minute.",
        guards=[signed_in],
        status_code=204,
    )
    async def sign_out(self, state: State, actor: Actor) -> None:
        if actor.session is None or not await state.sessions.end(actor.session, actor):
            raise NotFound(NO_SESSION)

    @delete(
        "/{id:uuid}", operation_id="EndSession", summary="End one of my sessions", guards=[signed_in], status_code=204
    )
    async def end(self, state: State, actor: Actor, id: UUID) -> None:
        if not await state.sessions.end(id, actor):
            raise NotFound(NO_SESSION)
