"""5,000 keystrokes into one note while the network is cut ten times, the services are killed twice, the tab is closed
and the session expires: the text is the one that was typed. And finishing, killed at any moment, applies once.
"""

import contextlib
import os
import random
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, Request

from gatehouse_local.runner import control
from gatehouse_local.runner.control import RunnerClient
from gatehouse_local.testing.shared_process import Facts, shared
from gatehouse_local.testing.waiting import until

from ..journeys.conftest import chromium

__all__ = ["chromium"]

KEYS = int(os.environ.get("GATEHOUSE_KEYSTROKES", "5000"))
CUTS = 10
NOTES = "[data-draft$='/answers/notes']"
NOAH = "019a0000-0001-7000-8000-000000000002"
WORDS = [
    "the",
    "member",
    "asked",
    "why",
    "a",
    "margin",
    "collapses",
    "and",
    "we",
    "drew",
    "two",
    "boxes",
    "é",
    "ñ",
    "ß",
    "学",
    "🙂",
    "then",
    "it",
    "was",
    "clear",
]
# Collects how long each change of a text took until its island says that this device has it.
UNTIL_KEPT = """
window.keptAfter = []
let typed = []
addEventListener('input', () => typed.push(performance.now()), true)
new MutationObserver(() => {
  if (!typed.length || document.querySelector('[data-kept=no]')) return
  keptAfter.push(...typed.map((at) => (performance.now() - at) / 1000))
  typed = []
}).observe(document, { attributeFilter: ['data-kept'], subtree: true })
"""
pytestmark = [pytest.mark.deep, pytest.mark.browser, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def institute(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facts]:
    with shared(tmp_path_factory.mktemp("writing"), "platform", timeout=240) as facts:
        yield facts


def typed(count: int) -> Iterator[tuple[str, str]]:
    """(key, the text after it): words, with slips that are taken back, as people type."""
    draw, text = random.Random(7), ""
    made = 0
    while made < count:
        word = draw.choice(WORDS) + draw.choice((" ", " ", " ", ". ", ",\n"))
        slip = draw.choice("xyz") if draw.random() < 0.15 else ""
        for key in [*word[:2], *([slip, "Backspace"] if slip else []), *word[2:]]:
            text = text[:-1] if key == "Backspace" else text + key
            yield ("Enter" if key == "\n" else key), text
            made += 1
            if made == count:
                return


def kill(state: str, *services: str) -> None:
    address = control.find(Path(state))
    assert address is not None
    for one in RunnerClient(address).report().resources:
        if one.name in services and one.pid is not None:
            os.kill(one.pid, signal.SIGKILL)


def sign_in(page: Page, url: str) -> None:
    page.goto(f"{url}/sign-in")
    page.locator("form[action='/sign-in/personas/mentor'] button").click()
    page.get_by_role("heading", name=re.compile("Welcome")).wait_for()


def _loads(page: Page, address: str) -> bool:
    answer = page.goto(address)
    return answer is not None and answer.ok


class Typist:
    """Somebody who types into one note, on a page that is closed and opened again.

    Attributes:
        typed_at: When each keystroke was made, in seconds since the epoch, as the browser says when answers came.
        durable: Seconds until the server had each that was typed while it could be reached, in a session.
        kept: Seconds until this device had each, whatever could be reached.
        late: How many waited longer than a second, by what had happened last.
    """

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.context, self.address = context, address
        self.online = True
        self.typed_at: list[float] = []
        self.durable: list[float] = []
        self.kept: list[float] = []
        self.late: Counter[str] = Counter()
        self.happened = "nothing"
        self._after: dict[str, int] = {}
        self._acknowledged = 0
        self._killed: tuple[float, int] | None = None
        self.back_after: list[float] = []
        context.add_init_script(UNTIL_KEPT)
        self.page = self.open()

    def open(self) -> Page:
        page = self.context.new_page()
        page.on("requestfinished", self._noted)
        until(lambda: _loads(page, self.address), "the page, after a kill", seconds=60)
        page.locator("html[data-drafts=ready]").wait_for(state="attached")
        page.locator("#text-notes").evaluate("field => field.setSelectionRange(field.value.length, field.value.length)")
        page.locator("#text-notes").focus()
        return page

    def reopen(self) -> None:
        """Closes the page once this device has the last keystroke: in milliseconds; no person is quicker."""
        self.page.locator(f"{NOTES}:not([data-kept=no])").wait_for(state="attached")
        self.kept += self.page.evaluate("() => keptAfter")
        self.page.close()
        self.page = self.open()

    def cut(self, offline: bool) -> None:
        self.context.set_offline(offline)
        self.online = not offline and self._is_signed_in
        self._acknowledged = len(self.typed_at)

    def killed(self) -> None:
        """Until the server answers again nothing can be on it: how long that is is told apart."""
        self._killed = time.time(), len(self.typed_at)

    def expire(self) -> None:
        self.online = False
        self.context.clear_cookies(name=re.compile("session"))

    def type(self, key: str, text: str) -> None:
        if key in ("Enter", "Backspace"):
            self.page.keyboard.press(key)
        else:
            self.page.keyboard.insert_text(key)
        self.typed_at.append(time.time())
        self._after[text] = len(self.typed_at)

    def sign_in_again(self) -> None:
        """In another tab, as the dialog offers; the page that was written on finds out."""
        if self._is_signed_in:
            return
        other = self.context.new_page()
        other.goto(f"{self.address.partition('/encounters/')[0]}/sign-in?then=/signed-in")
        other.locator("form[action='/sign-in/personas/mentor'] button").click()
        other.get_by_role("heading", name="You are signed in").wait_for()
        self.online, self._acknowledged = True, len(self.typed_at)
        other.close()

    @property
    def _is_signed_in(self) -> bool:
        return any("session" in one.get("name", "") for one in self.context.cookies())

    def _noted(self, request: Request) -> None:
        """What the server acknowledged is durable, with all that was typed before."""
        answer = request.response() if request.method == "PUT" and self.online else None
        if answer is None or answer.status != 200:
            return
        at = (request.timing["startTime"] + request.timing["responseEnd"]) / 1000
        upto = self._after.get((request.post_data_json or {}).get("text"), 0)
        if self._killed is not None and upto > self._killed[1]:
            self.back_after.append(at - self._killed[0])
            self._killed, self._acknowledged = None, max(self._acknowledged, upto)
        waited = [max(0, at - one) for one in self.typed_at[self._acknowledged : upto]]
        self.durable += waited
        self.late[self.happened] += sum(one > 1 for one in waited)
        self._acknowledged = max(self._acknowledged, upto)


def figures(seconds: list[float]) -> str:
    ranked = sorted(seconds)
    middle, late = (ranked[int(len(ranked) * share)] for share in (0.5, 0.99))
    return f"p50 {middle:.3f} s, p99 {late:.3f} s, at most {ranked[-1]:.2f} s of {len(ranked)}"


def test_no_character_is_lost(chromium: Any, institute: Facts) -> None:
    context = chromium.new_context(base_url=institute["url"])
    context.set_default_timeout(60_000)
    first = context.new_page()
    sign_in(first, institute["url"])
    first.locator("#meet").click()
    first.locator("html[data-drafts=ready]").wait_for(state="attached")
    typist = Typist(context, first.url)
    first.close()
    draw = random.Random(11)
    events = ["cut"] * CUTS + ["kill", "kill", "close", "expire"]
    draw.shuffle(events)
    due = dict(zip(sorted(draw.sample(range(50, KEYS - 50), len(events))), events, strict=True))
    back_at, signed_in_at, text = -1, -1, ""
    began = time.monotonic()
    for number, (key, text) in enumerate(typed(KEYS)):
        typist.happened = due.get(number, typist.happened)
        match due.get(number):
            case "cut":
                typist.cut(True)
                back_at = number + draw.randint(20, 200)
            case "kill":
                kill(institute["state"], "encounter", "portal")
                typist.killed()
            case "close":
                typist.cut(False)  # a page can't be opened without a network, or a session
                typist.sign_in_again()
                typist.reopen()
            case "expire":
                typist.cut(False)
                typist.expire()
                signed_in_at = number + 150
        if number == back_at:
            typist.cut(False)
        if number == signed_in_at:
            typist.cut(False)  # nobody signs in without a network
            typist.sign_in_again()
        typist.type(key, text)
    speed = KEYS / (time.monotonic() - began)
    typist.cut(False)
    typist.sign_in_again()
    field = typist.page.locator("#text-notes")
    assert field.input_value() == text
    typist.page.locator(f"{NOTES} .draft-state", has_text=re.compile("^Saved$")).wait_for()
    typist.reopen()
    assert typist.page.locator("#text-notes").input_value() == text
    context.close()
    print(f"{KEYS} keystrokes at {speed:.0f} a second, 0 lost")
    print(f"on this device after {figures(typist.kept)}")
    print(f"on the server, while it can be reached, after {figures(typist.durable)}")
    print(f"later than a second, by what had happened last: {dict(typist.late)}")
    print(f"after a kill the server had what was typed within {[round(one, 1) for one in typist.back_after]} s")


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.03, 0.08])
@pytest.mark.parametrize("victims", [("encounter",), ("curriculum",), ("encounter", "curriculum")])
def test_finishing_applies_once_whoever_is_killed(institute: Facts, victims: tuple[str, ...], delay: float) -> None:
    url, state = institute["url"], institute["state"]
    http = httpx.Client(base_url=url, timeout=30)
    token = http.post("/api/identity/personas/mentor/sessions").json()["access_token"]
    http.headers["Authorization"] = f"Bearer {token}"
    mentor = http.get("/api/identity/me").json()["person_id"]

    def answered(method: str, path: str, version: int | None = None, **options: Any) -> Any:
        """Repeats it, as a browser does, until it is answered."""
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        found: list[Any] = []

        def ask() -> bool:
            try:
                answer = http.request(method, path, headers=headers, **options)
            except httpx.TransportError:
                return False
            if answer.status_code >= 500:
                return False
            assert answer.status_code < 300, answer.text
            found.append(answer.json())
            return True

        until(ask, f"{method} {path}", seconds=60)
        return found[0]

    base = "/api/encounter/encounters"
    listed = answered("GET", base, params={"mentor": mentor, "member": NOAH, "state": ["planned", "open"]})["items"]
    one = next((item for item in listed if item["state"] == "open"), None)
    if one is None:
        one = answered("POST", f"{base}/{listed[0]['id']}/open", version=listed[0]["version"])
    path = f"{base}/{one['id']}"
    needed = answered("GET", f"{path}/answers/next_step")
    body = {"text": f"Go on {time.time()}", "writer": mentor}
    answered("PUT", f"{path}/answers/next_step", version=needed["version"], json=body)
    plan = answered("GET", f"/api/curriculum/curricula/{NOAH}")
    agreed = [item["id"] for item in [*plan["next"], *plan["now"]][:3]]
    periods = answered("GET", f"/api/curriculum/curricula/{NOAH}/periods", params={"total": "true"})["total"]
    later = {"planned_from": "2027-01-05T16:00:00Z", "planned_to": "2027-01-05T17:00:00Z"}
    finish = {"now_list": agreed, "next": later, "follow_ups": [{"side": "member", "text": f"Promise {one['id']}"}]}

    with httpx.Client(base_url=url, timeout=30, headers=dict(http.headers)) as other:

        def send() -> None:
            with contextlib.suppress(httpx.TransportError):
                other.post(f"{path}/finish", json=finish, headers={"If-Match": f'"{one["version"]}"'})

        sending = threading.Thread(target=send)
        sending.start()
        time.sleep(delay)  # a moment of finishing
        kill(state, *victims)
        sending.join()
    done = answered("POST", f"{path}/finish", version=one["version"], json=finish)
    assert (done["state"], done["agreed_ids"]) == ("finished", agreed)
    began = time.monotonic()

    def applied() -> bool:
        return [item["id"] for item in answered("GET", f"/api/curriculum/curricula/{NOAH}")["now"]] == agreed

    until(applied, "the agreed now-list", seconds=60)
    took = time.monotonic() - began
    after = answered("GET", f"/api/curriculum/curricula/{NOAH}/periods", params={"total": "true"})["total"]
    promised = answered("GET", path)["follow_ups"]
    assert (after, len(promised)) == (periods + 1, 1)
    print(f"killed {' and '.join(victims)} after {delay} s: applied once, {took:.1f} s after the answer")
