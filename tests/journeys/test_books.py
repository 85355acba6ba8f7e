"""The financial officer reconciles by keyboard, and looks at a bank's file before it is imported."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.platform]


def test_lines_are_reconciled_by_one_key_and_undone(open_browser) -> None:
    page = open_browser("finance")
    page.goto("/")
    page.get_by_role("link", name=re.compile("^Reconcile")).first.click()
    first = page.locator("[id^=accept-]").first
    expect(first).to_be_focused()
    accepted = first.get_attribute("id")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Notifications")).to_contain_text("Matched the line.")
    expect(page.locator("[id^=accept-]").first).to_be_focused()
    assert page.locator(f"#{accepted}").count() == 0
    page.locator("#undo").click()
    expect(page.get_by_role("region", name="Notifications")).to_contain_text("Undone")
    expect(page.locator(f"#{accepted}")).to_be_focused()


@pytest.mark.deep
def test_a_file_is_looked_at_and_put_away(open_browser) -> None:
    page = open_browser("finance")
    page.goto("/books")
    text = b"Date,Description,Amount,Balance\n12/01/2026,RENT,-12.00,88.00\n12/02/2026,GIFT,5.00,90.00\n"
    page.locator("input[type=file]").set_input_files([{"name": "odd.csv", "mimeType": "text/csv", "buffer": text}])
    page.get_by_role("button", name="Look at the file").click()
    expect(page.get_by_role("heading", name="odd.csv")).to_be_visible()
    expect(page.get_by_text("the running balance breaks at line 2")).to_be_visible()
    page.get_by_role("button", name="Put it away").click()
    expect(page.get_by_role("region", name="Notifications")).to_contain_text("Nothing was imported.")


@pytest.mark.deep
def test_a_gift_is_thanked_for_and_its_donor_reads_the_receipt(open_browser) -> None:
    page = open_browser("finance")
    page.goto("/books/gifts/new")
    page.get_by_text("A new donor").click()
    page.get_by_label("Name, as the receipt is addressed").fill("Wanda Gift")
    page.get_by_label(re.compile("^Amount in dollars")).fill("1,250.50")
    page.get_by_role("button", name="Record the gift").click()  # from $250 its receipt is issued with it
    page.get_by_role("button", name="Make a link for the donor").click()
    link = page.get_by_label("A link to all their valid receipts").input_value()
    page.context.clear_cookies()
    page.goto(f"/receipts/{link.rpartition('/')[2]}")
    expect(page.get_by_role("heading", name="Your receipts, Wanda Gift")).to_be_visible()
    shown = page.get_by_role("link", name=re.compile("^Receipt"))
    address = shown.get_attribute("href")
    files = [page.request.get(address).body() for _ in range(2)]
    assert files[0][:5] == b"%PDF-"
    assert files[0] == files[1]
