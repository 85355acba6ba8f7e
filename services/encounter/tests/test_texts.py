"""What is written during an encounter: never lost, and seen by whom it is for."""

import asyncio
import json
import random
from typing import Any
from uuid import UUID, uuid4

import pytest

from gatehouse_chassis.testing import InProcessClient

from .conftest import BASE, Headers, Pair

MINE, OTHER = str(UUID(int=1)), str(UUID(int=2))
WORDS = (
    "Nguyễn Thị Ánh O'Neil, D’Angelo-Łukasiewicz “Zoë” 🌱👩🏽‍💻, नमस्ते 李小龍 <b>&amp; \\n % _ $1",
    "ליאור כהן ו-Ana, مريم بنت يوسف، ٣ صفحات, e\u0301 and é, a\u200bb, \u202eabc\u202c",
)
"""With accents, apostrophes, emoji, marks and letters from right to left."""


async def test_what_is_sent_twice_is_written_once(pair: Pair) -> None:
    id = (await pair.opened())["id"]
    first = await pair.write(id, "goal", "To build things")
    again = await pair.write(id, "goal", "To build things")
    assert first.json() == again.json()
    assert (first.json()["version"], first.headers["etag"]) == (2, '"2"')


async def test_of_two_pages_on_one_prompt_both_texts_can_be_had(pair: Pair) -> None:
    id = (await pair.opened())["id"]
    assert (await pair.write(id, "goal", "From the first page")).status_code == 200
    for text in ("From", "From the second", "From the second page"):
        late = await pair.write(id, "goal", text, writer=OTHER)
        assert late.status_code == 412
    assert (await pair.write(id, "background", "Elsewhere", writer=OTHER)).status_code == 200
    kept = (await pair.send("GET", f"/encounters/{id}/attempts", pair.as_mentor)).json()["items"]
    assert [(one["reason"], one["text"]) for one in kept] == [("refused", "From the second page")]
    current = await pair.send("GET", f"/encounters/{id}/answers/goal", pair.as_mentor)
    assert current.json()["text"] == "From the first page"
    merged = await pair.write(id, "goal", "Both", version=2, writer=OTHER)
    assert merged.status_code == 200
    kept = (await pair.send("GET", f"/encounters/{id}/attempts", pair.as_mentor)).json()["items"]
    assert {(one["reason"], one["text"]) for one in kept} == {
        ("refused", "From the second page"),
        ("replaced", "From the first page"),
    }
    assert (await pair.send("GET", f"/encounters/{id}/attempts", pair.as_member)).json()["items"] == []


async def test_200_interleaved_edits_of_two_pages_lose_nothing(pair: Pair) -> None:
    """Two pages write by turns, at once, each by what it knew: on prompts of their own, and on one together."""
    id = (await pair.opened())["id"]
    chance = random.Random(17)
    keys = {one["prompt_key"] for one in (await pair.read(id))["answers"]}
    alone = dict(zip((MINE, OTHER), sorted(keys - {"goal", "summary", "notes", "private_notes"})[:2], strict=True))
    knows = {(page, key): 1 for page in alone for key in (alone[page], "goal")}
    last: dict[tuple[str, str], str] = {}
    stands = {"goal": ""}
    refused = 0

    async def edits(page: str, number: int) -> None:
        nonlocal refused
        key = "goal" if chance.random() < 0.5 else alone[page]
        # A whole thought each, so that none is the beginning of another one.
        text = (
            f"{number:03} {page[-1]}: Nguyễn, O'Neil 🌱 ליאור, what we said about part {chance.randrange(10**9)} of it"
        )
        answer = await pair.write(id, key, text, version=knows[page, key], writer=page)
        if answer.status_code == 412:
            refused += 1
            now = (await pair.send("GET", f"/encounters/{id}/answers/{key}", pair.as_mentor)).json()
            knows[page, key] = now["version"]
        else:
            assert answer.status_code == 200, answer.text
            knows[page, key] = answer.json()["version"]
            stands[key] = text
        last[page, key] = text

    for number in range(0, 200, 2):
        await asyncio.gather(edits(MINE, number), edits(OTHER, number + 1))
    answers = {one["prompt_key"]: one["text"] for one in (await pair.read(id))["answers"]}
    kept = (await pair.send("GET", f"/encounters/{id}/attempts", pair.as_mentor)).json()["items"]
    found = {*answers.values(), *(one["text"] for one in kept)}
    assert refused > 10
    for page, key in alone.items():
        assert answers[key] == last[page, key], "on a prompt of its own each page's last text stands"
    assert answers["goal"] == stands["goal"]
    assert {last[page, "goal"] for page in alone} <= found, "on the same prompt both texts can be had"


