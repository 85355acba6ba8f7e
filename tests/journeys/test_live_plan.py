"""Two have one plan open: what one writes or moves the other sees, offline too, and each takes back their own."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from .test_accessibility import findings

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.deep]
APART_MS = 600  # what is typed after a pause of half a second is undone by itself
OFFLINE = (r"Failed to load resource: net::ERR_INTERNET_DISCONNECTED", r"WebSocket connection to .* failed")


@pytest.fixture
def two(open_browser: Any) -> tuple[Page, Page]:
    """Mara's page and Noah's, of Noah's plan; both know of each other."""
    hers = open_browser("mentor", expects=OFFLINE)
    address = hers.locator(".cover", has_text="Noah Adeyemi").get_attribute("href")
    his = open_browser("member", expects=OFFLINE)
    for page in (hers, his):
        page.goto(address)
        expect(page.locator("#together[data-plan-ready=yes]")).to_be_visible()
    expect(hers.locator("[data-plan-people]")).to_contain_text("Noah Adeyemi is here")
    expect(his.locator("[data-plan-people]")).to_contain_text("Mara Lindgren is here")
    return hers, his


def field(page: Page, name: str) -> Locator:
    return page.get_by_label(name, exact=True)


def saved(page: Page) -> None:
    expect(page.locator("[data-plan-state]")).to_have_text("Saved")


def test_both_write_in_one_text_and_undo_only_their_own(two: tuple[Page, Page]) -> None:
    hers, his = two
    field(hers, "Goals").fill("Ship a service.")
    expect(field(his, "Goals")).to_have_value("Ship a service.")
    saved(hers)
    hers.wait_for_timeout(APART_MS)
    field(his, "Goals").focus()
    his.keyboard.press("Control+Home")
    his.keyboard.type("By June: ")
    field(hers, "Goals").focus()
    hers.keyboard.press("Control+End")
    hers.keyboard.type(" With tests.")
    for page in two:
        expect(field(page, "Goals")).to_have_value("By June: Ship a service. With tests.")
    expect(hers.locator(".shared-caret")).to_have_text("Noah")
    expect(hers.locator("[data-plan-people]")).to_contain_text("in “Goals”")
    his.wait_for_timeout(APART_MS)
    # His caret stayed behind what he wrote, and undo takes back no word of hers.
    his.keyboard.type("please ")
    expect(field(hers, "Goals")).to_have_value("By June: please Ship a service. With tests.")
    his.keyboard.press("Control+Z")
    expect(field(hers, "Goals")).to_have_value("By June: Ship a service. With tests.")
    hers.keyboard.press("Control+Z")
    expect(field(his, "Goals")).to_have_value("By June: Ship a service.")
    hers.keyboard.press("Control+Y")
    his.keyboard.press("Control+Shift+Z")
    expect(field(hers, "Goals")).to_have_value("By June: please Ship a service. With tests.")


def test_what_is_written_offline_is_there_afterwards(two: tuple[Page, Page]) -> None:
    hers, his = two
    field(hers, "Notes").fill("begin")
    expect(field(his, "Notes")).to_have_value("begin")
    for page in two:
        page.context.set_offline(True)
        expect(page.locator("#together[data-plan-socket=disconnected]")).to_be_visible()
    field(his, "Notes").focus()
    his.keyboard.press("Control+End")
    his.keyboard.type(" his")
    field(hers, "Notes").focus()
    hers.keyboard.press("Control+Home")
    hers.keyboard.type("hers ")
    for page in two:
        page.context.set_offline(False)
    for page in two:
        expect(field(page, "Notes")).to_have_value("hers begin his", timeout=30_000)
    saved(his)
    his.reload()
    expect(field(his, "Notes")).to_have_value("hers begin his")


def test_a_move_is_seen_by_the_other_who_can_take_it_back(two: tuple[Page, Page]) -> None:
    hers, his = two
    nexts = hers.locator("[data-list=next] li[data-item]")
    first = nexts.first
    id, name = first.get_attribute("data-item"), first.get_attribute("data-name")
    meter = his.locator("[data-list=now] .load").inner_text()
    grip = hers.locator(f"#grip-{id}")
    grip.focus()
    hers.keyboard.press("ArrowLeft")
    expect(hers.locator(f"[data-list=now] #item-{id}")).to_be_visible()
    expect(hers.locator("[data-toast]")).to_contain_text(f"Moved “{name}” to Now.")
    expect(grip).to_be_focused()
    expect(his.locator("[data-toast]")).to_contain_text(f"Mara Lindgren moved “{name}” from Next to Now.")
    expect(his.locator("[data-list=now] .load")).not_to_have_text(meter)
    hers.keyboard.press("Control+Z")
    expect(his.locator(f"[data-list=next] #item-{id}")).to_be_visible()
    assert hers.locator("[data-list=next] li[data-item]").first.get_attribute("data-item") == id


def test_two_who_move_at_once_do_not_hinder_each_other(two: tuple[Page, Page], open_browser: Any) -> None:
    hers, _ = two
    other = open_browser("mentor")
    other.goto(hers.url)
    expect(other.locator("#together[data-plan-ready=yes]")).to_be_visible()
    ids = [str(one.get_attribute("data-item")) for one in hers.locator("[data-list=next] li[data-item]").all()[:3]]
    # By dragging, each to the head of the list, from pages that show the same.
    for page, id in ((hers, ids[1]), (other, ids[2])):
        name = page.locator(f"#item-{id}").get_attribute("data-name")
        page.locator(f"#grip-{id}").drag_to(page.locator(f"#item-{ids[0]}"), target_position={"x": 30, "y": 3})
        expect(page.locator("[data-toast]").last).to_contain_text(f"Moved “{name}” within Next.")
    shown = [str(one.get_attribute("data-item")) for one in other.locator("[data-list=next] li[data-item]").all()[:3]]
    assert sorted(shown) == sorted(ids)
    assert shown[-1] == ids[0]


def test_why_something_is_in_the_plan_is_written_beside_it(two: tuple[Page, Page]) -> None:
    hers, his = two
    item = hers.locator("[data-list=now] li[data-item]").first
    id = item.get_attribute("data-item")
    item.locator("details.reason summary").click()
    item.locator("textarea").fill("You will need it for the pipeline.")
    his.locator(f"#item-{id} details.reason summary").click()
    expect(his.locator(f"#item-{id} textarea")).to_have_value("You will need it for the pipeline.")
    his.goto(his.url)
    expect(his.locator(f"#item-{id} textarea")).to_be_visible()
    assert not findings(his, "a plan with a reason")


def test_without_scripts_a_text_is_a_form(open_browser: Any) -> None:
    page = open_browser("member", java_script_enabled=False)
    page.get_by_role("link", name=re.compile("Go to my curriculum")).click()
    page.get_by_label("Notes", exact=True).fill("written by a form")
    page.get_by_role("button", name="Save Notes").click()
    expect(page.get_by_label("Notes", exact=True)).to_have_value("written by a form")
