"""Guards of pages: who is signed in comes from the session cookie, and forms are checked before anything else.

Besides saying yes or no they leave what a page needs: `scope["auth"]` (the Actor, from identity's own signed token),
the session, and the token in the request's context, so that calls to services are made as this person.
"""

import contextlib
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from gatehouse_chassis.base import context
from gatehouse_chassis.base.actor import OPERATOR_ROLES, Actor
from gatehouse_chassis.base.problems import Forbidden, NotFound, Unauthenticated, Unavailable
from gatehouse_chassis.http.guards import SAFE_METHODS, Guard, guard
from gatehouse_portal.shell.forms import check_form
from gatehouse_portal.shell.sessions import COOKIE, PortalSession, SessionStore

VISITOR_COOKIE = "gatehouse_visitor"


@guard("anyone")
async def visitor(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
    """Anyone; known when signed in, but never turned away."""
    with contextlib.suppress(Unauthenticated, Unavailable):
        await recognize(connection)
    await _checked(connection)


@guard("anyone signed in")
async def person(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
    """Anyone with a session; others are sent to the sign-in page."""
    if await recognize(connection) is None:
        raise Unauthenticated("Sign in to see this page.")
    await _checked(connection)


def pages_for(*roles: str) -> Guard:
    """Those who have one of `roles`. For others the page doesn't exist."""

    @guard(" or ".join(sorted(roles)))
    async def by_role(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
        actor = await recognize(connection)
        if actor is None:
            raise Unauthenticated("Sign in to see this page.")
        if not actor.has(*roles):
            if connection.scope.get("method") in SAFE_METHODS:
                raise NotFound
            raise Forbidden("Your roles don't allow this.")
        await _checked(connection)

    return by_role


operators = pages_for(*OPERATOR_ROLES)


def session_of(request: ASGIConnection[Any, Any, Any, Any]) -> PortalSession | None:
    """The session that a guard found."""
    return request.state.get("session")


def form_cookie(request: ASGIConnection[Any, Any, Any, Any]) -> str | None:
    """The cookie that forms are bound to: the session's, or before signing in the visitor's."""
    session = session_of(request)
    return session.cookie if session else request.cookies.get(VISITOR_COOKIE)


async def recognize(connection: ASGIConnection[Any, Any, Any, Any]) -> Actor | None:
    """Who the session cookie belongs to, made known to everything that handles the request; None without a session."""
    sessions: SessionStore = connection.app.state.sessions
    session = await sessions.find(connection.cookies.get(COOKIE))
    if session is None:
        return None
    authenticator = connection.app.state.authenticator
    try:
        actor = await authenticator.actor(f"Bearer {session.access_token}")
    except Unauthenticated:
        session = await sessions.renewed(session)
        if session is None:
            return None
        actor = await authenticator.actor(f"Bearer {session.access_token}")
    connection.scope["auth"] = actor
    connection.state["session"] = session
    current = context.current.get()
    if current is not None:
        current.token = session.access_token
    return actor


async def _checked(connection: ASGIConnection) -> None:
    if connection.scope.get("method") in SAFE_METHODS:
        return
    assert isinstance(connection, Request)
    await check_form(
        connection,
        key=connection.app.state.sessions.form_key,
        cookie=form_cookie(connection),
        public_url=connection.app.state.service.public_url,
    )
