"""What each kind of acknowledgment says, against IRS Publication 1771 and 26 USC 6115."""

import io
import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, date, datetime
from uuid import UUID

import msgspec
import pytest
from pypdf import PdfReader

from gatehouse_chassis.base.problems import Conflict
from gatehouse_chassis.documents.pdf import render_now
from gatehouse_ledger.document.rules import Issuer, dollars, long_day, template
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
        of.get("day", date(2025, 3, 4)),
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


NOTHING = re.compile(r"no goods or services were provided", re.IGNORECASE)
ESTIMATE, LIMITED = re.compile("good faith estimate"), re.compile("limited to")
AMOUNTS = re.compile(r"\$[0-9,]+\.[0-9]{2}")
ABROAD = "Hauptstr. 1, 10115 Berlin, Germany"
LATER = {"day": date(2025, 11, 5)}
PAID_BACK = {"refunded": date(2025, 4, 1)}
DINNER = {"value": 7_600, "goods": "A dinner for two"}
MUG = {"value": 2_000, "goods": "A mug"}
# Of each case: its gifts, and what is unusual about their donor.
CASES: dict[str, tuple[list[AcknowledgedGift], dict[str, str]]] = {
    "a cent": ([gift(1)], {}),
    "just below 250": ([gift(24_999)], {}),
    "250": ([gift(25_000)], {}),
    "just above 250": ([gift(25_001)], {}),
    "a million": ([gift(123_456_789)], {}),
    "a thing": ([gift(0, "Ten used laptops")], {}),
    "a thing for a restricted fund": ([gift(0, "A projector", fund="Classroom")], {}),
    "a thing with a return": ([gift(0, "A car", value=5_000, goods="A dinner")], {}),
    "paid 75 in part for something": ([gift(7_500, **MUG)], {}),
    "paid 75.01 in part for something": ([gift(7_501, **MUG)], {}),
    "paid 76 in part for something": ([gift(7_600, **MUG)], {}),
    "a return worth 75": ([gift(10_000, value=7_500, goods="A dinner")], {}),
    "a return worth 75.01": ([gift(10_000, value=7_501, goods="A dinner")], {}),
    "a return worth 76": ([gift(10_000, **DINNER)], {}),
    "a cent more than the return": ([gift(7_601, **DINNER)], {}),
    "250 with a return": ([gift(25_000, **DINNER)], {}),
    "restricted": ([gift(fund="Laptops for members")], {}),
    "restricted with a return": ([gift(30_000, fund="Laptops for members", **MUG)], {}),
    "one payment split over two funds": ([gift(15_000), gift(15_000, fund="Laptops for members")], {}),
    "refunded": ([gift(30_000, **PAID_BACK)], {}),
    "acknowledged already": ([gift(30_000, receipt="2025-00009")], {}),
    "anonymous": ([gift(30_000)], {"kind": "anonymous", "name": "Anonymous"}),
    "1,000 euros, as the bank booked them": ([gift(108_340)], {"address": ABROAD}),
    "a household": ([gift(40_000)], {"kind": "household", "name": "The Marsh family"}),
    "a partner": ([gift(500_000)], {"kind": "partner", "name": "Fable & Sons, Inc."}),
    "a name that looks like markup": ([gift(25_000)], {"name": "#emph[Ann] *Lee* $1$"}),
    "in kind and money together": ([gift(20_000), gift(0, "A desk")], {}),
    "only things": ([gift(0, "A desk"), gift(0, "Two chairs", **LATER)], {}),
    "several in one year": ([gift(1_001), gift(24_999, **LATER), gift(30_000, fund="Laptops for members")], {}),
    "some with a return, some receipted": (
        [
            gift(10_000, **DINNER),
            gift(1_002),
            gift(0, "A car", value=5_000, goods="A lunch"),
            gift(9_900, receipt="2025-00004"),
        ],
        {},
    ),
}


def wrong_in(said: str, gifts: list[AcknowledgedGift], of: Donor, also: Iterable[str] = ()) -> list[str]:
    """What of the publication's list is missing in a text, or is there and mustn't be. `also`: amounts of sums."""
    money, given = [one for one in gifts if not one.in_kind_text], [one for one in gifts if one.goods_text]
    told = {*also, *(dollars(one.amount) for one in money), *(dollars(one.goods_value) for one in given)}
    words = [
        ISSUER.name,
        ISSUER.employer_id,
        "501(c)(3)",
        of.name,
        *told,
        *(long_day(one.received_on) for one in gifts),
    ]
    words += [part for one in gifts for part in (one.in_kind_text, one.goods_text) if part]
    nothing, estimates, limited = (len(one.findall(said)) for one in (NOTHING, ESTIMATE, LIMITED))
    wrong = [f"misses {part}" for part in words if part not in said]
    wrong += ["says nothing of goods or services"] * (len(given) < len(gifts) and not nothing)
    wrong += ["says that there were none"] * (len(given) == len(gifts) and nothing)
    wrong += ["estimates too much or too little"] * (estimates != len(given))
    wrong += ["says no limit, or one of nothing"] * (bool(given) != bool(limited))
    told |= {dollars(one.amount - one.goods_value) for one in given if one in money}
    return [*wrong, *(f"values something at {one}" for one in AMOUNTS.findall(said) if one not in told)]


def letters(name: str) -> list[tuple[DocumentContent, list[AcknowledgedGift], Donor, set[str]]]:
    """A receipt for each gift that may have one, and the year's statement: each with what it is about, and its sums."""
    gifts, unusual = CASES[name]
    of, fresh = donor(**unusual), []
    for one in gifts:
        with suppress(Conflict):
            rules.refuse_single(one, of)
            fresh.append(one)
    if not fresh:
        return []
    receipted = [one for one in gifts if one.receipt]
    year = rules.annual(2025, fresh, receipted, donor=of, issuer=ISSUER, number="2026-00001", replaces=None)
    sums = {dollars(sum(one.amount for one in part)) for part in (fresh, receipted, gifts)} - {"$0.00"}
    singles = [(rules.single(one, of, ISSUER, "2025-00001", None), [one], of, set()) for one in fresh]
    return [*singles, (year, fresh, of, sums)]


def test_there_are_thirty_cases_and_three_are_of_gifts_that_nobody_gets_a_receipt_for():
    assert len(CASES) == 30
    assert [name for name in CASES if not letters(name)] == ["refunded", "acknowledged already", "anonymous"]


@pytest.mark.parametrize("name", CASES)
def test_an_acknowledgment_says_what_the_publication_lists(name):
    for content, gifts, of, sums in letters(name):
        assert wrong_in(text(content), gifts, of, sums) == [], content.title


@pytest.mark.parametrize("name", ["a name that looks like markup", "some with a return, some receipted"])
def test_its_file_says_the_same(name):
    for content, gifts, of, sums in letters(name):
        file = render_now(template(), msgspec.to_builtins(content), WHEN).content
        said = " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(file)).pages).split())
        assert wrong_in(said, gifts, of, sums) == [], content.title


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("paid 76 in part for something", "over that value, which is $56.00."),
        ("a cent more than the return", "over that value, which is $0.01."),
        ("a thing with a return", "limited to what the value of your contribution exceeds it by."),
        ("a thing", "We describe what you gave and don't value it"),
        ("restricted", "It is restricted to: Laptops for members."),
        ("several in one year", rules.NOTHING_IN_RETURN_FOR_ALL),
    ],
)
def test_what_is_deductible_and_what_for_is_said_in_full(name, words):
    assert any(words in text(content) for content, *_ in letters(name))


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
