"""What identity and person answer about the reader, as far as promotions need it. Other fields are skipped."""

from msgspec import Struct


class Me(Struct, frozen=True):
    """Who is signed in, with the roles that are granted now."""

    name: str
    roles: list[str]
    email: str | None = None


class Reader(Struct, frozen=True):
    """Where the reader's clock is."""

    time_zone: str | None = None
