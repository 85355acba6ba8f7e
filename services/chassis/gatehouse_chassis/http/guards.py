"""Guards: every route says who may call it. An application with an unguarded route doesn't start.

A guard by role is enough where permission doesn't depend on the row. Where it does (my own curriculum, my member's),
the guard is `signed_in` and a rule checks the relationship, answering 404 for what the caller may not see.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from gatehouse_chassis.base.actor import OPERATOR_ROLES, Actor
from gatehouse_chassis.base.problems import Forbidden, NotFound, SignInTooOld

Guard = Callable[[ASGIConnection, BaseRouteHandler], Awaitable[None]]
SAFE_METHODS = frozenset({"GET", "HEAD"})
_MARK = "__gatehouse_guard__"
# Seconds that a sign-in is recent: what gives rights or changes what runs asks for one.
RECENT = 30 * 60


def guard(label: str) -> Callable[[Guard], Guard]:
    """Makes an async function (connection, handler) a guard; `label` says whom it lets through."""

    def mark(function: Guard) -> Guard:
        setattr(function, _MARK, label)
        return function

    return mark


def label_of(guard: Any) -> str | None:
    """Whom a guard lets through, for people to read; None for a function that isn't one of the chassis's guards."""
    return getattr(guard, _MARK, None)


@guard("anyone")
async def public(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
    """Anyone, signed in or not."""


@guard("anyone signed in")
async def signed_in(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
    """Anyone with a valid token; 401 otherwise."""
    await authenticated(connection)


def allow(*roles: str) -> Guard:
    """Those who have one of `roles` (admin has all). Others get 404 when reading and 403 when changing something."""
    if not roles:
        message = "allow() needs at least one role; use signed_in for everyone with a token"
        raise ValueError(message)

    @guard(" or ".join(sorted(roles)))
    async def by_role(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
        actor = await authenticated(connection)
        if actor.has(*roles):
            return
        if connection.scope.get("method") in SAFE_METHODS:
            raise NotFound
        raise Forbidden(f"This takes the role {' or '.join(sorted(roles))}.")

    return by_role


def is_recent(actor: Actor) -> bool:
    """Whether the caller signed in a short while ago. A service has no sign-in: its secret proves it each time."""
    return actor.kind == "service" or time.time() - actor.signed_in_at < RECENT


def recently(check: Guard) -> Guard:
    """Those whom `check` lets through and who signed in a short while ago; others of them get 401 with a challenge."""

    @guard(f"{label_of(check)}, signed in during the last {RECENT // 60} minutes")
    async def by_recent_sign_in(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
        await check(connection, handler)
        if not is_recent(await authenticated(connection)):
            raise SignInTooOld(RECENT)

    return by_recent_sign_in


operators = allow(*OPERATOR_ROLES)


async def authenticated(connection: ASGIConnection) -> Actor:
    """The caller, from the request's bearer token; checked once a request. Raises Unauthenticated."""
    actor = connection.scope.get("auth")
    if not isinstance(actor, Actor):
        authenticator = connection.app.state.authenticator
        # Not connection.headers: making that mapping costs more than all the rest here.
        sent = next((value for name, value in connection.scope["headers"] if name == b"authorization"), b"")
        actor = await authenticator.actor(sent.decode("latin-1"))
        connection.scope["auth"] = actor
    return actor


def authorizer(handler: BaseRouteHandler) -> Callable[[ASGIConnection], Awaitable[None]]:
    """Replaces `authorize_connection` of `handler`, and runs its guards without copying the handler for each.

    Litestar copies it in case a guard changes it, which takes 14 microseconds of a small request. These guards don't.
    """
    guards: tuple[Guard, ...] = cast(Any, tuple(handler.resolve_guards()))

    async def authorize(connection: ASGIConnection) -> None:
        for check in guards:
            await check(connection, handler)

    return authorize