async def test_much_text_that_goes_at_once_is_kept(pair: Pair) -> None:
    id = (await pair.opened())["id"]
    await pair.write(id, "goal", "long " * 100)
    await pair.write(id, "goal", "", version=2)
    kept = (await pair.send("GET", f"/encounters/{id}/attempts", pair.as_mentor)).json()["items"]
    assert [(one["reason"], one["text"]) for one in kept] == [("replaced", "long " * 100)]


async def test_a_text_that_comes_after_the_end_is_kept(pair: Pair) -> None:
    id = (await pair.opened())["id"]
    await pair.finish(id)
    assert (await pair.write(id, "background", "One more thing")).status_code == 409
    kept = (await pair.send("GET", f"/encounters/{id}/attempts", pair.as_mentor)).json()["items"]
    assert [one["text"] for one in kept] == ["One more thing"]


async def test_the_longest_text_in_any_script_fits(pair: Pair) -> None:
    id = (await pair.opened())["id"]
    text = "𝔘🙂א" * 66_666
    assert len(text) == 199_998
    assert (await pair.write(id, "goal", text)).status_code == 200
    assert (await pair.write(id, "goal", "x" * 200_001, version=2)).status_code == 400
    assert (await pair.send("GET", f"/encounters/{id}/answers/goal", pair.as_mentor)).json()["text"] == text


async def test_a_block_is_private_until_it_is_shared_and_never_again_once_read(pair: Pair) -> None:
    id = (await pair.opened())["id"]
    await pair.write(id, "background", "Between us", audience="author_only")
    await pair.finish(id)
    path = f"/encounters/{id}/answers/background/audience"

    async def change(audience: str, version: int) -> int:
        return (await pair.send("POST", path, pair.as_mentor, {"audience": audience}, version)).status_code

    assert [await change("shared", 2), await change("author_only", 3), await change("shared", 4)] == [200] * 3
    assert "background" in {one["prompt_key"] for one in (await pair.read(id, pair.as_member))["answers"]}
    assert await change("author_only", 5) == 409
    private = {"audience": "shared"}
    fixed = await pair.send("POST", f"/encounters/{id}/answers/private_notes/audience", pair.as_mentor, private, 1)
    assert fixed.status_code == 409


async def test_a_member_says_what_they_want_to_talk_about(pair: Pair, coordinator: Headers) -> None:
    planned = await pair.plan()
    new = {"member_id": pair.member, "encounter_id": planned["id"], "writer": MINE}
    note = (await pair.send("POST", "/notes", pair.as_member, new)).json()
    path = f"/notes/{note['id']}"
    written = await pair.send("PUT", path, pair.as_member, {"text": "Joins", "writer": MINE}, 1)
    assert written.json()["version"] == 2
    late = await pair.send("PUT", path, pair.as_member, {"text": "Indexes", "writer": OTHER}, 1)
    assert late.status_code == 412
    kept = (await pair.send("GET", f"/encounters/{planned['id']}/attempts", pair.as_member)).json()["items"]
    assert [one["text"] for one in kept] == ["Indexes"]
    assert (await pair.send("GET", path, pair.as_mentor)).status_code == 404
    assert (await pair.send("POST", f"{path}/audience", pair.as_member, {"audience": "shared"}, 2)).status_code == 200
    brief = (await pair.send("GET", f"/members/{pair.member}/brief", pair.as_mentor)).json()
    assert [one["text"] for one in brief["notes"]] == ["Joins"]
    hide = await pair.send("POST", f"{path}/audience", pair.as_member, {"audience": "author_only"}, 3)
    assert hide.status_code == 409
    assert (await pair.send("PUT", path, pair.as_mentor, {"text": "x", "writer": MINE}, 3)).status_code == 404
    assert (await pair.send("POST", "/notes", coordinator, new)).status_code == 403


