"""By keyboard only: a member's way from signing in to having something done, and a mentor's to a plan that fits."""

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.deep]
MOST_TABS = 60


def tab_to(page: Page, id: str) -> None:
    for _ in range(MOST_TABS):
        if page.evaluate("document.activeElement.id") == id:
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{MOST_TABS} times Tab don't reach #{id}.")


def test_signing_in_continue_and_done_are_three_actions_by_keyboard(open_browser) -> None:
    page = open_browser("member", leads_elsewhere=True)  # the first action
    way = page.get_by_role("region", name="My way", exact=True)
    name = way.locator(".goes-on .name").inner_text()
    tab_to(page, "continue")
    with page.context.expect_page() as opened:
        page.keyboard.press("Enter")  # the second
    opened.value.close()
    page.bring_to_front()
    tab_to(page, "done-button")
    page.keyboard.press("Enter")  # the third
    expect(page.locator("[data-toast]")).to_contain_text(f"Completed “{name}”.")
    expect(page.locator("#afterwards")).to_contain_text("About how long did it take?")
    expect(page.get_by_role("region", name="Completed", exact=True).locator(".trail li").first).to_contain_text(name)
    page.get_by_role("button", name="1 h", exact=True).press("Enter")
    expect(page.locator("[data-toast]")).to_contain_text(f"Noted: “{name}” took about 1 h.")
    # What was clicked is known: it was opened, and not before it was started.
    page.get_by_role("link", name="Go to my curriculum").click()
    done = page.get_by_role("region", name="Completed", exact=True).locator("li").first
    expect(done).to_contain_text("about 1 h")
    done.get_by_role("button", name=f"Reopen {name}", exact=True).press("Enter")
    now = page.get_by_role("region", name="Now", exact=True).locator("li").filter(has_text=name)
    expect(now).to_contain_text("Started")


def test_a_mentor_pastes_a_link_sees_that_it_is_too_much_and_moves_two_in_six_actions(open_browser) -> None:
    page = open_browser("mentor")  # the first action
    address = page.locator(".cover", has_text="Noah Adeyemi").get_attribute("href")
    assert address
    link, name = _not_assigned(page, address)
    before = _give_hours(page, address, "0.5")  # another test may have planned for a later meeting, with time enough
    page.goto("/")
    page.locator(f'a[href="{address}"]').first.focus()
    page.keyboard.press("Enter")  # the second
    search = page.locator("#search")
    search.focus()
    page.keyboard.insert_text(link)  # the third: pasted
    to_now = page.get_by_role("button", name=f"Assign {name} to Now", exact=True)
    expect(to_now).to_be_visible()
    to_now.press("Enter")  # the fourth
    now = page.get_by_role("region", name="Now", exact=True)
    expect(now.locator(".what a").last).to_contain_text(name)
    said = now.get_by_role("status")
    expect(said).to_contain_text(re.compile("probably too much"))
    items = now.locator("li:has(form)").count()
    page.locator("#lighten").press("Enter")  # the fifth
    expect(page.locator("[data-toast]")).to_contain_text("to Next.")
    expect(now.locator("li:has(form)")).to_have_count(items - 2)
    # One click takes it back.
    page.keyboard.press("Control+Z")
    expect(now.locator("li:has(form)")).to_have_count(items)
    _give_hours(page, address, before)


def _give_hours(page: Page, address: str, hours: str) -> str:
    """Says how many hours a week the member has. Returns how many it was."""
    page.goto(address)
    page.locator("#fold-time").click()
    field = page.get_by_label("Hours a week")
    before = field.input_value()
    field.fill(hours)
    page.locator("#state-commitment").click()
    expect(page.locator("[data-toast]").first).to_be_visible()
    return before


def _not_assigned(page: Page, address: str) -> tuple[str, str]:
    """The address and the name of a resource that isn't in the plan."""
    page.goto(f"{address}/assign?search=Kubernetes")
    found = page.locator(".found li").filter(has=page.get_by_role("button", name=re.compile("to Now$"))).first
    button = found.get_by_role("button", name=re.compile("to Now$")).get_attribute("aria-label") or ""
    link = found.locator(".what a").get_attribute("href")
    assert link
    return link, button.removeprefix("Assign ").removesuffix(" to Now")
