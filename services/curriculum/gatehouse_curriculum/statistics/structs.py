"""What callers get about a resource: how many finished it, and about how long it took them."""

from uuid import UUID

from msgspec import Struct


class ResourceStatistics(Struct, kw_only=True, frozen=True):
    """Of all plans, counted anew each time; nobody is named.

    Attributes:
        completed, stopped: how many have done it, and for how many it wasn't. What was reopened counts for neither.
        stated: how many of the former said how long it took.
        median_minutes, quarter_minutes, three_quarters_minutes: of those; half of them lie between the latter two. Null
            while fewer than three have said, as it would be one person's own time.
    """

    resource_id: UUID
    completed: int
    stopped: int
    stated: int
    median_minutes: int | None
    quarter_minutes: int | None
    three_quarters_minutes: int | None
