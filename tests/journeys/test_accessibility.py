"""axe-core (Deque's engine, MPL-2.0, used by tests only) finds nothing on any persona's pages, and the focus stays.

The deep run visits every persona's pages in every mode. One of bounded length looks at each page in two of the four:
most pages are several personas', whose turns differ.
"""

import os
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from gatehouse_local.testing.pytest_plugin import DEEP_SECONDS

from .conftest import NARROW, WIDE
from .test_links import IDS, PERSONAS

pytestmark = [pytest.mark.browser, pytest.mark.platform]

HIGH = 900
MODES = {
    "light": (WIDE, "light", "none"),
    "dark": (WIDE, "dark", "none"),
    "narrow": (NARROW, "light", "none"),
    "forced colours": (WIDE, "light", "active"),
}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
MOST_PAGES = 25
# What is downloaded, and no page.
FILES = re.compile(r"\.(ics|json|jwt|pdf|png)$|/files?(/|$)|/(csv|md|pdf)$")


def set_mode(page: Page, mode: str) -> None:
    width, scheme, forced = MODES[mode]
    page.set_viewport_size({"width": width, "height": HIGH})
    page.emulate_media(color_scheme=scheme, forced_colors=forced)  # ty: ignore[invalid-argument-type] - literals in MODES


def findings(page: Page, where: str) -> list[str]:
    """What axe finds on the page as it is: rule, first element, and why."""
    # With forced colours axe would judge by -webkit-text-fill-color, which Chromium reports as the page's own; drawn is
    # the reader's colour, as `color` says.
    forced = page.evaluate("matchMedia('(forced-colors: active)').matches")
    result = Axe().run(page, options=RULES | {"rules": {"color-contrast": {"enabled": not forced}}}).response
    assert result["passes"], f"axe ran no rule on {where}"
    found = []
    for one in result["violations"]:
        first = one["nodes"][0]
        found.append(f"{where}: {one['id']} ({len(one['nodes'])}): {first['html'][:120]}: {first['failureSummary']}")
    return found


def pages(page: Page) -> Iterator[str]:
    """The addresses of this person's pages from the home page on, one of each shape; each is open when it comes."""
    waiting, shapes = ["/"], set()
    while waiting and len(shapes) < MOST_PAGES:
        address = waiting.pop(0)
        shape = IDS.sub("*", address)
        if shape in shapes or FILES.search(shape) or re.fullmatch(r"/admin/(?!identity).*", shape):  # alike
            continue
        shapes.add(shape)
        page.goto(address)
        yield address
        links = page.locator("a[href^='/']").evaluate_all("links => links.map(link => link.getAttribute('href'))")
        waiting += [
            path
            for link in links
            if (path := urlsplit(link).path) and "/api/" not in path and not path.startswith("/go/")
        ]


@pytest.mark.deep
def test_axe_finds_nothing_on_any_page(open_browser) -> None:
    page = open_browser("admin")
    found = []
    for index, address in enumerate(pages(page)):
        mode = [*MODES][index % len(MODES)]
        set_mode(page, mode)
        page.reload()  # colours that change at once, without a transition
        found += findings(page, f"{address} ({mode})")
    assert found == []


@pytest.mark.deep
@pytest.mark.parametrize("persona", PERSONAS)
def test_axe_finds_nothing_for_anybody_in_any_mode(open_browser, persona: str) -> None:
    page = open_browser(persona)
    found = []
    every = DEEP_SECONDS not in os.environ
    for turn, address in enumerate(pages(page), start=[*PERSONAS].index(persona)):
        for mode in MODES if every else [*MODES][turn % 2 :: 2]:
            set_mode(page, mode)
            page.reload()
            found += findings(page, f"{address} ({mode})")
    assert found == []


def acted(page: Page, what: str) -> None:
    """Waits for the toast of an action; the focus is on something that was there for it, never on the body."""
    expect(page.locator("[data-toast]")).to_be_visible()
    expect(page.locator(".htmx-request")).to_have_count(0)
    expect(page.locator(":focus"), what).to_have_count(1)  # nothing is when the body has it
    page.locator("[data-toast]").evaluate_all("toasts => toasts.forEach(toast => toast.remove())")


