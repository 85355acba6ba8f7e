"""What happens to accounts that other services may follow."""

from typing import Literal
from uuid import UUID

import msgspec

from gatehouse_chassis.events.outbox import Outbox
from gatehouse_identity.tables import DB


class PersonIds(msgspec.Struct, frozen=True):
    """Whose account it is, where that is known."""

    person_id: UUID | None


Welcome = Literal["mentor", "member"]
"""As what somebody is welcomed: as a mentor where the invitation promises that role."""


class InvitationIds(msgspec.Struct, frozen=True):
    """Of an invitation, the event's subject: whose account is to be signed in to, who that is, and as what."""

    account_id: UUID
    person_id: UUID
    welcome: Welcome


OUTBOX = Outbox(
    DB,
    {
        "identity.account.invited": InvitationIds,
        "identity.account.linked": PersonIds,
        "identity.account.roles_changed": PersonIds,
        "identity.account.archived": PersonIds,
    },
)
