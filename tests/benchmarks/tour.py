"""`gate bench tour [FOLDER]`: docs/rehearsal.md by Chromium, from a clone to a Go-Live of a changed line.

Types what the page says to type and clicks what it says to click, as the personas it names: a label that the page
doesn't name ends the tour. Pictures go to FOLDER.
"""

import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import Literal

from harness import Figure, show, timed
from playwright.sync_api import Browser, Page, expect, sync_playwright
from rehearsal import (
    AFTER,
    BAD,
    BAD_IN_TEST,
    BEFORE,
    BROKEN,
    GOOD,
    OFFSET,
    PAGE,
    PLACES,
    ROOT,
    SETTLED_SECONDS,
    Story,
    put_away,
)

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
HERE = OFFSET - 300  # where the platform runs whose release page is used
TOLD = " ".join((ROOT / "docs" / "rehearsal.md").read_text(encoding="utf-8").split())
VERIFIED_MS = 240_000
WAIT_MS = 60_000
MAIL_SECONDS = 120.0  # main is looked at every half minute


class Tour:
    def __init__(self, browser: Browser, story: Story, pictures: Path | None) -> None:
        self.browser, self.story, self.pictures = browser, story, pictures
        self.url = f"http://localhost:{8400 + HERE}"
        self.taken = 0
        self.took: list[float] = []  # seconds that each promotion took from its confirmation on

    @contextlib.contextmanager
    def as_persona(self, persona: str) -> Generator[Page]:
        """The release page of somebody, in a browser of their own."""
        context = self.browser.new_context(base_url=self.url, viewport={"width": 1280, "height": 1000})
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        page.goto("/sign-in")
        page.locator(f"form[action='/sign-in/personas/{persona}'] button").click()
        menu = page.get_by_role("navigation", name="Main")
        expect(menu).to_be_visible()
        releases = menu.get_by_role("link", name="Releases")
        if not releases.is_visible():  # of somebody with many pages
            menu.get_by_text("More").click()
        releases.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Releases")
        yield page
        context.close()

    def press(
        self, page: Page, role: Literal["button", "link"], words: str, about: str = "", *, exact: bool = False
    ) -> None:
        """What the page calls by these words; `about`: what it is there for, as a screen reader says it."""
        assert f"*{words}*" in TOLD, f"docs/rehearsal.md names no {words}"
        page.get_by_role(role, name=words + about, exact=exact).click()

    def picture(self, page: Page, name: str) -> None:
        if self.pictures:
            self.taken += 1
            page.screenshot(path=str(self.pictures / f"{self.taken:02d}-{name}.png"), full_page=True)

    def confirm(self, page: Page, button: str) -> None:
        assert "*I have read the preview*" in TOLD
        page.get_by_label("I have read the preview").check()
        self.picture(page, "preview")
        page.get_by_role("button", name=button).click()

    def verified(self, page: Page) -> None:
        chip, began = page.locator("#progress .chip.good"), time.monotonic()
        expect(chip).to_have_text("Verified: running as recorded", timeout=VERIFIED_MS)
        self.took.append(time.monotonic() - began)
        self.picture(page, "verified")
        self.press(page, "link", "Back to the releases")

    def promoted(self, page: Page, link: str, button: str, about: str = "") -> None:
        self.press(page, "link", link, about, exact=True)
        self.confirm(page, button)
        self.verified(page)

    def text_at(self, place: str, text: str) -> None:
        """The environment's own address answers it, in the browser."""
        page = self.browser.new_page()
        page.goto(f"http://localhost:{8400 + OFFSET + 100 * PLACES.index(place)}/sign-in")
        expect(page.locator("p.lead")).to_contain_text(text)
        page.close()


def taken(tour: Tour) -> list[Figure]:
    story = tour.story
    expect.set_options(timeout=WAIT_MS)
    began = time.monotonic()
    story.gate("up", "--detach", "--port-offset", str(HERE))
    made = timed(lambda: story.gate("rehearse", "--port-offset", str(OFFSET)))
    with tour.as_persona("tester") as page:
        tour.picture(page, "first-look")
        tour.promoted(page, "Promote partners", "Promote partners to Test", " to Test")
        tour.promoted(page, "Promote to Staging", "Promote everything to Staging")
    story.merge(PAGE, BEFORE, AFTER)
    tour.text_at("dev", AFTER)
    tour.text_at("test", BEFORE)
    with tour.as_persona("tester") as page:
        tour.promoted(page, "Promote portal", "Promote portal to Test", " to Test")
        tour.text_at("test", AFTER)
        tour.promoted(page, "Promote to Staging", "Promote everything to Staging")
    went_live(tour)
    for place in PLACES:
        tour.text_at(place, AFTER)
    whole = time.monotonic() - began
    mailed(tour)
    time.sleep(SETTLED_SECONDS)
    awake = story.memory()
    with tour.as_persona("sre") as page:
        broken(tour, page)
    return [
        Figure("gate rehearse, beside a platform", f"{made:.0f} s", "<= 90 s", made <= 90),
        Figure("all four awake (PSS)", f"{awake:.0f} MiB", "<= 2560 MiB", awake <= 2560),
        Figure("the slowest promotion by buttons, to verified", f"{max(tour.took):.0f} s", "", None),
        Figure("the quickest", f"{min(tour.took):.0f} s", "<= 20 s", min(tour.took) <= 20),
        Figure("from a clone to a Go-Live of a changed line", f"{whole / 60:.1f} min", "<= 15 min", whole <= 900),
    ]


