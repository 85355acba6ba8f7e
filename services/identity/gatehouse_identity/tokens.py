"""The claims of an access token, for people and for services. signing_key/ signs it, the chassis checks it."""

import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from gatehouse_chassis.http.auth import AUDIENCE, ISSUER

TOKEN_SECONDS = 600


def person_claims(account: UUID, person: UUID | None, name: str, roles: Sequence[str], session: UUID) -> dict[str, Any]:
    claims = _claims(account, name, roles, "person") | {"sid": str(session)}
    return claims | {"person": str(person)} if person else claims


def service_claims(client: UUID, name: str, roles: Sequence[str]) -> dict[str, Any]:
    return _claims(client, name, roles, "service")


def _claims(subject: UUID, name: str, roles: Sequence[str], kind: str) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(subject),
        "name": name,
        "roles": sorted(roles),
        "kind": kind,
        "iat": now,
        "exp": now + TOKEN_SECONDS,
        "jti": str(uuid7()),
    }
