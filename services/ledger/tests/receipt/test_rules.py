"""What each kind of acknowledgment says, against IRS Publication 1771 and 26 USC 6115."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from gatehouse_chassis.base.problems import Conflict
from gatehouse_ledger.document.rules import Issuer
from gatehouse_ledger.document.structs import DocumentContent
from gatehouse_ledger.donor.structs import Donor
from gatehouse_ledger.receipt import rules
from gatehouse_ledger.receipt.structs import AcknowledgedGift

ISSUER = Issuer("Agile Learning Institute", ["1 Gate St", "EIN 12-3456789"], "12-3456789", "Ann Bell, Treasurer")
WHEN = datetime(2025, 1, 1, tzinfo=UTC)


def donor(kind="person", name="Edda Marsh", address="12 Elm St, Salem, OR 97301"):
    return Donor(UUID(int=1), 1, kind, name, None, address, None, None, WHEN, WHEN)


def gift(amount=25_000, in_kind=None, value=0, goods=None, refunded=None, receipt=None, **of):
    fund, restricted = of.get("fund", "General fund"), "fund" in of
    return AcknowledgedGift(
        UUID(int=2),
        date(2025, 3, 4),
        amount,
        fund,
        restricted,
        in_kind,
        value,
        goods,
        refunded,
        UUID(int=3) if receipt else None,
        receipt,
    )


def text(content: DocumentContent) -> str:
    cells = [cell for block in content.blocks for row in block.rows for cell in row.cells]
    return "\n".join([content.letterhead.name, *content.to, *(block.text for block in content.blocks), *cells])


NOTHING = "No goods or services were provided"
ESTIMATE = "good faith estimate"
# Of each gift: what its receipt says, and what it doesn't.
GIFTS = {
    "just below 250": (gift(24_999), ["$249.99", NOTHING], [ESTIMATE]),
    "250": (gift(25_000), ["$250.00", NOTHING], [ESTIMATE]),
    "a thing": (gift(0, "Ten used laptops"), ["Ten used laptops", "don't value", NOTHING], ["$"]),
    "a return worth 75": (gift(10_000, value=7_500, goods="A dinner"), ["A dinner", "$75.00", "$25.00"], [NOTHING]),
    "a return above 75": (gift(10_000, value=7_600, goods="A dinner"), [ESTIMATE, "limited to", "$24.00"], [NOTHING]),
    "paid 75 in all": (gift(7_500, value=2_000, goods="A mug"), [ESTIMATE, "$55.00"], [NOTHING]),
    "paid 76 in all": (gift(7_600, value=2_000, goods="A mug"), [ESTIMATE, "limited to", "$56.00"], [NOTHING]),
    "a thing with a return": (gift(0, "A car", 5_000, "A dinner"), ["A car", ESTIMATE, "limited to"], [NOTHING]),
    "restricted": (gift(fund="Laptops"), ["It is restricted to: Laptops.", NOTHING], []),
    "a million": (gift(123_456_789), ["$1,234,567.89"], []),
}


@pytest.mark.parametrize("name", GIFTS)
def test_an_acknowledgment_says_what_the_publication_lists(name):
    one, there, missing = GIFTS[name]
    said = text(rules.single(one, donor(), ISSUER, "2025-00001", None))
    everywhere = ["Agile Learning Institute", "Edda Marsh", "March 4, 2025", "501(c)(3)", "12-3456789"]
    assert [words for words in [*there, *everywhere] if words not in said] == []
    assert [words for words in missing if words in said] == []


@pytest.mark.parametrize(
    ("one", "of"),
    [
        (gift(), donor("anonymous", "Anonymous", None)),
        (gift(refunded=date(2025, 4, 1)), donor()),
        (gift(receipt="2025-00009"), donor()),
    ],
)
def test_nobody_is_acknowledged_twice_or_for_nothing(one, of):
    with pytest.raises(Conflict):
        rules.refuse_single(one, of)


ABROAD = "Hauptstr. 1, 10115 Berlin, Germany"


@pytest.mark.parametrize("of", [donor("household", "The Marsh family"), donor(address=ABROAD)])
def test_households_and_addresses_abroad_are_addressed(of):
    said = text(rules.single(gift(), of, ISSUER, "2025-00001", "2025-00000"))
    assert of.name in said
    assert "This replaces receipt 2025-00000" in said


def test_a_statement_adds_up_what_it_acknowledges_and_lists_the_rest_apart():
    fresh = [gift(1_001), gift(2_002, value=500, goods="A mug"), gift(0, "A desk")]
    receipted = [gift(30_001, receipt="2025-00004")]
    statement = rules.annual(2025, fresh, receipted, donor=donor(), issuer=ISSUER, number="2026-00001", replaces=None)
    said = text(statement)
    for words in ("$30.03", "$300.01", "$330.04", "2025-00004", "A desk", "A mug", rules.NOTHING_IN_RETURN_FOR_SOME):
        assert words in said
