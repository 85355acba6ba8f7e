"""What callers get about personas."""

import msgspec

from gatehouse_identity.enumerators import Role


class Persona(msgspec.Struct, frozen=True, kw_only=True):
    """Someone of the test data, to sign in as in the local environment."""

    key: str
    name: str
    title: str
    roles: list[Role]
