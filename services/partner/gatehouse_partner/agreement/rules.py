"""Who sees and changes what of a partner, and what an agreement needs. Functions of values: no database, no HTTP.

A person of the partner's own sees that partner, its agreements and their own contact; which partners those are is in
queries.py, since it takes the contacts to know.
"""

from datetime import date
from typing import Any, Literal

from msgspec import UNSET

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Invalid
from gatehouse_partner.structs import AgreementChange, AgreementRecord, AgreementStatus, NewAgreement

READERS = ("staff", "marketing", "finance", "coordinator", "board")
PARTNER = "partner"
KEEPERS = ("staff", "marketing")
"""Who changes partners and contacts."""
SIGNERS = ("staff", "finance")
"""Who changes agreements."""

SIGNED: frozenset[AgreementStatus] = frozenset({"signed", "ended"})


def sight(actor: Actor) -> Literal["all", "own", "nothing"]:
    """How much of the partners a caller sees."""
    if actor.has(*READERS):
        return "all"
    if actor.has(PARTNER) and actor.person is not None:
        return "own"
    return "nothing"


def refuse_agreement(change: NewAgreement | AgreementChange, before: AgreementRecord | None = None) -> None:
    """Raises Invalid where the agreement, as it would be afterwards, doesn't hold together."""
    status = _after(change, before, "status") or "draft"
    signed_on: date | None = _after(change, before, "signed_on")
    starts_on: date | None = _after(change, before, "starts_on")
    ends_on: date | None = _after(change, before, "ends_on")
    errors = {}
    if status in SIGNED and signed_on is None:
        errors["signed_on"] = f"an agreement that is {status} has the day on which it was signed; give it"
    if starts_on is not None and ends_on is not None and ends_on < starts_on:
        errors["ends_on"] = f"lies before the start ({starts_on}); give a later day, or null for no end"
    if errors:
        raise Invalid(errors)


def _after(change: NewAgreement | AgreementChange, before: AgreementRecord | None, field: str) -> Any:
    value = getattr(change, field)
    if value is not UNSET:
        return value
    return None if before is None else getattr(before, field)
