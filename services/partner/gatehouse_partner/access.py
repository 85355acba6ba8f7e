"""Who sees and changes what of a partner, its contacts and its agreements.

People of a partner see that partner, its agreements and their own contact.
"""

from typing import Literal

from gatehouse_chassis import Actor

READERS = ("staff", "marketing", "finance", "coordinator", "board")
PARTNER = "partner"
KEEPERS = ("staff", "marketing")
"""Who changes partners and contacts."""
SIGNERS = ("staff", "finance")
"""Who changes agreements."""

# The partners whose contact a person is, as long as neither is archived.
OWN = (
    "select own.partner_id from partner.contact own join partner.partner employer on employer.id = own.partner_id "
    "where own.person_id = {} and own.archived_at is null and employer.archived_at is null"
)


def sight(actor: Actor) -> Literal["all", "own", "nothing"]:
    """How much of the partners a caller sees."""
    if actor.has(*READERS):
        return "all"
    if actor.has(PARTNER) and actor.person is not None:
        return "own"
    return "nothing"


def visible_to(actor: Actor, own: str) -> tuple:
    """A condition: all, nothing, or for a partner's person what `own` says (`{}`: that person)."""
    match sight(actor):
        case "all":
            return ("true",)
        case "own":
            return (own, actor.person)
        case _:
            return ("false",)
