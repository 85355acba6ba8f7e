"""How much callers see, and what an agreement needs to hold together: as tables."""

from datetime import date
from uuid import UUID

import pytest

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Invalid
from gatehouse_partner import rules
from gatehouse_partner.structs import AgreementChange, AgreementRecord, NewAgreement


@pytest.mark.parametrize(
    ("roles", "sight"),
    [
        (["staff"], "all"),
        (["marketing"], "all"),
        (["finance"], "all"),
        (["coordinator"], "all"),
        (["board"], "all"),
        (["admin"], "all"),
        (["partner", "board"], "all"),
        (["partner"], "own"),
        (["partner", "member"], "own"),
        (["member"], "nothing"),
        (["mentor"], "nothing"),
        (["engineer", "sre", "tester", "release-manager"], "nothing"),
        ([], "nothing"),
    ],
)
def test_how_much_of_the_partners_one_sees(roles, sight):
    actor = Actor(account=UUID(int=1), person=UUID(int=2), roles=frozenset(roles))
    assert rules.sight(actor) == sight


def test_a_service_with_the_role_of_a_partner_has_no_partner_of_its_own():
    assert rules.sight(Actor(account=UUID(int=1), roles=frozenset({"partner"}))) == "nothing"


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
