"""How well lines find their postings on a year that is made here, with every fifth line disturbed."""

import random
from datetime import date, timedelta
from uuid import UUID

import pytest

from gatehouse_ledger.match.rules import CERTAIN, payee, suggestions
from gatehouse_ledger.match.structs import OpenLine, OpenPosting
from gatehouse_ledger.match.subsets import find

DAY = date(2041, 6, 15)


def a_line(number: int, amount: int, text: str, day: date = DAY, reference: str = "") -> OpenLine:
    return OpenLine(UUID(int=number), day, amount, text, reference)


def a_posting(number: int, amount: int, memo: str, day: date = DAY) -> OpenPosting:
    return OpenPosting(UUID(int=10**6 + number), UUID(int=number), day, amount, memo)


def a_year(seed: int) -> tuple[list[OpenLine], list[OpenPosting], dict[UUID, set[UUID]]]:
    """Lines, postings, and what belongs together: rent, bills, gifts of givers, payouts of many gifts less fees."""
    chance = random.Random(seed)
    lines: list[OpenLine] = []
    postings: list[OpenPosting] = []
    truth: dict[UUID, set[UUID]] = {}
    givers = [
        f"{first} {last}"
        for first in ("Ada", "Bo", "Cai", "Dee", "Eli")
        for last in ("Marsh", "Okoro", "Lund", "Vance")
    ]
    bills = ("Blue River Power", "City Water", "Hosting Harbor", "Lakeside Insurance", "Office Depot", "Pine Cleaning")

    def add(day: date, parts: list[tuple[int, str]], text: str, fee: int = 0) -> None:
        noisy = chance.random() < 0.2
        made = [a_posting(len(postings) + place, amount, memo, day) for place, (amount, memo) in enumerate(parts)]
        postings.extend(made)
        late = chance.randint(0, 3) + (chance.randint(0, 4) if noisy else 0)
        shown = f"ACH {chance.randint(1000, 9999)} {text}"[: chance.randint(12, 40)] if noisy else text.upper()
        total = sum(amount for amount, _ in parts) - fee
        lines.append(a_line(len(lines) + 1, total, shown, day + timedelta(days=late)))
        truth[lines[-1].id] = {one.id for one in made}

    for week in range(52):
        day = date(2041, 1, 2) + timedelta(days=7 * week)
        for _ in range(chance.randint(2, 5)):
            giver = chance.choice(givers)
            add(
                day + timedelta(days=chance.randint(0, 6)),
                [(chance.choice([2500, 5000, 10_000, 25_000, 1_234]), f"Gift of {giver}")],
                giver,
            )
        for bill in chance.sample(bills, 2):
            add(
                day + timedelta(days=chance.randint(0, 6)), [(-chance.randint(2_000, 90_000), f"{bill}, invoice")], bill
            )
        gifts = [(chance.randint(5, 300) * 100, "Stripe gift") for _ in range(chance.randint(3, 8))]
        fee = sum(amount * 29 // 1000 + 30 for amount, _ in gifts)
        add(day + timedelta(days=3), gifts, "Stripe transfer", fee)
    # Lines without a posting, and postings that the bank shows later than the year.
    for number in range(40):
        lines.append(
            a_line(
                9_000 + number,
                -chance.randint(100, 90_000),
                "UNKNOWN SHOP",
                date(2041, 1, 1) + timedelta(days=9 * number),
            )
        )
        postings.append(
            a_posting(
                9_000 + number, chance.randint(100, 90_000), "Pledge", date(2041, 1, 1) + timedelta(days=9 * number)
            )
        )
    return lines, postings, truth


@pytest.mark.parametrize("seed", range(3))
def test_what_is_accepted_by_itself_is_right_and_most_is_suggested(seed):
    lines, postings, truth = a_year(seed)
    found = suggestions(lines, postings, ())
    certain = [one for one in found if one.kind == "one_to_one" and one.score >= CERTAIN]
    right = [one for one in certain if truth.get(one.line.id) == {posting.id for posting in one.postings}]
    suggested = [one for one in found if truth.get(one.line.id) == {posting.id for posting in one.postings}]
    assert len(certain) >= len(truth) // 4
    assert len(right) >= 0.99 * len(certain)
    assert len(suggested) >= 0.9 * len(truth)


def test_a_reference_tells_alike_amounts_apart():
    lines = [a_line(1, 500, "CHECK", reference="1042"), a_line(2, 500, "CHECK", reference="1043")]
    postings = [a_posting(3, 500, "Check 1043"), a_posting(4, 500, "Check 1042")]
    found = {one.line.id.int: one.postings[0].memo for one in suggestions(lines, postings, ())}
    assert found == {1: "Check 1042", 2: "Check 1043"}


def test_two_that_nothing_tells_apart_wait_for_a_person():
    lines = [a_line(1, 500, "MARSH")]
    postings = [a_posting(2, 500, "Gift of Marsh"), a_posting(3, 500, "Gift of Marsh")]
    (only,) = suggestions(lines, postings, ())
    assert only.score < CERTAIN


def test_several_lines_pay_one_posting():
    lines = [a_line(1, -3_000, "PINE"), a_line(2, -2_000, "PINE"), a_line(3, -777, "OTHER")]
    (found,) = suggestions(lines, [a_posting(4, -5_000, "Pine Cleaning")], ())
    assert (found.kind, [one.id.int for one in found.lines]) == ("many_to_one", [1, 2])


def test_many_amounts_take_no_longer_than_some():
    items = [a_posting(number, 2**number % 99_991 + 1, "x") for number in range(400)]
    assert find(10**9, items) is None


@pytest.mark.parametrize(
    ("text", "words"), [("ACH DEBIT 0042 BLUE RIVER POWER #99", "blue river power"), ("CHECK 1042", ""), ("", "")]
)
def test_a_payee_is_the_words_without_numbers(text, words):
    assert payee(text) == words
