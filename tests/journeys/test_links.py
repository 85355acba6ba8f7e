"""What pages offer is what the server allows: for each persona, every link of every page leads to a page.

No browser: the links are in the HTML, and nothing here needs a script. Of pages that differ only in an id, a dozen are
asked for; what has a query is asked for once for each page and set of parameters.
"""

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

pytestmark = [pytest.mark.platform]

PERSONAS = (
    "member",
    "candidate",
    "mentor",
    "engineer",
    "sre",
    "tester",
    "coordinator",
    "finance",
    "marketing",
    "board",
    "admin",
    "release-manager",
    "partner",
)
MOST_PAGES = 150
MOST_ALIKE = 12
LEFT_ALONE = ("/account/sign-out-everywhere", "/account/sessions/*/end", "/scripts/*/retire")
"""Other tests of the same platform are signed in as the same persona, and meet by the same scripts."""
OF_OTHERS = re.compile(r"/mail/")
"""Mails of the local mailbox, which people in delivery can read: what they link to is for whom they were sent to, and
some links serve once."""
VOID = ("area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr")
IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


class Links(HTMLParser):
    """The addresses of links, and of forms that only read."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "a" and values.get("href"):
            self.found.append(values["href"] or "")
        if tag == "form" and values.get("method", "get") == "get" and values.get("action"):
            self.found.append(values["action"] or "")


class Buttons(HTMLParser):
    """What each submit button of a form that changes something would send: address, fields.

    A form with a field that a person has to fill in is none: the browser doesn't send it either.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self._action, self._fields, self._select = "", {}, ""
        self._area: tuple[str, bool] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._action = values["action"] if values.get("method") == "post" else ""
            self._fields = {}
        elif tag == "textarea":
            self._area = values.get("name", ""), "required" in values
            self._fields[self._area[0]] = ""
        elif tag == "input" and "required" in values and not values.get("value"):
            self._action = ""
        elif tag == "input" and values.get("name"):
            self._fields[values["name"]] = values.get("value", "")
        elif tag == "select":
            self._select = values.get("name", "")
        elif tag == "option" and self._select and (self._select not in self._fields or "selected" in values):
            self._fields[self._select] = values["value"]
        elif tag == "button" and self._action and values.get("type") == "submit" and "disabled" not in values:
            sent = {values["name"]: values.get("value", "")} if values.get("name") else {}
            self.found.append((self._action, self._fields | sent))

    def handle_data(self, data: str) -> None:
        if self._area:
            self._fields[self._area[0]] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._action = ""
        elif tag == "textarea" and self._area:
            name, required = self._area
            self._fields[name] = self._fields[name].removeprefix("\n")
            if required and not self._fields[name]:
                self._action = ""
            self._area = None
        elif tag == "select":
            self._select = ""


def sign_in(client: httpx.Client, persona: str) -> None:
    page = client.get("/sign-in")
    token = re.search(r'name="form_token" value="(\w+)"', page.text)
    if f"/sign-in/personas/{persona}" not in page.text or token is None:
        pytest.skip(f"{client.base_url} has no persona {persona}: it isn't a local environment.")
    answer = client.post(f"/sign-in/personas/{persona}", data={"form_token": token[1], "then": "/"})
    assert answer.status_code == 303, answer.text


def kind_of(address: str) -> str:
    """Addresses that differ only in the values of their query are one kind."""
    parts = urlsplit(address)
    names = sorted(re.findall(r"(\w+)=", parts.query))
    return f"{parts.path}?{'&'.join(names)}"


def pages(client: httpx.Client, url: str) -> Iterator[tuple[str, str, httpx.Response]]:
    """Every page that can be reached from the home page, with the page that links to it."""
    waiting, seen, alike = [("/", "")], set(), Counter()
    while waiting and len(seen) < MOST_PAGES:
        address, origin = waiting.pop(0)
        kind = kind_of(address)
        shape = IDS.sub("*", kind)
        if kind in seen or alike[shape] >= MOST_ALIKE:
            continue
        seen.add(kind)
        alike[shape] += 1
        answer = client.get(address)
        yield address, origin, answer
        if answer.status_code != 200 or "text/html" not in answer.headers["content-type"]:
            continue
        for link in Links(answer.text).found:
            target = urljoin(f"{url}{address}", link)
            if target.startswith(f"{url}/"):
                waiting.append((target.removeprefix(url).partition("#")[0] or "/", address))


@pytest.mark.sampled(5)
@pytest.mark.parametrize("persona", PERSONAS)
def test_every_link_leads_to_a_page(platform: Any, persona: str) -> None:
    url = platform.url.rstrip("/")
    with httpx.Client(base_url=url, headers={"Accept": "text/html"}, timeout=30) as client:
        sign_in(client, persona)
        found = [(address, origin, answer.status_code) for address, origin, answer in pages(client, url)]
    dead = [
        f"{origin} links to {address}: {status}"
        for address, origin, status in found
        if status >= 400 and not (status in (404, 410) and OF_OTHERS.match(origin))
    ]
    assert dead == []
    assert len(found) > 3


def does(action: str, fields: dict[str, str]) -> str:
    """Buttons that do the same to different things are one."""
    return (
        f"{IDS.sub('*', action)} {' '.join(fields.get(name, '') for name in ('action', 'state', 'theme', 'density'))}"
    )


class Alerts(HTMLParser):
    """What a page says at once: the text of its alerts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.said = ""
        self._tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID and (self._tags or ("role", "alert") in attrs):
            self._tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._tags and self._tags[-1] == tag:
            self._tags.pop()

    def handle_data(self, data: str) -> None:
        if self._tags:
            self.said += data.strip()


def pressed(client: httpx.Client, address: str, wanted: str) -> int:
    """The status of pressing a button of the page as it is now; 0 where one pressed before has taken it away.

    A page with an alert is an answer too, such as for what somebody else did first, or what is left to fill in.
    """
    page = client.get(address)
    offered = [one for one in Buttons(page.text).found if does(*one) == wanted]
    if not offered:
        return 0
    answer = client.post(offered[0][0], data=offered[0][1])
    return 0 if answer.status_code in (409, 422) and Alerts(answer.text).said else answer.status_code


@pytest.mark.deep
@pytest.mark.parametrize("persona", PERSONAS)
def test_every_button_is_answered(platform: Any, persona: str) -> None:
    """Each kind of button once, as the page offers it; signing out comes last."""
    url = platform.url.rstrip("/")
    with httpx.Client(base_url=url, headers={"Accept": "text/html"}, timeout=30) as client:
        sign_in(client, persona)
        places: dict[str, str] = {}
        for address, origin, answer in pages(client, url):
            if OF_OTHERS.match(origin):
                continue
            for action, fields in Buttons(answer.text).found:
                if IDS.sub("*", action) in LEFT_ALONE:
                    continue
                places.setdefault(does(action, fields), address)
        refused = []
        for wanted in sorted(places, key=lambda one: one.startswith("/sign-out")):
            status = pressed(client, places[wanted], wanted)
            if status == 412:  # a mail about it was just sent, which changed it
                status = pressed(client, places[wanted], wanted)
            if status >= 400:
                refused.append(f"{places[wanted]} offers {wanted}: {status}")
    assert refused == []
    assert any(one.startswith("/sign-out") for one in places)