async def test_follow_ups_are_done_and_opened_again(pair: Pair) -> None:
    id = (await pair.opened())["id"]
    promised = [{"side": "mentor", "text": "Send the article"}, {"side": "member", "text": "Read it", "due_on": None}]
    await pair.finish(id, follow_ups=promised)
    listed = (await pair.send("GET", f"/follow-ups?member={pair.member}&done=false", pair.as_mentor)).json()["items"]
    assert [one["text"] for one in listed] == ["Send the article", "Read it"]
    path = f"/follow-ups/{listed[1]['id']}"
    done = await pair.send("POST", f"{path}/done", pair.as_member, version=1)
    assert done.json()["done_by"] == pair.accounts[pair.member]
    assert (await pair.send("POST", f"{path}/done", pair.as_member, version=2)).status_code == 409
    assert (await pair.send("POST", f"{path}/reopen", pair.as_mentor, version=2)).json()["done_at"] is None
    changed = await pair.send("PATCH", path, pair.as_mentor, {"text": "Read it twice"}, 3)
    assert changed.json()["text"] == "Read it twice"


async def test_break_glass_takes_a_reason_is_recorded_and_the_author_is_told(
    pair: Pair, coordinator: Headers, encounter: InProcessClient
) -> None:
    id = (await pair.opened())["id"]
    await pair.write(id, "impression", "Something urgent")
    path = f"/encounters/{id}/disclosures"
    assert (await pair.send("POST", path, pair.as_member, {"reason": "Curious"})).status_code == 403
    assert (await pair.send("POST", path, coordinator, {"reason": ""})).status_code == 400
    opened = await pair.send("POST", path, coordinator, {"reason": "Somebody may be in danger"})
    assert opened.status_code == 201
    assert [one["text"] for one in opened.json()["answers"] if one["text"]] == ["Something urgent"]
    told = (await pair.send("GET", "/disclosures", pair.as_mentor)).json()["items"]
    assert [(one["encounter_id"], one["reason"]) for one in told] == [(id, "Somebody may be in danger")]
    assert len((await pair.read(id))["disclosures"]) == 1
    event = next(row for row in await rows(encounter, "event") if row["type"] == "encounter.texts.opened")
    assert (str(event["subject_id"]), "danger" in str(event)) == (id, False)
    noted = await pair.send("GET", f"/members/{pair.member}/reads", pair.as_member)
    assert [(one["what"], one["why"]) for one in noted.json()] == [("DisclosePrivateTexts", "coordinator")]
    assert (await pair.send("GET", f"/members/{pair.member}/reads", coordinator)).status_code == 404
    assert (await pair.send("GET", "/disclosures", pair.as_member)).json()["items"] == []


async def test_opening_the_same_again_within_the_hour_is_one_disclosure(
    pair: Pair, coordinator: Headers, encounter: InProcessClient
) -> None:
    id = (await pair.opened())["id"]
    await pair.write(id, "impression", "Something urgent")
    path, reason = f"/encounters/{id}/disclosures", {"reason": "Somebody may be in danger"}

    async def opens(who: Headers, body: dict[str, str]) -> str:
        answer = await pair.send("POST", path, who, body)
        assert "Something urgent" in answer.text
        return answer.json()["id"]

    at_once = await asyncio.gather(*(opens(coordinator, reason) for _ in range(5)))
    assert {await opens(coordinator, reason)} == set(at_once)
    another = await opens(coordinator, {"reason": "It got worse"})
    somebody_else = await opens(encounter.by(8, roles=["coordinator"]), reason)
    await pair.write(id, "impression", "Something urgent, and more", 2)
    since_then = await opens(coordinator, reason)
    records = {at_once[0], another, somebody_else, since_then}
    assert len(records) == 4
    assert {one["id"] for one in (await pair.read(id))["disclosures"]} == records
    opened = [row for row in await rows(encounter, "event") if row["type"] == "encounter.texts.opened"]
    assert len([row for row in opened if str(row["subject_id"]) == id]) == 4


async def test_what_is_made_private_is_hidden_with_what_it_was_before_an_amendment(
    pair: Pair, coordinator: Headers
) -> None:
    id = (await pair.opened())["id"]
    await pair.write(id, "background", "Was shared")
    assert (await pair.finish(id)).status_code == 200
    body = {"prompt_key": "background", "text": "Is shared", "reason": "A slip"}
    assert (await pair.send("POST", f"/encounters/{id}/amendments", pair.as_mentor, body, 3)).status_code == 200
    assert len((await pair.read(id, coordinator))["amendments"]) == 1
    hidden = {"audience": "author_only"}
    path = f"/encounters/{id}/answers/background/audience"
    assert (await pair.send("POST", path, pair.as_mentor, hidden, 3)).status_code == 200
    for who in (pair.as_member, coordinator):
        assert "shared" not in str((await pair.read(id, who))["amendments"])
    assert len((await pair.read(id))["amendments"]) == 1


