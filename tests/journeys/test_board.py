"""Whoever has the role of the board reads no person's name, address, notes or pace: over no API, and on no page.

Everything that can be read is asked for as the test data's board member. In no answer stands what the test data has of
anybody else.
"""

import html
import io
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from pypdf import PdfReader

from gatehouse_catalog import find_root, load_catalog

from .test_links import IDS, pages, sign_in

pytestmark = [pytest.mark.platform]

ROOT = find_root()
APIS = [service.name for service in load_catalog(ROOT) if service.kind == "api"]
MADE_UP = "019a0000-0000-7000-8000-00000000dead"
ORGANISATIONS = ("partner", "organization")  # donors whose names are no person's
IN_MEMOS = ("E. Marsh", "T. Okoro")
OWN = "019a0000-0001-7000-8000-000000000010"
# Who looked at what of oneself is everybody's to know.
OWN_READS = f"/api/person/people/{OWN}/reads"
OWN_READS_PAGE = "/account/reads"
TEXTS = {
    "person/person": ("name", "email", "phone"),
    "person/profile": ("bio",),
    "identity/account": ("name", "email"),
    "partner/contact": ("name", "email", "phone"),
    "ledger/donor": ("name", "email", "address"),
    "ledger/payee": ("name",),
    "encounter/note": ("text",),
    "encounter/answer": ("text",),
    "encounter/follow_up": ("text",),
    "encounter/encounter": ("summary",),
    "curriculum/goal": ("text",),
    "intake/application": ("name", "email", "why"),
    "intake/sign_up": ("name", "email", "goal"),
}
"""Of each table, what is about people or written by them."""
PACE = re.compile(r'"(?:pace|mean|minutes_per_week|budget_minutes|low_minutes|high_minutes)":')
ASKED = {
    "year": "2025",
    "as_of": "2026-09-30",
    "from_on": "2024-01-01",
    "to_on": "2026-11-30",
    "report": "activities",
    "url": "https://example.org",
}
"""Values of parameters that an operation can't be called without."""
FOUND_ABOUT = 50  # operations that tell the board something; were there fewer, this test would ask for the wrong ones


def rows_of(table: str) -> list[dict[str, Any]]:
    service, name = table.split("/")
    file = ROOT / "services" / service / "database" / "test-data" / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else []


def secrets() -> frozenset[str]:
    """At least eight characters, so that no other word has one in it."""
    rows = ((row, of) for table, of in TEXTS.items() for row in rows_of(table) if is_of_another(row))
    texts = {str(row.get(field) or "") for row, of in rows for field in of}
    return frozenset(text.casefold() for text in {*texts, *IN_MEMOS} if len(text) >= 8)


def is_of_another(row: dict[str, Any]) -> bool:
    """Of a person who isn't the board's member themself."""
    return row.get("kind") not in ORGANISATIONS and OWN not in (row["id"], row.get("person_id"))


def text_of(answer: httpx.Response) -> str:
    if answer.content.startswith(b"%PDF"):
        return " ".join(" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(answer.content)).pages)
    return html.unescape(answer.text)


def named_in(answer: httpx.Response, wanted: frozenset[str]) -> list[str]:
    said = text_of(answer).casefold()
    return [f"{answer.request.url}: {word}" for word in wanted if word in said]


def reads(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The addresses that only some may read, lists first, so that their ids are known."""
    for path, methods in sorted(document["paths"].items(), key=lambda one: one[0].count("{")):
        if "get" in methods and path.startswith("/api/") and methods["get"]["x-gatehouse-allows"] != "anyone":
            yield path, methods["get"]


def addresses(path: str, service: str, listed: dict[str, str]) -> set[str]:
    """With an id that the list tells, and with the first of the test data, which may be another's."""
    told = listed.get(path.partition("/{")[0])
    return {
        re.sub(r"\{(\w+)\}", lambda name, id=id: ASKED.get(name[1]) or id or an_id(service, name[1]), path)
        for id in (told, None)
    }


def an_id(service: str, name: str) -> str:
    """Made up where the test data has none."""
    stem = name.removesuffix("_id")
    rows = rows_of(f"{service}/{stem}") or rows_of(f"person/{stem}")
    return rows[0].get("id", MADE_UP) if rows else MADE_UP


def needed(operation: dict[str, Any], account: str) -> dict[str, str]:
    given = ASKED | {"account": account}
    asked = [one for one in operation.get("parameters", ()) if one["in"] == "query" and one.get("required")]
    return {one["name"]: given[one["name"]] for one in asked if one["name"] in given}


def test_no_api_tells_the_board_of_anybody(platform: Any) -> None:
    if not platform.services:
        pytest.skip("the services' own ports aren't known here")
    wanted, told, problems = secrets(), 0, []
    with httpx.Client(base_url=platform.url, timeout=30) as client:
        answer = client.post("/api/identity/personas/board/sessions")
        if answer.status_code != 201:
            pytest.skip("there are no personas here")
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        account = client.get("/api/ledger/accounts").json()["items"][0]["id"]
        for service in APIS:
            document = client.get(f"{platform.services[service]}/openapi.json").json()
            listed: dict[str, str] = {}
            for path, operation in reads(document):
                for address in addresses(path, service, listed) - {OWN_READS}:
                    answer = client.get(address, params=needed(operation, account))
                    if answer.status_code != 200:
                        problems += [f"{address}: {answer.text}"] * (answer.status_code not in (204, 401, 403, 404))
                        continue
                    told += 1
                    problems += named_in(answer, wanted)
                    problems += [f"{address}: {one}" for one in PACE.findall(answer.text)]
                    items = answer.json().get("items") if answer.text.startswith("{") else None
                    if items and "id" in items[0]:
                        listed[path] = items[0]["id"]
    assert problems == [], "\n".join(problems)
    assert told >= FOUND_ABOUT


@pytest.mark.deep
def test_no_page_tells_the_board_of_anybody(platform: Any) -> None:
    url, wanted, kinds, problems = platform.url.rstrip("/"), secrets(), set(), []
    with httpx.Client(base_url=url, headers={"Accept": "text/html"}, timeout=30) as client:
        sign_in(client, "board")
        for address, _, answer in pages(client, url):
            kinds.add(IDS.sub("*", address.partition("?")[0]))
            if urlsplit(address).path != OWN_READS_PAGE:
                problems += named_in(answer, wanted)
    assert problems == [], "\n".join(problems)
    assert {"/books", "/books/board", "/books/taxes", "/partners", "/partners/*"} <= kinds
