"""What a mentor writes for themself alone reaches nobody else: by no route of any service, page, event, mail or log.

The routes are those of the catalog's services, so that a new one is asked too. What only the service itself can show
(another mentor, the member's own export, erasure) is in services/encounter/tests/test_texts.py.
"""

import asyncio
import itertools
import os
import re
import uuid
from collections.abc import Iterator
from typing import Any

import asyncpg
import httpx
import pytest

from gatehouse_local.testing.pytest_plugin import DEEP_SECONDS

from ..contracts.provider_documents import CATALOG, document
from . import test_links

pytestmark = [pytest.mark.deep, pytest.mark.platform, pytest.mark.timeout(900)]

OTHERS = ("member", "candidate", "coordinator", "partner", "board", "finance", "marketing", "engineer", "admin", "")
"""Whoever isn't the author, by persona; at last a stranger."""
NOAH, MARA = "019a0000-0001-7000-8000-000000000002", "019a0000-0001-7000-8000-000000000001"
HELD = "019a0000-0033-7000-8000-000000000001"
API = "/api/encounter"
OWN_EXPORT = f"/privacy/people/{NOAH}"
"""What the member gets who asks for their data: an admin fetches it for them, behind the load balancer."""
KEPT_IN = {("encounter", table) for table in ("answer", "amendment", "note", "text_attempt", "idempotency_key")}
"""Where it is stored: nothing else gets it, so nothing else can show it."""
MOST_PAGES = 12 if DEEP_SECONDS in os.environ else 60
SOUGHT = 20
"""Of its letters, so that a page that says what was sought doesn't show it."""


def token_of(http: httpx.Client, persona: str) -> dict[str, str]:
    if not persona:
        return {}
    answer = http.post(f"/api/identity/personas/{persona}/sessions")
    if answer.status_code != 201:
        pytest.skip(f"{http.base_url} has no personas: it isn't a local environment.")
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def write(http: httpx.Client, mentor: dict[str, str], canary: str) -> str:
    """As a private text that was amended, with a reason, and a private note with a refused version. The note's id."""
    encounter = http.get(f"{API}/encounters/{HELD}", headers=mentor).json()
    body = {"prompt_key": "private_notes", "text": f"{canary} answer", "reason": f"{canary} reason"}
    version = {"If-Match": f'"{encounter["version"]}"'}
    amended = http.post(f"{API}/encounters/{HELD}/amendments", json=body, headers=mentor | version)
    assert amended.status_code == 200, amended.text
    new = {"member_id": NOAH, "text": f"{canary} note", "writer": MARA}
    note = http.post(f"{API}/notes", json=new, headers=mentor)
    assert note.status_code == 201, note.text
    for text, status in (("of one page", 200), ("of another, refused", 412)):
        change = {"text": f"{canary} {text}", "writer": str(uuid.uuid4())}
        path, first = f"{API}/notes/{note.json()['id']}", {"If-Match": '"1"'}
        assert http.put(path, json=change, headers=mentor | first).status_code == status
    return note.json()["id"]


