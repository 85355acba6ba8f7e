"""What identity answers about the reader, as far as promotions need it. Fields that aren't named here are skipped."""

from msgspec import Struct


class Me(Struct, frozen=True):
    """Who is signed in, with the roles that are granted now."""

    name: str
    roles: list[str]
    email: str | None = None
