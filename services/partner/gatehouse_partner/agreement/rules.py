"""What an agreement needs to be consistent. Pure functions: no database, no HTTP."""

from datetime import date
from typing import Any

from msgspec import UNSET

from gatehouse_chassis.base.problems import Invalid
from gatehouse_partner.agreement.structs import AgreementChange, AgreementRecord, NewAgreement
from gatehouse_partner.enumerators import AgreementStatus

SIGNED: frozenset[AgreementStatus] = frozenset({"signed", "ended"})


def refuse_agreement(change: NewAgreement | AgreementChange, before: AgreementRecord | None = None) -> None:
    """Raises Invalid where the agreement, as it would be afterwards, isn't consistent."""
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