def questions(service: str, note: str, sought: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each GET of a service, for each thing that its path could name, plainly and by whom or what it can be asked."""
    for template, item in document(service)["paths"].items():
        operation = item.get("get")
        if operation is None:
            continue
        names = re.findall(r"{(\w+)", template)
        by_name = [_values(name, template, note) for name in names]
        declared = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
        for values in itertools.product(*by_name):
            path = template
            for name, value in zip(names, values, strict=True):
                path = re.sub(rf"{{{name}[^}}]*}}", value, path)
            yield path, {}
            for name, value in (
                ("member", NOAH),
                ("person", NOAH),
                ("encounter", HELD),
                ("author", MARA),
                ("search", sought),
                ("q", sought),
            ):
                if name in declared:
                    yield path, {name: value, "limit": "200"} if "limit" in declared else {name: value}


def _values(name: str, template: str, note: str) -> tuple[str, ...]:
    if name == "key":
        return ("private_notes",)
    if name == "table":
        return ("answer", "note")
    if "note" in name:
        return (note,)
    if "encounter" in name or "/encounter" in template:
        return (HELD, NOAH)
    return (NOAH, HELD, note)


async def places(url: str, canary: str) -> set[tuple[str, str]]:
    """Every table of the whole database that has it in any column."""
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch(
            "select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE' "
            "and table_schema not in ('pg_catalog', 'information_schema')"
        )
        found = set()
        for schema, table in tables:
            query = f'select exists (select 1 from "{schema}"."{table}" t where strpos(t::text, $1) > 0)'
            if await connection.fetchval(query, canary):
                found.add((schema, table))
        return found
    finally:
        await connection.close()


def test_a_private_text_reaches_nobody_by_any_way(platform: Any) -> None:
    canary = f"canary{uuid.uuid4().hex}"
    with httpx.Client(base_url=platform.url, timeout=60) as http:
        mentor = token_of(http, "mentor")
        note = write(http, mentor, canary)
        callers = {name: token_of(http, name) for name in OTHERS}
        served = [one.name for one in CATALOG if one.name in platform.services and (one.is_api or one.kind == "web")]
        asked, told = 0, 0
        for service in served:
            for path, query in questions(service, note, canary[:SOUGHT]):
                address = f"{platform.services[service].rstrip('/')}{path}"
                for name, headers in callers.items():
                    answer = http.get(address, params=query, headers=headers)
                    if (name, service, path) != ("admin", "encounter", OWN_EXPORT):
                        assert canary not in answer.text, (name, service, path, query)
                    asked += 1
                told += service == "encounter" and canary in http.get(address, params=query, headers=mentor).text
    assert told > 4, "the author finds it by the same questions"
    assert asked > 1_000
    for name in (*OTHERS[:-1], "mentor"):
        seen = pages_with(platform.url, name, canary)
        assert (seen == []) == (name != "mentor"), (name, seen)
    kept = asyncio.run(places(platform.database_url, canary))
    assert {("encounter", "answer"), ("encounter", "note")} <= kept <= KEPT_IN
    logs = [file for file in platform.state.rglob("*.log") if canary in file.read_text(errors="replace")]
    assert logs == []
    print(f"{asked} questions to {len(served)} services; the author was told by {told}")


def test_each_sees_of_a_members_meetings_what_they_may(platform: Any) -> None:
    """On the member's page: the member, their mentor and coordinators; for all others there are none."""
    headers = {"Accept": "text/html"}
    seen = {}
    for persona in ("mentor", *OTHERS[:-1]):
        with httpx.Client(base_url=platform.url, headers=headers, timeout=60) as client:
            roles = client.get("/api/identity/me", headers=token_of(client, persona)).json()["roles"]
            coordinates = not {"coordinator", "admin"}.isdisjoint(roles)
            test_links.sign_in(client, persona)
            text = client.get(f"/members/{NOAH}").text
            ways = {"plans": f"/members/{NOAH}/series", "hands over": f"/members/{NOAH}/mentor", "summary": HELD}
            seen[persona] = {name for name, words in ways.items() if words in text}
            assert ('id="encounters"' in text) == bool(seen[persona]), persona
            meeting = client.get(f"/encounters/{HELD}")
            assert (meeting.status_code == 200) == bool(seen[persona]), persona
            assert ("/amend/" in meeting.text) == (persona == "mentor"), persona
            assert ("Open private texts" in meeting.text) == coordinates, persona
            assert coordinates == ("hands over" in seen[persona]), persona
    assert (seen["mentor"], seen["member"]) == ({"plans", "summary"}, {"summary"})
    assert seen["coordinator"] == {"hands over", "summary"}
    assert sum(bool(found) for found in seen.values()) < len(OTHERS) / 2, seen


def pages_with(url: str, persona: str, canary: str) -> list[str]:
    """Of the pages that can be reached from home, and that of the meeting, those that show it."""
    with httpx.Client(base_url=url, headers={"Accept": "text/html"}, timeout=60) as client:
        test_links.sign_in(client, persona)
        found = itertools.islice(test_links.pages(client, url.rstrip("/")), MOST_PAGES)
        shown = [(address, answer.text) for address, _, answer in found]
        for address in (f"/encounters/{HELD}", f"/members/{NOAH}", f"/find?q={canary[:SOUGHT]}", "/account/reads"):
            shown.append((address, client.get(address).text))
        return [address for address, text in shown if canary in text]
