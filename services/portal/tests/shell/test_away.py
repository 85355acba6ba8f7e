"""A service that is down: said where it matters, and everything else works. Each test has an application of its own,
because a client that met a dead service leaves it alone for a while.
"""

import pytest_asyncio

from gatehouse_chassis.testing import serving
from gatehouse_portal.app import create
from gatehouse_portal.tables import DB


@pytest_asyncio.fixture(loop_scope="module")
async def fresh(service_url, peers):
    """A browser of a portal that nobody has used yet."""
    peers.reset()
    await DB.close()
    async with serving("portal", create, database_url=service_url, environ=peers.environ) as portal:
        peers.tokens = portal.tokens
        async with peers.browser(portal) as browser:
            yield browser


WAYS = [
    ("GET", path)
    for path in (
        "/api/topics/resources",
        "/api/topics/topics",
        "/api/topics/paths",
        "/api/curriculum/curricula",
        "/api/curriculum/curricula/019a0000-0001-7000-8000-000000000002",
        "/api/curriculum/curricula/019a0000-0001-7000-8000-000000000002/way",
        "/api/person/people",
        "/api/person/people/019a0000-0001-7000-8000-000000000002",
        "/api/identity/sign-in/options",
    )
]


def down(house, name):
    """The service answers 503 to everything that pages ask."""
    house[name].answers.clear()
    house[name].answers.update(dict.fromkeys(WAYS, (503, {"status": 503})))


async def test_the_page_names_what_is_away_and_what_still_works(fresh, peers):
    await fresh.sign_in("member")
    down(peers, "topics")
    answer = await fresh.get("/resources")
    assert answer.status_code == 503
    assert "“Topics” isn’t answering" in answer.text
    assert "What still works" in answer.text
    assert ">My curriculum</a>" in answer.text


async def test_a_curriculum_is_shown_without_names_while_topics_is_away(fresh, peers):
    await fresh.sign_in("member")
    down(peers, "topics")
    answer = await fresh.get(f"/members/{peers.noah}")
    assert answer.status_code == 200
    assert "Names of resources can’t be shown right now" in answer.text
    assert "Complete" in answer.text


async def test_my_own_curriculum_is_shown_while_person_is_away(fresh, peers):
    await fresh.sign_in("member")
    down(peers, "person")
    answer = await fresh.get(f"/members/{peers.noah}")
    assert answer.status_code == 200
    assert "Resource 1" in answer.text


async def test_home_says_what_it_cant_show(fresh, peers):
    await fresh.sign_in("member", "mentor")
    down(peers, "curriculum")
    answer = await fresh.get("/")
    assert answer.status_code == 200
    assert "My way can’t be shown right now" in answer.text
    assert "Noah Adeyemi" in answer.text


async def test_signing_in_says_that_identity_is_away(fresh, peers):
    down(peers, "identity")
    answer = await fresh.get("/sign-in")
    assert answer.status_code == 503
    assert "Signing in can’t be shown right now" in answer.text


async def test_admin_shows_a_dead_service_as_down(service_url, peers):
    peers.reset()
    await DB.close()
    environ = peers.environ | {"GATEHOUSE_URL_NEWCOMER": "http://127.0.0.1:9"}
    async with serving("portal", create, database_url=service_url, environ=environ) as portal:
        peers.tokens = portal.tokens
        async with peers.browser(portal) as browser:
            await browser.sign_in("sre")
            answer = await browser.get("/admin")
            assert answer.status_code == 200
            assert 'href="/admin/newcomer"' in answer.text
            assert "1 down" in answer.text
            assert (await browser.get("/admin/newcomer")).status_code == 200


async def test_htmx_gets_a_notice(fresh, peers):
    await fresh.sign_in("member")
    down(peers, "topics")
    answer = await fresh.get("/resources?search=x", headers={"HX-Request": "true"})
    assert answer.headers["hx-retarget"] == "#notices"
    assert "isn’t answering" in answer.text