async def test_what_a_coordinator_reads_of_meetings_is_shown_to_the_member(pair: Pair, coordinator: Headers) -> None:
    id = (await pair.opened())["id"]
    await pair.write(id, "summary", "Joins")
    await pair.finish(id, follow_ups=[{"side": "member", "text": "Read it"}])
    note = {"member_id": pair.member, "audience": "shared", "text": "Mine", "writer": MINE}
    assert (await pair.send("POST", "/notes", pair.as_member, note)).status_code == 201
    about = f"?member={pair.member}"
    for way in (f"/encounters{about}", f"/notes{about}", f"/follow-ups{about}", f"/members/{pair.member}/brief"):
        assert (await pair.send("GET", way, coordinator)).status_code == 200
    noted = (await pair.send("GET", f"/members/{pair.member}/reads", pair.as_member)).json()
    assert {one["what"] for one in noted} == {"ListEncounters", "ListNotes", "ListFollowUps", "GetBrief"}
    before = len(noted)
    for who in (pair.as_member, pair.as_mentor):
        await pair.send("GET", f"/encounters{about}", who)
    assert len((await pair.send("GET", f"/members/{pair.member}/reads", pair.as_member)).json()) == before


async def test_a_canary_in_a_private_text_is_seen_by_its_author_and_in_the_members_own_export_only(
    pair: Pair, encounter: InProcessClient, capfd: Any, coordinator: Headers, mentors: dict[str, str]
) -> None:
    """Nine kinds of caller, by every way out."""
    canary = f"canary{uuid4().hex}"
    id = (await pair.opened())["id"]
    await pair.write(id, "impression", canary)
    await pair.write(id, "private_notes", f"{canary} again")
    await pair.write(id, "background", canary, audience="author_only")
    await pair.write(id, "impression", f"{canary} refused", writer=OTHER)
    note = {"member_id": pair.member, "encounter_id": id, "text": canary, "writer": MINE}
    note_id = (await pair.send("POST", "/notes", pair.as_mentor, note)).json()["id"]
    assert (await pair.finish(id)).status_code == 200
    await pair.send(
        "POST",
        f"/encounters/{id}/amendments",
        pair.as_mentor,
        {"prompt_key": "impression", "text": f"{canary} amended", "reason": canary},
        3,
    )
    successor = str(uuid4())
    pair.mentored_by(successor)
    ways = [
        f"/encounters/{id}",
        "/encounters",
        f"/encounters?member={pair.member}",
        f"/encounters/{id}/answers/impression",
        f"/encounters/{id}/answers/private_notes",
        f"/encounters/{id}/attempts",
        f"/notes/{note_id}",
        "/notes",
        f"/notes?member={pair.member}",
        f"/notes?encounter={id}",
        f"/members/{pair.member}/brief",
        "/follow-ups",
        f"/follow-ups?member={pair.member}",
        "/disclosures",
        "/calendar",
        "/series",
    ]
    everyone = {
        "member": pair.as_member,
        "present mentor": pair.headers(successor, "mentor"),
        "another mentor": encounter.tokens.headers("mentor", person=str(uuid4())),
        "coordinator": coordinator,
        "staff": encounter.tokens.headers("staff", person=str(uuid4())),
        "board": encounter.tokens.headers("board", person=str(uuid4())),
        "partner": encounter.tokens.headers("partner", person=str(uuid4())),
        "admin": encounter.tokens.headers("admin", person=str(uuid4())),
        "service": encounter.tokens.headers(kind="service"),
        "nobody": {},
    }
    for name, who in everyone.items():
        for way in ways:
            answer = await encounter.get(f"{BASE}{way}", headers=who)
            assert canary not in answer.text, (name, way)
            assert canary not in str(answer.headers), (name, way)
    author = await encounter.get(f"{BASE}/encounters/{id}", headers=pair.as_mentor)
    assert author.text.count(canary) >= 4
    admin = everyone["admin"]
    feed = await encounter.get("/metrics")
    history = await encounter.get(f"/privacy/history/encounter/{id}", headers=admin)
    events = [row["ids"] for row in await rows(encounter, "event")]
    assert canary not in feed.text + history.text + str(events) + "".join(capfd.readouterr())
    for other in (pair.mentor, successor):
        assert canary not in (await encounter.get(f"/privacy/people/{other}", headers=admin)).text
    own = await encounter.get(f"/privacy/people/{pair.member}", headers=admin)
    for text in (canary, f"{canary} again", f"{canary} refused", f"{canary} amended"):
        assert text in own.text
    erased = await encounter.post(f"/privacy/people/{pair.member}/erase", json={}, headers=admin)
    assert erased.status_code == 200, erased.text
    for table in ("answer", "note", "amendment", "text_attempt", "encounter", "idempotency_key"):
        assert canary not in str(await rows(encounter, table)), table


