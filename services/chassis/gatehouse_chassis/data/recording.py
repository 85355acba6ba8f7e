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
        """To be called in the transaction of the change. `known`: the columns that it asked for, after the change."""
        ...
