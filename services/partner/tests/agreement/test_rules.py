"""What an agreement needs to be consistent: as a table."""

from datetime import date
from uuid import UUID

import pytest

from gatehouse_chassis.base.problems import Invalid
from gatehouse_partner.agreement import rules
from gatehouse_partner.agreement.structs import AgreementChange, AgreementRecord, NewAgreement

DAY, LATER = date(2026, 1, 1), date(2026, 12, 31)


def new(**fields) -> NewAgreement:
    return NewAgreement(partner_id=UUID(int=1), kind="donation", title="A gift", **fields)


@pytest.mark.parametrize(
    ("agreement", "wrong"),
    [
        (new(), []),
        (new(status="draft", starts_on=DAY, ends_on=LATER), []),
        (new(status="signed", signed_on=DAY), []),
        (new(status="cancelled"), []),
        (new(starts_on=DAY, ends_on=DAY), []),
        (new(ends_on=DAY), []),
        (new(status="signed"), ["signed_on"]),
        (new(status="ended", signed_on=None), ["signed_on"]),
        (new(starts_on=LATER, ends_on=DAY), ["ends_on"]),
        (new(status="signed", starts_on=LATER, ends_on=DAY), ["signed_on", "ends_on"]),
    ],
)
def test_what_a_new_agreement_needs(agreement, wrong):
    assert refused(agreement) == wrong


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (AgreementChange(title="Another"), []),
        (AgreementChange(status="ended"), []),
        (AgreementChange(signed_on=None), ["signed_on"]),
        (AgreementChange(signed_on=None, status="draft"), []),
        (AgreementChange(starts_on=LATER), ["ends_on"]),
        (AgreementChange(starts_on=LATER, ends_on=None), []),
    ],
)
def test_a_change_is_judged_by_what_comes_of_it(change, wrong):
    before = AgreementRecord(
        id=UUID(int=1), version=1, status="signed", signed_on=DAY, starts_on=DAY, ends_on=date(2026, 6, 30)
    )
    assert refused(change, before) == wrong


def refused(change, before=None) -> list[str]:
    try:
        rules.refuse_agreement(change, before)
    except Invalid as problem:
        return [error.field for error in problem.errors]
    return []
