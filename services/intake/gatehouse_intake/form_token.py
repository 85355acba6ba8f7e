"""Forms for strangers carry a token: when the page was shown, and a number of its own, signed.

It makes a form that is sent twice one sign-up, and tells programs that answer faster than people read.
"""

import hmac
import secrets
from datetime import UTC, datetime, timedelta

from gatehouse_catalog.errors import CatalogError, Problem
from gatehouse_chassis import ServiceContext
from gatehouse_chassis.base.problems import Invalid

SHORTEST_SECRET = 32
QUICKEST = timedelta(seconds=3)
"""Nobody reads the form and fills it in faster."""
LONGEST = timedelta(hours=24)
STALE = "was open for too long; send it again"
TOO_QUICK = "came too quickly; wait a moment, then send it again"


class FormTokens:
    """Issues and reads them. Several secrets, separated by a space: the first signs, all are read."""

    def __init__(self, secret: str) -> None:
        self._keys = [word.encode() for word in secret.split()]

    def issue(self, now: datetime) -> str:
        body = f"{int(now.timestamp())}.{secrets.token_urlsafe(16)}"
        return f"{body}.{self._signed(self._keys[0], body)}"

    def read(self, token: str, now: datetime, quickest: timedelta = QUICKEST, said: str = TOO_QUICK) -> str:
        """The form's own number. Raises Invalid for a foreign token, and for one that is too new or too old.

        `said`: of one that is newer than `quickest`.
        """
        body = self.refuse_foreign(token)
        seconds, _, number = body.partition(".")
        age = now - datetime.fromtimestamp(int(seconds), UTC)
        if age > LONGEST:
            raise Invalid({"form": STALE})
        if age < quickest:
            raise Invalid({"form": said})
        return number

    def refuse_foreign(self, token: str) -> str:
        """What is signed. Raises Invalid for a token that isn't ours."""
        body, _, signature = token.rpartition(".")
        if not any(hmac.compare_digest(self._signed(key, body).encode(), signature.encode()) for key in self._keys):
            raise Invalid({"form": STALE})
        return body

    @staticmethod
    def _signed(key: bytes, body: str) -> str:
        return hmac.digest(key, b"form\x00" + body.encode(), "sha256").hex()


def form_tokens(service: ServiceContext) -> FormTokens:
    """Raises CatalogError where form_secret is missing or too short."""
    secret = service.settings.text("form_secret")
    if not secret and service.database_url is None:
        secret = secrets.token_urlsafe(32)  # made for its documents only
    if min(map(len, secret.split()), default=0) < SHORTEST_SECRET:
        problem = Problem(
            file="environment",
            key="GATEHOUSE_SECRET_FORM_SECRET",
            message="is too short to sign forms with." if secret else "is not set.",
            fix=f"Pass at least {SHORTEST_SECRET} random characters, such as the output of: openssl rand -base64 32",
        )
        raise CatalogError([problem])
    return FormTokens(secret)
