"""The claims of an access token, for people and for services. signing_key/ signs it, the chassis checks it.

A token is for one service. Signing in gives one for this service: its holder (the portal, a program) exchanges it for
those of other services, and shows it to none of them.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from gatehouse_chassis.http.auth import ISSUER, TOKEN_SECONDS, CheckedToken

# A change voids the tokens issued before its transaction began and, because others don't see it until it has ended, in
# the two seconds after. A token that already says what changed is dated after those (account/, service_client/).
SETTLING = timedelta(seconds=2)
OURS = "identity"


def person_claims(
    account: UUID,
    person: UUID | None,
    name: str,
    roles: Sequence[str],
    session: UUID,
    *,
    signed_in_at: datetime,
    issued_at: datetime,
    audience: str = OURS,
) -> dict[str, Any]:
    """`signed_in_at`: when the person proved who they are (`auth_time` of OpenID Connect Core 1.0, section 2)."""
    claims = _claims(account, name, roles, "person", issued_at, audience)
    claims |= {"sid": str(session), "auth_time": round(signed_in_at.timestamp(), 3)}
    return claims | {"person": str(person)} if person else claims


def service_claims(
    client: UUID, name: str, roles: Sequence[str], issued_at: datetime, audience: str = OURS
) -> dict[str, Any]:
    return _claims(client, name, roles, "service", issued_at, audience)


def exchanged_claims(subject: CheckedToken, audience: str, acting: str) -> dict[str, Any]:
    """What the subject's token says, for another service. It is as old, and ends as soon: what revokes the one revokes
    the other. `acting`: the service that asked (`act` of RFC 8693, section 4.1); empty where the holder did.
    """
    actor = subject.actor
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": audience,
        "sub": str(actor.account),
        "name": actor.name,
        "roles": sorted(actor.roles),
        "kind": actor.kind,
        "iat": subject.issued_at,
        "exp": actor.expires_at,
        "jti": str(uuid7()),
    }
    if actor.session is not None:
        claims |= {"sid": str(actor.session), "auth_time": actor.signed_in_at}
    if actor.person is not None:
        claims["person"] = str(actor.person)
    return claims | ({"act": {"sub": acting}} if acting else {})


def _claims(
    subject: UUID, name: str, roles: Sequence[str], kind: str, issued_at: datetime, audience: str
) -> dict[str, Any]:
    # By the database's clock, to the millisecond: what revokes it is dated by the same.
    now = round(issued_at.timestamp(), 3)
    return {
        "iss": ISSUER,
        "aud": audience,
        "sub": str(subject),
        "name": name,
        "roles": sorted(roles),
        "kind": kind,
        "iat": now,
        "exp": round(now + TOKEN_SECONDS, 3),
        "jti": str(uuid7()),
    }
