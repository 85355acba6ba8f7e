"""A member's way by keyboard only: from signing in to a resource, and to having it done."""

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
