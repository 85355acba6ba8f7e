"""Which of some amounts add up to another. The number of amounts and sums is bounded, so no input takes long."""

from collections.abc import Collection, Sequence
from typing import Generic, TypeVar
from uuid import UUID

import msgspec

from gatehouse_ledger.match.structs import OpenLine, OpenPosting

MOST_ITEMS = 18
MOST_SUMS = 20_000
Item = TypeVar("Item", OpenLine, OpenPosting)


class Found(msgspec.Struct, Generic[Item], frozen=True):
    """`only_one`: no other choice of the items adds up to the amount."""

    items: tuple[Item, ...]
    only_one: bool

    def within(self, others: Collection[Item]) -> bool:
        ids: set[UUID] = {one.id for one in others}
        return all(one.id in ids for one in self.items)


def find(target: int, items: Sequence[Item]) -> Found[Item] | None:
    """At least two items of the target's sign that add up to it; all of them first, then the first choice found."""
    usable = [one for one in items if 0 < one.amount < target or target < one.amount < 0]
    if len(usable) < 2:
        return None
    if sum(one.amount for one in usable) == target:
        return Found(tuple(usable), True)
    if len(usable) > MOST_ITEMS:
        return None
    # For each sum the first choice of items as a bit mask, and whether there was a second.
    sums: dict[int, tuple[int, bool]] = {0: (0, True)}
    goal = abs(target)
    for place, one in enumerate(usable):
        for total, (mask, alone) in list(sums.items()):
            more = total + abs(one.amount)
            if more <= goal:
                known = sums.get(more)
                sums[more] = (mask | 1 << place, alone) if known is None else (known[0], False)
        if len(sums) > MOST_SUMS:
            return None
    if goal not in sums:
        return None
    mask, alone = sums[goal]
    return Found(tuple(one for place, one in enumerate(usable) if mask >> place & 1), alone)
