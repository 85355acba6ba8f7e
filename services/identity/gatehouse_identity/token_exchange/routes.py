"""A token for one service, in exchange for one for another (RFC 8693)."""

import time
from typing import Any

from litestar import Request, Response, post
from litestar.datastructures import State

from gatehouse_chassis import ServiceContext
from gatehouse_chassis.base.actor import EVERY_SERVICE
from gatehouse_chassis.base.problems import Forbidden, Unauthenticated
from gatehouse_chassis.events.service_token import caller
from gatehouse_chassis.http.rate_limits import anonymous
from gatehouse_identity.responses import unauthenticated, uncached
from gatehouse_identity.token_exchange.structs import TokenForService, TokenToExchange
from gatehouse_identity.tokens import OURS, exchanged_claims


@post(
    "/token/exchange",
    operation_id="ExchangeToken",
    summary="A token for one service, for one that another was shown (RFC 8693)",
    description="Whoever holds a token for identity gets one for any service. A service gets one for another service "
    "in exchange for a token that is for itself, and shows by `actor_token` that it is that service.",
    guards=[anonymous(per_minute=300, at_once=120)],
    tags=["sessions"],
    status_code=200,
    responses=unauthenticated("The token isn't valid, or isn't for whom asks"),
)
async def exchange_token(
    request: Request[Any, Any, Any], state: State, service: ServiceContext, data: TokenToExchange
) -> Response[TokenForService]:
    acting = caller(service.peer_key, data.actor_token, to=OURS) if data.actor_token else ""
    if acting and data.audience in (OURS, EVERY_SERVICE):
        # A token for identity is good for every service.
        raise Forbidden("A service gets no token for identity in exchange.")
    audiences = [acting] if acting else [OURS]
    subject = await state.authenticator.check(data.subject_token, audiences)
    if not acting and subject.acting:
        raise Unauthenticated("This token was exchanged before; its holder exchanges their own.")
    if data.audience == EVERY_SERVICE:
        raise Forbidden("A token is for one service.")
    # By the same key: when that is withdrawn, what was exchanged ends too.
    token = await state.key_ring.sign(exchanged_claims(subject, data.audience, acting), subject.key_id)
    return uncached(TokenForService(access_token=token, expires_in=max(0, int(subject.actor.expires_at - time.time()))))
