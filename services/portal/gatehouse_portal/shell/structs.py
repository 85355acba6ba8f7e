"""What any list of any service looks like. The items are in the structs.py of the area that reads them."""

from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")


class Page(Struct, Generic[T], frozen=True):
    """`next`: the cursor of the next page; None on the last one. `total`: all rows, where it was asked for."""

    items: list[T]
    next: str | None = None
    total: int = 0