@pytest.mark.deep
def test_no_state_of_a_curriculum_has_findings_or_loses_the_focus(open_browser) -> None:
    page = open_browser("mentor")
    # Other modules change other members' curricula on the same platform meanwhile.
    page.goto(page.get_by_role("link", name="Kavya Iyer").get_attribute("href") or "")
    assign_to_next(page)
    now = page.get_by_role("region", name="Now", exact=True)
    for fold in ("Plan the next period", "Time for learning"):
        now.locator("summary", has_text=fold).click()
    found = findings(page, "planning")
    region = page.get_by_role("region", name="Next", exact=True)
    region.locator("details:not(.menu)").evaluate_all("all => all.forEach(one => { one.open = true; })")
    region.locator("summary", has_text="More for").first.click()
    found += findings(page, "menu")
    region.get_by_role("button", name=re.compile("^Mark as done")).first.press("Enter")
    expect(page.locator("[data-toast]")).to_be_visible()
    set_mode(page, "dark")
    found += findings(page, "toast")
    page.locator("#undo").press("Enter")
    expect(page.locator("[data-toast]")).to_contain_text("Undone")
    acted(page, "Undo")
    page.get_by_label("Find a resource or a path").fill("Engineer Kit")
    page.get_by_role("button", name="Assign Engineer Kit to Later", exact=True).press("Enter")
    confirmation = page.get_by_role("region", name="Assign all of “Engineer Kit”?")
    expect(confirmation).to_be_visible()
    set_mode(page, "narrow")
    found += findings(page, "confirmation")
    assign_to_next(page)
    assert found == []


def assign_to_next(page: Page) -> None:
    page.get_by_label("Find a resource or a path").fill("accessib")
    page.get_by_role("button", name=re.compile(r"^Assign .+ to Next$")).first.press("Enter")
    acted(page, "Assign")


def test_the_palette_opens_by_keyboard_finds_and_gives_the_focus_back(open_browser) -> None:
    page = open_browser("coordinator")
    page.goto("/paths")
    page.get_by_role("link", name="Members", exact=True).focus()
    page.keyboard.press("/")
    words = page.get_by_role("searchbox", name="Find a page, a person")
    expect(words).to_be_focused()
    words.fill("noah")
    hit = page.locator("#palette-found").get_by_role("link", name=re.compile("^Noah Adeyemi"))
    expect(hit).to_be_visible()
    assert findings(page, "palette") == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Members", exact=True)).to_be_focused()
    held = []

    def hold(request: Route) -> None:
        held.append(request)

    page.route("**/find?*", hold)
    with page.expect_request("**/find?*"):
        page.keyboard.press("Control+k")
    page.keyboard.press("ArrowDown")
    expect(hit).to_be_focused()
    hit.evaluate("hit => { hit.dataset.older = 'yes'; }")
    for request in held:
        request.continue_()
    expect(hit).not_to_have_attribute("data-older", "yes")  # newer results took their place
    expect(hit).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Noah Adeyemi")


@pytest.mark.deep
def test_a_services_docs_have_no_findings_and_fit(open_browser, platform) -> None:
    address = platform.services.get("person")
    if address is None:
        pytest.skip("Only the runner knows the addresses of services.")
    page = open_browser(url=address, width=NARROW, start_page="/docs", refusals=(404,))  # no icon
    page.locator("details").first.evaluate("details => { details.open = true; }")
    assert findings(page, "/docs") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW


def test_finding_works_without_javascript(open_browser) -> None:
    page = open_browser("partner", java_script_enabled=False)
    page.get_by_role("link", name="Find", exact=True).click()
    page.get_by_label("Search").fill("northwind")
    page.get_by_label("Search").press("Enter")
    page.get_by_role("link", name=re.compile("^Northwind Cooperative")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Northwind Cooperative")
