"""Checks of addresses, and how long resources are: what is recorded, what follows from it, and who may."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatehouse_chassis.testing import InProcessClient
from gatehouse_topics.enumerators import LinkResult
from gatehouse_topics.resource.rules import link_status

from .test_changes import BASE, Headers, errors, made, resource


@pytest.fixture
async def learned(topics: InProcessClient, mentor: Headers) -> str:
    """The address of a new resource."""
    return f"{BASE}/resources/{(await made(topics, mentor, 'resources', resource()))['id']}"


def check(result: str, **more: Any) -> dict[str, Any]:
    return {"result": result, **({"final_url": "https://example.org/new"} if result == "moved" else {}), **more}


async def read(topics: InProcessClient, address: str, who: Headers) -> dict[str, Any]:
    return (await topics.get(address, headers=who)).json()


async def test_a_check_is_recorded_and_says_how_the_link_is(
    topics: InProcessClient, mentor: Headers, member: Headers, learned: str
) -> None:
    assert (await read(topics, learned, member))["link_status"] == "unchecked"
    moved = await topics.post(f"{learned}/link-checks", json=check("moved", http_status=301), headers=mentor)
    assert (moved.status_code, moved.json()["link_status"], moved.headers["etag"]) == (201, "moved", '"2"')
    one = await read(topics, moved.headers["location"], member)
    assert (one["result"], one["http_status"], one["final_url"]) == ("moved", 301, "https://example.org/new")
    assert one["url"] == moved.json()["url"]
    assert one["recorded_by"]
    again = await topics.post(f"{learned}/link-checks", json=check("moved"), headers=mentor)
    assert again.headers["etag"] == '"2"'  # nothing about the resource is new: nobody's edit is taken away
    await topics.post(f"{learned}/link-checks", json=check("blocked", http_status=403), headers=mentor)
    history = (await read(topics, f"{learned}/link-checks", member))["items"]
    assert [row["result"] for row in history] == ["blocked", "moved", "moved"]
    found = (await topics.get(f"{BASE}/resources", params={"link_status": "blocked"}, headers=member)).json()["items"]
    assert learned.endswith(tuple(row["id"] for row in found))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    looks=st.lists(
        st.tuples(st.sampled_from(get_args(LinkResult)), st.integers(0, 1_000), st.booleans()), min_size=1, max_size=5
    )
)
async def test_in_whatever_order_looks_arrive_the_newest_one_counts(
    topics: InProcessClient, mentor: Headers, looks: list[tuple[LinkResult, int, bool]]
) -> None:
    address = f"{BASE}/resources/{(await made(topics, mentor, 'resources', resource()))['id']}"
    kept: list[tuple[datetime, str, LinkResult]] = []
    for result, minutes_ago, mistake in looks:
        at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
        body = check(result, checked_at=at.isoformat())
        answer = await topics.post(f"{address}/link-checks", json=body, headers=mentor)
        if mistake:
            withdrawn = await topics.post(f"{answer.headers['location']}/withdraw", headers=mentor)
            assert withdrawn.status_code == 200
        else:
            kept.append((at, answer.json()["check_id"], result))
        newest = max(kept)[2] if kept else None
        assert (await read(topics, address, mentor))["link_status"] == link_status(newest)


async def test_another_address_was_never_looked_at(topics: InProcessClient, mentor: Headers, learned: str) -> None:
    await topics.post(f"{learned}/link-checks", json=check("gone", http_status=404), headers=mentor)
    gone = await read(topics, learned, mentor)
    change = {"url": f"https://example.org/{uuid4().hex}"}
    other = await topics.patch(learned, json=change, headers={**mentor, "If-Match": f'"{gone["version"]}"'})
    assert other.json()["link_status"] == "unchecked"
    back = {"url": gone["url"]}
    again = await topics.patch(learned, json=back, headers={**mentor, "If-Match": other.headers["etag"]})
    assert again.json()["link_status"] == "failed"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "result"),
        ({"result": "fine"}, "result"),
        ({"result": "moved"}, "final_url"),
        ({"result": "ok", "http_status": 99}, "http_status"),
        ({"result": "ok", "final_url": "javascript:alert(1)"}, "final_url"),
        ({"result": "ok", "checked_at": "2190-01-01T00:00:00Z"}, "checked_at"),
        ({"result": "ok", "checked_at": "0001-01-01T00:00:00Z"}, "checked_at"),
        ({"result": "ok", "url": "https://example.org"}, "url"),
    ],
)
async def test_a_check_that_says_nothing_is_refused(
    topics: InProcessClient, mentor: Headers, learned: str, body: dict[str, Any], field: str
) -> None:
    answer = await topics.post(f"{learned}/link-checks", json=body, headers=mentor)
    assert (answer.status_code, errors(answer)) == (400, [field])
    assert (await read(topics, learned, mentor))["version"] == 1


async def test_members_read_checks_and_record_none(topics: InProcessClient, member: Headers, learned: str) -> None:
    assert (await topics.post(f"{learned}/link-checks", json=check("ok"), headers=member)).status_code == 403
    assert (await topics.post(f"{learned}/link-checks/{uuid4()}/withdraw", headers=member)).status_code == 403
    assert (await topics.get(f"{learned}/link-checks/{uuid4()}", headers=member)).status_code == 404
    assert (await topics.get(f"{BASE}/resources/{uuid4()}/link-checks", headers=member)).status_code == 404


async def test_how_a_link_is_can_not_be_set_by_hand(topics: InProcessClient, mentor: Headers, learned: str) -> None:
    new = await topics.post(f"{BASE}/resources", json=resource(link_status="active"), headers=mentor)
    change = await topics.patch(learned, json={"link_status": "active"}, headers={**mentor, "If-Match": '"1"'})
    assert (errors(new), errors(change)) == (["link_status"], ["link_status"])


async def test_a_length_says_where_it_comes_from(topics: InProcessClient, mentor: Headers) -> None:
    one = await made(topics, mentor, "resources", resource(length_minutes=40))
    assert (one["length_minutes"], one["length_source"]) == (40, "stated")
    address, etag = f"{BASE}/resources/{one['id']}", '"1"'
    for change, minutes, pages, source in (
        ({"length_pages": 12, "length_source": "fetched"}, 40, 12, "fetched"),
        ({"name": "Another"}, 40, 12, "fetched"),
        ({"length_minutes": 50}, 50, 12, "stated"),
        ({"length_minutes": None, "length_pages": None}, None, None, None),
    ):
        answer = await topics.patch(address, json=change, headers={**mentor, "If-Match": etag})
        assert answer.status_code == 200, answer.text
        etag, row = answer.headers["etag"], answer.json()
        assert (row["length_minutes"], row["length_pages"], row["length_source"]) == (minutes, pages, source)
    odd = await topics.patch(address, json={"length_source": "measured"}, headers={**mentor, "If-Match": etag})
    assert (odd.status_code, errors(odd)) == (400, ["length_source"])
    for wrong in ({"length_minutes": 0}, {"length_words": -1}, {"length_pages": 10**9}, {"length_source": "guessed"}):
        answer = await topics.patch(address, json=wrong, headers={**mentor, "If-Match": etag})
        assert (answer.status_code, errors(answer)) == (400, list(wrong))
