"""What callers get about who changed a curriculum."""

from uuid import UUID

from msgspec import Struct

from gatehouse_curriculum.enumerators import Standing


class Participant(Struct, kw_only=True, frozen=True):
    """The person behind an account that `..._by` names, and what they were to the member when they last changed this.

    `person_id` is null where the account is a service's.
    """

    account_id: UUID
    person_id: UUID | None
    standing: Standing