@pytest.mark.parametrize("words", WORDS)
async def test_words_of_any_script_are_what_they_were(
    pair: Pair, coordinator: Headers, encounter: InProcessClient, words: str
) -> None:
    name = f"{words} {uuid4()}"
    prompts = [
        {"key": "one", "kind": "radio", "prompt": words, "help": words, "options": [words, f"Not {words}"]},
        {"key": "two", "kind": "text", "prompt": f"{words}?", "audience": "author_only"},
    ]
    made = await pair.send("POST", "/scripts", coordinator, {"name": name, "purpose": words, "prompts": prompts})
    assert made.status_code == 201, made.text
    assert (made.json()["name"], made.json()["purpose"]) == (name, words)
    script = f"/scripts/{made.json()['id']}"
    assert (await pair.send("POST", f"{script}/publish", coordinator, version=1)).status_code == 200
    version = (await pair.send("GET", f"{script}/versions", coordinator)).json()[0]["id"]
    id = (await pair.plan(script_version_id=version))["id"]
    assert (await pair.send("POST", f"/encounters/{id}/open", pair.as_mentor, version=1)).status_code == 200
    chosen: dict[str, Any] = {"value": words}
    for key, more in (("one", chosen), ("two", {}), ("summary", {}), ("private_notes", {})):
        assert (await pair.write(id, key, f"{words}\n{key}", **more)).status_code == 200, key
    promised = [{"side": side, "text": words} for side in ("member", "mentor")]
    assert (await pair.finish(id, follow_ups=promised)).status_code == 200
    body = {"prompt_key": "one", "text": f"{words}, amended", "reason": words}
    assert (await pair.send("POST", f"/encounters/{id}/amendments", pair.as_mentor, body, 3)).status_code == 200
    note = {
        "member_id": pair.member,
        "encounter_id": id,
        "text": words,
        "audience": "shared",
        "writer": str(UUID(int=1)),
    }
    assert (await pair.send("POST", "/notes", pair.as_member, note)).status_code == 201
    assert (await pair.send("POST", f"/encounters/{id}/disclosures", coordinator, {"reason": words})).status_code == 201
    seen = await pair.read(id)
    assert (seen["script_name"], seen["script"]["prompts"][0]["options"][0]) == (name, words)
    answers = {one["prompt_key"]: one for one in seen["answers"]}
    assert (answers["one"]["value"], answers["one"]["text"]) == (words, f"{words}, amended")
    assert answers["private_notes"]["text"] == f"{words}\nprivate_notes"
    assert seen["summary"] == f"{words} summary"
    assert [one["text"] for one in (*seen["follow_ups"], *seen["notes"])] == [words] * 3
    assert [(one["before"], one["reason"]) for one in seen["amendments"]] == [(f"{words}\none", words)]
    assert [one["reason"] for one in seen["disclosures"]] == [words]
    listed = await encounter.get(f"{BASE}/scripts", params={"search": name}, headers=coordinator)
    assert [one["name"] for one in listed.json()["items"]] == [name]
    away = await pair.plan()
    void = await pair.send("POST", f"/encounters/{away['id']}/cancel", pair.as_mentor, {"reason": words}, 1)
    assert void.json()["void_reason"] == words
    export = await encounter.get(f"/privacy/people/{pair.member}", headers=encounter.tokens.headers("admin"))
    assert json.dumps(words, ensure_ascii=False)[1:-1] in export.text


async def rows(encounter: InProcessClient, table: str) -> list[Any]:
    from gatehouse_encounter.tables import DB

    return [dict(row) for row in await DB.fetch(f"select * from encounter.{table}")]
