"""The caller of a request: the person or service that its access token names."""

from uuid import UUID

import msgspec

# Who may see how the platform itself runs.
OPERATOR_ROLES = frozenset({"engineer", "sre", "admin"})
# The audience of a local persona's token. A service takes tokens for itself, and these only in the local environment.
EVERY_SERVICE = "gatehouse"


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """The caller of a request. `admin` has every role.

    `signed_in_at`: when a person proved who they are (seconds since 1970); 0 where the token doesn't say.
    """

    account: UUID
    person: UUID | None = None
    name: str = ""
    kind: str = "person"
    roles: frozenset[str] = frozenset()
    session: UUID | None = None
    expires_at: int = 0
    signed_in_at: float = 0.0
    token: str = ""

    def has(self, *roles: str) -> bool:
        """Whether the caller has at least one of the roles."""
        return "admin" in self.roles or not self.roles.isdisjoint(roles)

    def is_person(self, person: UUID | None) -> bool:
        """Whether the caller is that person."""
        return person is not None and self.person == person
