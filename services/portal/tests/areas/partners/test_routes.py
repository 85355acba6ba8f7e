"""Partners, and what the home pages of finance, the board, marketing and a partner's people say of them."""

import datetime

import pytest

from gatehouse_portal.areas.partners.format import money
from gatehouse_portal.areas.partners.home import ending, values
from gatehouse_portal.areas.partners.structs import Agreement, Money

PARTNER = "019a0000-0007-7000-8000-000000000001"
TODAY = datetime.date(2026, 11, 1)


def agreement(number: int = 1, **changes) -> dict:
    return {
        "id": f"019a0000-0009-7000-8000-{number:012d}",
        "partner_id": PARTNER,
        "kind": "hiring",
        "title": f"Agreement {number}",
        "status": "signed",
    } | changes


@pytest.fixture
def partners(house):
    one = {"id": PARTNER, "name": "Northwind", "kind": "employer", "status": "active", "website": "https://n.example"}
    soon = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=20)
    agreements = [
        agreement(1, value={"amount": 1_200_000, "currency": "EUR"}, ends_on=soon.isoformat()),
        agreement(2, status="draft"),
    ]
    contact = {"id": PARTNER, "name": "Omar Haddad", "email": "omar@n.example"}
    house.says("partner", "GET", "/api/partner/partners", {"items": [one], "total": 1})
    house.says("partner", "GET", f"/api/partner/partners/{PARTNER}", one)
    house.says("partner", "GET", "/api/partner/agreements", {"items": agreements, "total": 2})
    house.says("partner", "GET", "/api/partner/contacts", {"items": [contact]})
    return house


@pytest.mark.parametrize("role", ["board", "coordinator", "finance", "marketing", "partner", "staff"])
async def test_partners_lead_to_their_agreements_and_contacts(browser, partners, role):
    await browser.sign_in(role)
    assert f'href="/partners/{PARTNER}"' in (await browser.see("/partners")).text
    text = (await browser.see(f"/partners/{PARTNER}")).text
    assert "Agreement 1" in text
    assert "EUR 12,000" in text
    for words in ("Contacts</h2>", "Omar Haddad", "mailto:omar@n.example"):
        assert (words in text) == (role != "board")


async def test_for_a_member_there_are_no_partners(browser, partners):
    await browser.sign_in("member")
    assert (await browser.see("/partners")).status_code == 404


@pytest.mark.parametrize(
    ("role", "words"),
    [
        ("finance", ("1</strong> signed", "EUR 12,000", "Ending within six months", "Not signed yet", "Agreement 2")),
        ("board", ("1</strong> active partners", "EUR 12,000", "Agreement 1")),
        ("marketing", ("Partners to win", "Northwind")),
        ("partner", ("Your organisation", "Northwind", "Agreement 1")),
    ],
)
async def test_a_home_is_work_and_not_the_navigation_again(browser, partners, role, words):
    await browser.sign_in(role)
    text = (await browser.see("/")).text
    assert "Go to</h2>" not in text
    for word in words:
        assert word in text


async def test_a_home_says_when_partner_is_away(browser, partners):
    partners.says("partner", "GET", "/api/partner/agreements", {"status": 503}, 503)
    await browser.sign_in("finance")
    answer = await browser.see("/")
    assert answer.status_code == 200
    assert "Agreements can’t be shown right now." in answer.text


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        (1_200_000, "EUR", "EUR 12,000"),
        (480_050, "EUR", "EUR 4,800.50"),
        (1500, "JPY", "JPY 1,500"),
        (5, "EUR", "EUR 0.05"),
    ],
)
def test_money_is_shown_with_its_currency(amount, currency, words):
    assert money(Money(amount, currency)) == words


def test_amounts_of_different_currencies_are_not_added():
    def of(amount: int, currency: str) -> Agreement:
        return Agreement(**agreement(), value=Money(amount, currency))

    assert values([of(100, "USD"), of(300, "EUR"), of(50, "USD")]) == [Money(300, "EUR"), Money(150, "USD")]


def test_what_has_ended_comes_before_what_ends_soon_and_later_ends_are_left_out():
    def until(days: int) -> Agreement:
        return Agreement(**agreement(), ends_on=TODAY + datetime.timedelta(days=days))

    found = ending([until(400), until(30), until(-3), Agreement(**agreement())], TODAY)
    assert [one.days for one in found] == [-3, 30]
