"""What Repository tells of a change, so that it can be kept who made it and what it was before (privacy/history.py)."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID


class ChangeRecorder(Protocol):
    """Keeps the changes of some collections, each in its own transaction."""

    def keeps(self, collection: str) -> bool: ...

    def needed(self, collection: str, changed: Sequence[str]) -> tuple[str, ...]:
        """The columns that it has to know of a row beside those that changed: whose the row is."""
        ...

    @property
    def target(self) -> tuple[str, Mapping[str, str]]:
        """The table of its rows, and what it gives for each of them: a PostgreSQL type by column."""
        ...

    async def rows(
        self,
        collection: str,
        row_id: UUID,
        version: int,
        changes: Mapping[str, tuple[Any, Any]],
        known: Mapping[str, Any],
        *,
        account: UUID | None,
    ) -> list[tuple[Any, ...]]:
        """What to insert of a change. `known`: the columns that it asked for, after the change."""
        ...

    async def record(
        self,
        collection: str,
        row_id: UUID,
        version: int,
        changes: Mapping[str, tuple[Any, Any]],
        known: Mapping[str, Any],
        *,
        account: UUID | None,
    ) -> None:
        """Inserts those rows; to be called in the transaction of the change."""
        ...
