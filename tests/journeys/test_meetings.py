"""A mentor meets a member: three clicks from Home to Done, and what is typed is there whatever happens meanwhile."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.platform]

ANSWER = "[data-draft$='/answers/{}']"


def ready(page: Page) -> None:
    """The island has taken up what an earlier page left."""
    page.locator("html[data-drafts=ready]").wait_for(state="attached")


def said(page: Page, key: str, text: str) -> None:
    expect(page.locator(f"{ANSWER.format(key)} .draft-state")).to_contain_text(text)


def meet(page: Page, name: str) -> None:
    """Begins the meeting with that member, or goes on with it."""
    page.goto("/")
    if name in page.locator("#next-meeting").inner_text():
        page.locator("#meet").click()
    else:
        page.get_by_role("region").get_by_role("link", name=name, exact=True).first.click()
        page.get_by_role("heading", level=1).filter(has_text="Meeting").wait_for()
        if page.locator("#meet").count():
            page.locator("#meet").click()
    ready(page)


@pytest.mark.deep
def test_a_mentor_meets_writes_and_agrees_by_keyboard_and_three_clicks(open_browser) -> None:
    page = open_browser("mentor")
    meet(page, "Noah Adeyemi")  # the first click
    page.locator("#text-confidence").fill("")
    page.locator("#text-since").fill("")
    page.keyboard.type("Finished the exercises.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#text-confidence")).to_be_focused()
    page.keyboard.type("/p Unsure of himself.")
    expect(page.locator("#text-confidence")).to_have_value("Unsure of himself.")
    said(page, "confidence", "Saved")
    page.locator("#text-next_step").fill("The landing page.")
    page.locator("#text-summary").fill("Flexbox works; the landing page is next.")
    page.get_by_role("link", name="Finish").click()  # the second
    expect(page.locator("#finish-title")).to_be_focused()
    chosen = page.get_by_role("group", name="To learn until then").get_by_role("checkbox")
    for number in range(chosen.count()):
        chosen.nth(number).set_checked(number == 1)
    agreed = chosen.nth(1).locator("xpath=..").inner_text().removesuffix("(now)").strip()
    page.locator("[name=promise-0]").fill("Show the landing page")
    said(page, "summary", "Saved")
    page.locator("#done").click()  # the third
    expect(page.locator("[data-toast]")).to_contain_text("Finished.")
    expect(page.locator("#encounters")).to_contain_text("Flexbox works; the landing page is next.")
    now = page.get_by_role("region", name="Now", exact=True).locator(".what a")
    for _ in range(20):  # curriculum follows the event
        if now.count() == 1:
            break
        page.wait_for_timeout(250)
        page.reload()
    expect(now).to_have_count(1)
    expect(now).to_contain_text(agreed)
    member = open_browser("member")
    expect(member.locator("#my-meetings").locator("xpath=../..")).to_contain_text("Show the landing page")
    member.get_by_role("link", name=re.compile("^Last met")).click()
    expect(member.locator("main")).to_contain_text("Finished the exercises.")
    expect(member.locator("main")).not_to_contain_text("Unsure of himself.")


@pytest.mark.deep
def test_what_is_typed_survives_the_network_the_tab_and_the_session(open_browser) -> None:
    # 403: the meter asks for a forecast while the session is away.
    page = open_browser("mentor", refusals=(401, 403, 412, 503))
    context = page.context
    meet(page, "Ava Castellanos")
    address = page.url
    field = page.locator("#text-since")
    field.fill("")
    field.press_sequentially("On the server. ", delay=2)
    said(page, "since", "Saved")
    # The tab closes before anything leaves it.
    page.route("**/bff/encounter/**", lambda route: route.fulfill(status=503))
    field.press_sequentially("In the tab. ", delay=2)
    said(page, "since", "Kept on this device")
    page.close()
    page = context.new_page()
    page.goto(address)
    ready(page)
    field = page.locator("#text-since")
    expect(field).to_have_value("On the server. In the tab. ")
    # Empty where the closing page could send it after all.
    expect(page.locator(f"{ANSWER.format('since')} .draft-state")).to_have_text(re.compile("^(Saved)?$"))
    # The session ends: what is typed waits for the same person.
    cookies = [cookie for cookie in context.cookies() if "session" in cookie["name"]]
    context.clear_cookies(name=re.compile("session"))
    field.press("Control+End")  # it stands at the beginning where the page came with the text
    field.press_sequentially("Signed out. ", delay=2)
    expect(page.get_by_role("alertdialog", name="Sign in again")).to_be_visible()
    field.press_sequentially("Going on. ", delay=2)
    context.add_cookies(cookies)
    expect(page.get_by_role("alertdialog")).to_have_count(0)
    said(page, "since", "Saved")
    # Another page writes the same, and something else.
    other = context.new_page()
    other.goto(address)
    ready(other)
    expect(other.locator("#text-since")).to_have_value("On the server. In the tab. Signed out. Going on. ")
    other.locator("#text-since").press("End")
    other.locator("#text-since").press_sequentially("Other.")
    other.locator("#text-stuck").fill("Elsewhere")
    said(other, "stuck", "Saved")
    said(other, "since", "Saved")
    field.press("End")
    field.press_sequentially("Mine.")
    shown = page.locator(".draft-other textarea")
    expect(shown).to_have_value("On the server. In the tab. Signed out. Going on. Other.")
    page.get_by_role("button", name="Put both together").click()
    said(page, "since", "Saved")
    page.reload()
    ready(page)
    expect(page.locator("#text-since")).to_have_value(re.compile(r"Mine\.\s+On the server.*Other\."))
    expect(page.locator("#text-stuck")).to_have_value("Elsewhere")
    page.locator("#kept summary").click()
    expect(page.locator("#kept")).to_contain_text("Going on. Mine.")


@pytest.mark.deep
def test_signing_out_with_unsaved_text_asks(open_browser) -> None:
    page = open_browser("mentor")
    meet(page, "Ava Castellanos")
    page.route("**/bff/encounter/**", lambda route: None)  # never answered
    text = f"Not saved yet: {uuid4()}"
    page.locator("#text-show").fill(text)
    page.locator("header details.menu summary").last.click()
    page.get_by_role("button", name="Sign out").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("isn’t saved yet")
    dialog.get_by_role("button", name="Stay signed in").click()
    expect(page.locator("#text-show")).to_have_value(text)
    page.unroute_all()


@pytest.mark.deep
def test_the_meeting_works_without_javascript(open_browser) -> None:
    page = open_browser("mentor", java_script_enabled=False)
    page.goto("/")
    page.goto(page.locator("#meet").get_attribute("href") or page.url)
    if page.locator("#meet").count():
        page.locator("#meet").click()
    page.locator("#text-notes").fill("Without a script")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#text-notes")).to_have_value("Without a script")
