"""What ended while its access tokens may still live: sessions signed out, roles removed, accounts archived, clients
changed.

A token lives ten minutes, so what ended earlier needs no mention. Nothing is stored for it: it is read from the tables
that record the end. The JWKS carries it to every service (gatehouse_chassis.http.auth).
"""

import math
import time
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from piccolo.querystring import QueryString

from gatehouse_chassis.data.statements import arg
from gatehouse_chassis.http.auth import CLOCK_SKEW, TOKEN_SECONDS
from gatehouse_identity.tables import DB, Session
from gatehouse_identity.tokens import SETTLING

# With a minute for clocks that differ.
MENTIONED_FOR = timedelta(seconds=TOKEN_SECONDS + CLOCK_SKEW + 60)
READ_AGAIN_AFTER = 5.0


class Ended(msgspec.Struct, frozen=True):
    """An account or service client, and since when its older tokens are void."""

    id: UUID
    at: datetime


_SESSIONS = DB.prepare(
    Session.select(Session.id).where(Session.revoked_at > QueryString("now() - {}::interval", arg(1)))
)
# By hand: Piccolo has no union.
_SUBJECTS = DB.prepare_sql(
    "select id, max(at) as at from (select account_id as id, revoked_at as at from identity.role_grant union all "
    "select id, archived_at from identity.account union all select id, changed_at from identity.service_client) ended "
    "where at > now() - $1::interval group by id",
    Ended,
)


class Revocations:
    """Read from the database at most every five seconds.

    Attributes:
        sessions: Ids of the sessions that ended.
        not_before: By account or service client: tokens issued before that moment are void, in seconds since 1970.
    """

    def __init__(self) -> None:
        self.sessions: list[UUID] = []
        self.not_before: dict[UUID, float] = {}
        self._read_at = float("-inf")

    def forget(self) -> None:
        """Read again at the next question."""
        self._read_at = float("-inf")

    async def read(self) -> None:
        if time.monotonic() - self._read_at <= READ_AGAIN_AFTER:
            return
        self.sessions = await _SESSIONS.values(MENTIONED_FOR)
        subjects = await _SUBJECTS.all(MENTIONED_FOR)
        self.not_before = {subject.id: _milliseconds_down(subject.at + SETTLING) for subject in subjects}
        self._read_at = time.monotonic()


def _milliseconds_down(moment: datetime) -> float:
    """Never later than a token that was dated by the same moment, which has milliseconds."""
    return math.floor(moment.timestamp() * 1000) / 1000