def mailed(tour: Tour) -> None:
    """Those whom it concerns were told of the proposal, the approval and the Go-Live, each with a link."""
    page = tour.browser.new_page(base_url=tour.url)
    for subject in ("a release waits for your approval", "a release is approved", "a release went live"):
        deadline = time.monotonic() + MAIL_SECONDS
        while not page.get_by_role("link", name=subject).count():
            assert time.monotonic() < deadline, f"no mail says that {subject}"
            page.goto("/mail")
            time.sleep(1)
    page.get_by_role("link", name="a release went live").first.click()
    expect(page.locator(".mail-text").first).to_contain_text(f"{tour.url}/releases/records/")
    tour.picture(page, "mail")
    page.close()


def went_live(tour: Tour) -> None:
    with tour.as_persona("sre") as page:
        tour.press(page, "link", "Go-Live!")
        tour.confirm(page, "Propose Go-Live")
        expect(page.locator("[aria-current=step]")).to_have_text("Proposed")
    for persona in ("engineer", "release-manager"):
        with tour.as_persona(persona) as page:
            page.locator("section", has=page.get_by_role("heading", name="Under way")).get_by_role("link").first.click()
            tour.press(page, "link", "Review and approve")
            tour.confirm(page, "Approve the set")
            expect(page.locator("[aria-current=step]")).to_have_text(re.compile("Proposed|Approved"))
    with tour.as_persona("sre") as page:
        proposal = page.locator("section", has=page.get_by_role("heading", name="Under way")).get_by_role("link").first
        proposal.click()
        tour.press(page, "link", "Go live", exact=True)
        expect(page.locator("[data-rule=soak]")).to_be_visible()
        tour.picture(page, "soak")
        page.goto("/releases")
        tour.press(page, "button", "Skip to the next window")
        page.goto("/releases")
        tour.picture(page, "skipped")
        proposal.click()
        tour.press(page, "link", "Go live", exact=True)
        tour.confirm(page, "Go live with the set")
        tour.verified(page)


def broken(tour: Tour, page: Page) -> None:
    """A bad release stays in Dev; rolled back, it is held; and a frozen Test takes nothing."""
    tour.story.merge(BROKEN, GOOD, BAD, refused=True)
    page.goto("/releases")
    expect(page.get_by_text("the black-box suite hasn’t passed in Dev")).to_be_visible()
    tour.picture(page, "bad")
    tour.press(page, "link", "Why")
    expect(page.locator("[data-rule=black-box]")).to_be_visible()
    rolled_back(tour, page, "dev")
    expect(page.get_by_text("partner is held in Dev, release")).to_be_visible()
    tour.picture(page, "held")
    tour.press(page, "button", "Lift the hold", " partner")
    expect(page.get_by_text("partner is held in Dev, release")).to_have_count(0)
    stopped_in_test(tour, page)
    page.get_by_text("Freeze an environment").click()
    form = page.locator("#freeze-form")
    form.get_by_label("Environment").select_option("test")
    form.get_by_label("Reason").fill("holidays")
    form.get_by_role("button", name="Freeze environment").click()
    expect(page.get_by_text("Test is frozen", exact=False).first).to_be_visible()
    tour.press(page, "button", "Unfreeze", " test")
    expect(page.get_by_text("Test is frozen")).to_have_count(0)
    tour.press(page, "link", "Take the tour")
    expect(page.get_by_role("heading", level=1)).to_have_text("From a merge to Go-Live")
    expect(page.get_by_text("Done", exact=True)).to_have_count(11)
    tour.picture(page, "tour")


def rolled_back(tour: Tour, page: Page, place: str) -> None:
    page.goto("/releases")
    page.get_by_text("Roll an environment back").click()
    page.locator("#rollback-form").get_by_label("Environment").select_option(place)
    tour.press(page, "button", "Preview rollback")
    button = f"Roll {place.capitalize()} back"
    assert f"*{button}*" in TOLD, f"docs/rehearsal.md names no {button}"
    tour.confirm(page, button)
    tour.verified(page)


def stopped_in_test(tour: Tour, sre: Page) -> None:
    """A release that Dev passes: the suite finds it bad in Test, Staging refuses it, and rolled back it is held."""
    tour.story.merge(BROKEN, BAD, BAD_IN_TEST)
    with tour.as_persona("tester") as page:
        tour.press(page, "link", "Promote partners", " to Test", exact=True)
        tour.confirm(page, "Promote partners to Test")
        expect(page.get_by_text("The black-box suite failed in Test")).to_be_visible(timeout=VERIFIED_MS)
        tour.picture(page, "bad-in-test")
        tour.press(page, "link", "Back to the releases")
        expect(page.get_by_text("this set hasn’t been verified in Test")).to_be_visible()
        expect(page.get_by_role("link", name="Promote to Staging", exact=True)).to_have_count(0)
    rolled_back(tour, sre, "test")
    expect(sre.get_by_text("partner is held in Test, release")).to_be_visible()
    sre.goto("/releases")


def main() -> None:
    pictures = Path(sys.argv[1]).absolute() if sys.argv[1:] else None
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if chromium is None:
        sys.exit("Chromium isn't installed. Fix: apt-get install chromium")
    scratch = Path(tempfile.mkdtemp(prefix="gate-tour-"))
    story = Story(scratch / "gatehouse")
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(story.clone)], check=True)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            show("The tour: where we stand", taken(Tour(browser, story, pictures)))
            browser.close()
    finally:
        put_away(story)


if __name__ == "__main__":
    main()
