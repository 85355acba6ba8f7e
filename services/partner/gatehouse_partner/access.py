"""Who sees and changes what of a partner, its contacts and its agreements.

People of a partner see that partner, its agreements and their own contact. The board reads of organisations and of what
was agreed with them, and of no person: neither contacts nor donors.
"""

from typing import Literal

from gatehouse_chassis import Actor

READERS = ("staff", "marketing", "finance", "coordinator")
BOARD = "board"
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
# A donor may be a person.
ORGANISATIONS = "select organisation.id from partner.partner organisation where organisation.kind <> 'donor'"


def sight(actor: Actor) -> Literal["all", "organisations", "own", "nothing"]:
    """How much of the partners a caller sees."""
    if actor.has(*READERS):
        return "all"
    if actor.has(BOARD):
        return "organisations"
    if actor.has(PARTNER) and actor.person is not None:
        return "own"
    return "nothing"


def visible_to(actor: Actor, own: str, of_organisations: str) -> tuple:
    """A condition: all, nothing, or for a partner's person what `own` says (`{}`: that person), for the board
    `of_organisations`.
    """
    match sight(actor):
        case "all":
            return ("true",)
        case "organisations":
            return (of_organisations,)
        case "own":
            return (own, actor.person)
        case _:
            return ("false",)
