"""A thousand posts of programs: few mails leave, and who reads the form meanwhile doesn't wait.

GATEHOUSE_BOT_POSTS=1000 for the full figure; the test prints how long the form took beside them.
"""

import asyncio
import os
import sys
import time
from typing import Any

import pytest

from gatehouse_intake.application.rules import MOST_MAILS
from gatehouse_intake.tables import DB

API = "/api/intake/applications"
POSTS = int(os.environ.get("GATEHOUSE_BOT_POSTS", "150"))
AT_ONCE = 8
AGREED = [{"kind": kind, "document_version": "2026-1"} for kind in ("code_of_conduct", "data_processing")]
KINDS = ("trap", "quick", "no work", "wrong work", "foreign form", "the same form", "another form")


def post_of(desk: Any, number: int, same: str) -> tuple[str, dict[str, Any]]:
    kind = KINDS[number % len(KINDS)]
    form = desk.form(opened_before=1 if kind == "quick" else 10)
    body = {"form": form, "name": "Zoë 🌱 O'Neil", "email": f"victim{number % 3}@example.org", "knows": "x"}
    body |= {"hours_month": 4, "consents": AGREED}
    if kind == "foreign form":
        return kind, body | {"form": f"{form[:-4]}beef", "proof": "e30="}
    if kind == "no work":
        return kind, body
    if kind == "wrong work":
        return kind, body | {"proof": "eyJzb2x1dGlvbiI6eyJjb3VudGVyIjotMX19"}
    body |= {"form": same} if kind == "the same form" else {}
    return kind, desk.proven(body | ({"website": "https://spam.example"} if kind == "trap" else {}))


@pytest.mark.deep
async def test_programs_cause_at_most_five_mails_an_address_a_day(desk: Any) -> None:
    same, line = desk.form(), asyncio.Semaphore(AT_ONCE)
    answers: dict[str, set[int]] = {kind: set() for kind in KINDS}
    waits: list[float] = []

    async def sends(number: int) -> None:
        address = {"X-Forwarded-For": f"203.0.113.{number % 200}"}
        async with line:
            kind, body = post_of(desk, number, same)
            answers[kind].add((await desk.service.post(API, json=body, headers=address)).status_code)
            if number % 10 == 0:
                began = time.perf_counter()
                assert (await desk.service.get("/api/intake/form")).status_code == 200
                waits.append(time.perf_counter() - began)

    await asyncio.gather(*(sends(number) for number in range(POSTS)))
    for kind in ("trap", "quick", "no work", "wrong work", "foreign form"):
        assert answers[kind] <= {400, 429}, kind
    assert answers["the same form"] | answers["another form"] <= {202, 429}
    mails = "select email, sum(mails) from intake.application where email like 'victim%' group by email"
    asked = {row["email"]: row["sum"] for row in await DB.fetch(mails)}
    assert asked
    assert max(asked.values()) <= MOST_MAILS
    wanted = (
        "select count(*) from intake.event e join intake.application a on a.id = e.subject_id "
        "where a.email like 'victim%'"
    )
    assert await DB.fetchval(wanted) == sum(asked.values())
    assert desk.asked() == (0, 0), "person hears of nobody"
    waits.sort()
    figures = f"the form p95 {waits[int(len(waits) * 0.95)] * 1000:.0f} ms of {len(waits)}"
    sys.stdout.write(f"{POSTS} posts: {asked}; {figures}\n")
