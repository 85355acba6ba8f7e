"""`gate bench tour [FOLDER]`: docs/rehearsal.md by Chromium, from a clone to a Go-Live of a changed line.

Types what the page says to type and clicks what it says to click, as the personas it names. Pictures go to FOLDER.
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

from harness import Figure, show, timed
from playwright.sync_api import Browser, Page, expect, sync_playwright
from rehearsal import AFTER, BEFORE, OFFSET, PAGE, PLACES, ROOT, Story, put_away

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
HERE = OFFSET - 300  # where the platform runs whose release page is used
VERIFIED_MS = 240_000
WAIT_MS = 60_000


class Tour:
    def __init__(self, browser: Browser, story: Story, pictures: Path | None) -> None:
        self.browser, self.story, self.pictures = browser, story, pictures
        self.url = f"http://localhost:{8400 + HERE}"
        self.taken = 0

    @contextlib.contextmanager
    def as_persona(self, persona: str) -> Generator[Page]:
        """The release page of somebody, in a browser of their own."""
        context = self.browser.new_context(base_url=self.url, viewport={"width": 1280, "height": 1000})
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        page.goto("/sign-in")
        page.locator(f"form[action='/sign-in/personas/{persona}'] button").click()
        page.get_by_role("navigation", name="Main").get_by_role("link", name="Releases").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Releases")
        yield page
        context.close()

    def picture(self, page: Page, name: str) -> None:
        if self.pictures:
            self.taken += 1
            page.screenshot(path=str(self.pictures / f"{self.taken:02d}-{name}.png"), full_page=True)

    def confirm(self, page: Page, button: str) -> None:
        page.get_by_label("I have read the preview").check()
        self.picture(page, "preview")
        page.get_by_role("button", name=button).click()

    def verified(self, page: Page) -> None:
        chip = page.locator("#progress .chip.good")
        expect(chip).to_have_text("Verified: running as recorded", timeout=VERIFIED_MS)
        self.picture(page, "verified")
        page.get_by_role("link", name="Back to the releases").click()

    def promoted(self, page: Page, link: str, button: str) -> None:
        page.get_by_role("link", name=link, exact=True).click()
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
        tour.promoted(page, "Promote partners to Test", "Promote partners to Test")
        tour.promoted(page, "Promote to Staging", "Promote everything to Staging")
    story.merge(PAGE, BEFORE, AFTER)
    tour.text_at("dev", AFTER)
    tour.text_at("test", BEFORE)
    with tour.as_persona("tester") as page:
        tour.promoted(page, "Promote portal to Test", "Promote portal to Test")
        tour.text_at("test", AFTER)
        tour.promoted(page, "Promote to Staging", "Promote everything to Staging")
    went_live(tour)
    for place in PLACES:
        tour.text_at(place, AFTER)
    whole = time.monotonic() - began
    with tour.as_persona("sre") as page:
        rolled_back(tour, page)
    return [
        Figure("gate rehearse, beside a platform", f"{made:.0f} s", "<= 90 s", made <= 90),
        Figure("from a clone to a Go-Live of a changed line", f"{whole / 60:.1f} min", "<= 15 min", whole <= 900),
    ]


def went_live(tour: Tour) -> None:
    with tour.as_persona("sre") as page:
        page.get_by_role("link", name="Go-Live!").click()
        tour.confirm(page, "Propose Go-Live")
        expect(page.locator("[aria-current=step]")).to_have_text("Proposed")
    for persona in ("engineer", "release-manager"):
        with tour.as_persona(persona) as page:
            page.locator("section", has=page.get_by_role("heading", name="Under way")).get_by_role("link").first.click()
            page.get_by_role("link", name="Review and approve").click()
            tour.confirm(page, "Approve the set")
            expect(page.locator("[aria-current=step]")).to_have_text(re.compile("Proposed|Approved"))
    with tour.as_persona("sre") as page:
        proposal = page.locator("section", has=page.get_by_role("heading", name="Under way")).get_by_role("link").first
        proposal.click()
        page.get_by_role("link", name="Go live", exact=True).click()
        expect(page.locator("[data-rule=soak]")).to_be_visible()
        tour.picture(page, "soak")
        page.goto("/releases")
        page.get_by_role("button", name="Skip to the next window").click()
        page.goto("/releases")
        tour.picture(page, "skipped")
        proposal.click()
        page.get_by_role("link", name="Go live", exact=True).click()
        tour.confirm(page, "Go live with the set")
        tour.verified(page)


def rolled_back(tour: Tour, page: Page) -> None:
    """Test goes back to its set before; what left it is held, until somebody lifts the hold."""
    page.get_by_text("Roll an environment back").click()
    page.locator("#rollback-form").get_by_label("Environment").select_option("test")
    page.get_by_role("button", name="Preview rollback").click()
    tour.confirm(page, "Roll Test back")
    tour.verified(page)
    tour.text_at("test", BEFORE)
    expect(page.get_by_text("portal is held in Test, release")).to_be_visible()
    tour.picture(page, "held")
    page.get_by_role("button", name="Lift the hold portal").click()
    expect(page.get_by_text("portal is held in Test, release")).to_have_count(0)


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
