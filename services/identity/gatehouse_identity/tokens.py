"""The claims of an access token, for people and for services. signing_key/ signs it, the chassis checks it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from gatehouse_chassis.http.auth import AUDIENCE, ISSUER, TOKEN_SECONDS

# A change voids the tokens issued before its transaction began and, because others don't see it until it has ended, in
# the two seconds after. A token that already says what changed is dated after those (account/, service_client/).
SETTLING = timedelta(seconds=2)


def person_claims(
    account: UUID,
    person: UUID | None,
    name: str,
    roles: Sequence[str],
    session: UUID,
    *,
    signed_in_at: datetime,
    issued_at: datetime,
) -> dict[str, Any]:
    """`signed_in_at`: when the person proved who they are (`auth_time` of OpenID Connect Core 1.0, section 2)."""
    claims = _claims(account, name, roles, "person", issued_at)
    claims |= {"sid": str(session), "auth_time": round(signed_in_at.timestamp(), 3)}
    return claims | {"person": str(person)} if person else claims


def service_claims(client: UUID, name: str, roles: Sequence[str], issued_at: datetime) -> dict[str, Any]:
    return _claims(client, name, roles, "service", issued_at)


def _claims(subject: UUID, name: str, roles: Sequence[str], kind: str, issued_at: datetime) -> dict[str, Any]:
    # By the database's clock, to the millisecond: what revokes it is dated by the same.
    now = round(issued_at.timestamp(), 3)
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(subject),
        "name": name,
        "roles": sorted(roles),
        "kind": kind,
        "iat": now,
        "exp": round(now + TOKEN_SECONDS, 3),
        "jti": str(uuid7()),
    }
