"""Texts that were refused, or replaced by another: kept for 30 days, so that nothing that somebody wrote is lost.

    ATTEMPTS = TextAttempts(DB)
    async with ATTEMPTS.kept_if_refused(attempt):       # around the transaction of the change, not in it
        await NOTE.change(...)                          # StaleVersion: the text is kept, and the caller is told

A page that repeats what was refused adds nothing: its last text on a version is kept. Only the account that wrote a
text reads it here; the person whom it is about has it in their export.
"""

import contextlib
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from gatehouse_chassis.base.problems import Conflict, StaleVersion
from gatehouse_chassis.data.database import Database

NEEDS = {"text_attempt": "1.0.0"}
"""The collection that this code needs, as `[database.needs]` says it."""
LONGEST_TEXT = 200_000
MUCH = 200
"""Characters: a text that loses as many at once is kept, whoever wrote it."""
MOST_SHOWN = 50

AttemptReason = Literal["refused", "replaced"]


class SentText(msgspec.Struct, frozen=True, kw_only=True):
    """A text on its way. `writer`: the open page; `subject_id`: whom it is about; `author_id`: an account."""

    collection: str
    row_id: UUID
    subject_id: UUID
    author_id: UUID
    writer: UUID
    base_version: int
    text: str


class TextAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """A text that isn't the row's."""

    id: UUID
    at: datetime
    collection: str
    row_id: UUID
    reason: AttemptReason
    base_version: int
    text: str


class TextAttempts:
    """Of a service whose schema includes text_attempt."""

    def __init__(self, database: Database) -> None:
        table = f"{database.schema}.text_attempt"
        # By hand, as the next: the collection has no Piccolo table; and an upsert.
        self._keep = database.prepare_sql(
            f"insert into {table} (collection, row_id, subject_id, author_id, writer, base_version, reason, text) "  # noqa: S608 - ours
            "values ($1, $2, $3, $4, $5, $6, $7, $8) "
            "on conflict (collection, row_id, author_id, writer, base_version, reason) "
            "do update set text = excluded.text, at = clock_timestamp()"
        )
        # By hand: as above.
        self._of = database.prepare_sql(
            f"select id, at, collection, row_id, reason, base_version, text from {table} "  # noqa: S608 - ours
            f"where row_id = any($1::uuid[]) and author_id = $2 order by at desc limit {MOST_SHOWN}",
            TextAttempt,
        )

    async def keep(self, attempt: SentText, reason: AttemptReason) -> None:
        """Where a transaction is open, with it."""
        if attempt.text:
            await self._keep.execute(
                attempt.collection,
                attempt.row_id,
                attempt.subject_id,
                attempt.author_id,
                attempt.writer,
                attempt.base_version,
                reason,
                attempt.text,
            )

    @contextlib.asynccontextmanager
    async def kept_if_refused(self, attempt: SentText) -> AsyncGenerator[None]:
        """Keeps the text when the change is refused because the row is another one by now."""
        try:
            yield
        except (StaleVersion, Conflict):
            await self.keep(attempt, "refused")
            raise

    async def of(self, rows: list[UUID], author: UUID) -> list[TextAttempt]:
        """What this account wrote for these rows and isn't there, the newest first."""
        return await self._of.all(rows, author)


def loses_text(before: str, after: str, *, same_writer: bool) -> bool:
    """Whether a text that is replaced is worth keeping: another page wrote it, or much of it goes at once."""
    if not before or before == after:
        return False
    return (not same_writer and not after.startswith(before)) or len(before) - len(after) >= MUCH
