"""Real people's ways through the portal, in a real Chromium.

Every page of every test is watched: an error in the console or a request to another host fails the test.
"""

import os
import re
import shutil
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

PLACES = ("chromium", "chromium-browser", "google-chrome", "/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NARROW, WIDE = 360, 1280
# What Chromium itself reports of an answer that the test asks for.
EXPECTED = "Failed to load resource: the server responded with a status of"

Open = Callable[..., Page]


def find_chromium() -> str | None:
    """CHROMIUM, or where it usually is."""
    for place in (os.environ.get("CHROMIUM"), *PLACES):
        found = shutil.which(place) if place else None
        if found:
            return found
    return None


@pytest.fixture(scope="module")  # not session: while it is open, Playwright's loop runs, and no async test could
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Generator[Browser]:
    executable = find_chromium()
    if executable is None:
        reason = "Chromium isn't installed. Fix: apt-get install chromium, or set CHROMIUM to its path"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=[*FLAGS, *sandbox])
        yield browser
        browser.close()


class Watched:
    """What went wrong on a page, or left for another host."""

    def __init__(
        self,
        base_url: str,
        refusals: tuple[int, ...],
        *,
        leads_elsewhere: bool = False,
        expects: tuple[str, ...] = (),
    ) -> None:
        self._host = urlsplit(base_url).netloc
        self._leads_elsewhere = leads_elsewhere
        self._refusals = tuple(f"{EXPECTED} {status}" for status in refusals)
        self._expects = tuple(re.compile(one) for one in expects)
        self.troubles: list[str] = []

    def watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.troubles.append(f"error in a script: {error}"))
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        expected = message.text.startswith(self._refusals or "\0") or any(
            one.match(message.text) for one in self._expects
        )
        if message.type == "error" and not expected:
            self.troubles.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        if self._leads_elsewhere and request.is_navigation_request():
            return
        if urlsplit(request.url).netloc != self._host and not request.url.startswith("data:"):
            self.troubles.append(f"request to {request.url}")


@pytest.fixture
def open_browser(chromium: Browser, platform: Any, tmp_path: Path) -> Generator[Open]:
    """`open_browser(persona)`: the home page of somebody who has just signed in, in a fresh profile.

    Without a persona it is `start_page`. `refusals`: statuses that the test provokes. `url`: another portal than
    the platform's. `leads_elsewhere`: a link of it is followed to another site. `expects`: patterns of errors in the
    console that the test provokes. `options` are those of Playwright's
    new_context.
    """
    contexts = []
    watched: list[Watched] = []

    def start(
        persona: str | None = None,
        *,
        width: int = WIDE,
        refusals: tuple[int, ...] = (),
        url: str = platform.url,
        start_page: str = "/sign-in",
        leads_elsewhere: bool = False,
        expects: tuple[str, ...] = (),
        **options: Any,
    ) -> Page:
        size = {"width": width, "height": 900}
        context = chromium.new_context(base_url=url, viewport=size, **options)  # ty: ignore[invalid-argument-type]
        context.set_default_timeout(10_000)
        contexts.append(context)
        watch = Watched(url, refusals, leads_elsewhere=leads_elsewhere, expects=expects)
        watched.append(watch)
        context.on("page", watch.watch)
        page = context.new_page()
        page.goto(start_page)
        if persona is not None:
            choice = page.locator(f"form[action='/sign-in/personas/{persona}'] button")
            if not choice.count():
                pytest.skip(f"{url} has no personas: it isn't a local environment.")
            choice.click()
            expect(page.get_by_role("heading", level=1)).to_contain_text("Welcome")
        return page

    yield start
    for context in contexts:
        context.close()
    troubles = [trouble for watch in watched for trouble in watch.troubles]
    assert troubles == []
