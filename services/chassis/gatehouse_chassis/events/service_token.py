"""What a service shows another one when nobody's request is behind the call: a token that it signs itself.

Signed (HS256) with a key that the platform gives to those services only that follow events or are followed, made for
one target, and good for a minute. It needs no identity: who follows whom makes no start order. To change the key, pass
the new one, a space and the former one: the first signs, both verify.
"""

import time

import jwt
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from uuid_utils.compat import NAMESPACE_URL, uuid5

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Unauthenticated, Unavailable
from gatehouse_chassis.http.guards import Guard, guard

ALGORITHM = "HS256"
SECONDS = 60
CLOCK_SKEW = 5
SHORTEST_KEY = 32


def sign(keys: str, *, by: str, to: str) -> str:
    """A token of service `by` for service `to`. Raises Unavailable where the service was given no key."""
    if not keys.strip():
        raise Unavailable("This service has no key to sign with: GATEHOUSE_PEER_KEY isn't set.")
    now = int(time.time())
    claims = {"iss": by, "aud": to, "iat": now, "exp": now + SECONDS}
    return jwt.encode(claims, keys.split(maxsplit=1)[0], algorithm=ALGORITHM)


def caller(keys: str, token: str, *, to: str) -> str:
    """The name of the service that signed `token` for `to`. Raises Unauthenticated."""
    for key in keys.split():
        if len(key) < SHORTEST_KEY:
            continue
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=to,
                leeway=CLOCK_SKEW,
                options={"require": ["exp", "iat", "iss", "aud"]},
            )
        except jwt.InvalidTokenError:
            continue
        if claims["exp"] - claims["iat"] <= SECONDS:
            return str(claims["iss"])
    raise Unauthenticated("Only another service of the platform reads this, with a token that it signs itself.")


def other_services(keys: str, *, to: str) -> Guard:
    """Lets other services of the platform through, nobody else whatever their roles."""

    @guard("other services")
    async def by_service_token(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
        sent = next((value for name, value in connection.scope["headers"] if name == b"authorization"), b"")
        name = caller(keys, sent.decode("latin-1").partition(" ")[2], to=to)
        account = uuid5(NAMESPACE_URL, f"gatehouse:service:{name}")
        connection.scope["auth"] = Actor(account=account, name=name, kind="service")

    return by_service_token
