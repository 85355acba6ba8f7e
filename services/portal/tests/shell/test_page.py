"""What people of different roles see, and what a page may load and do."""

import re
from urllib.parse import urlsplit

import pytest

from gatehouse_chassis.http.guards import label_of

OWN_HOSTS = ("", "test")
LOADING = {"src", "srcset", "action", "formaction", "data", "poster", "hx-get", "hx-post"}


def loads(elements, text):
    """Addresses that a browser would fetch, or send something to, by itself or by a form; links lead anywhere."""
    for tag, attributes in elements(text).found:
        for name, value in attributes.items():
            if value and (name in LOADING or (name == "href" and tag != "a")):
                yield value


async def test_a_member_sees_what_they_learn_and_nothing_of_admin(browser):
    await browser.sign_in("member")
    home = (await browser.see("/")).text
    assert "My way" in home
    assert "Resource 1" in home
    assert 'href="/admin"' not in home
    assert "Your members" not in home


async def test_a_mentor_sees_their_members(browser, house):
    await browser.sign_in("mentor", person=house.mara)
    assert "Noah Adeyemi" in (await browser.see("/")).text
    assert "Noah Adeyemi" in (await browser.see("/members")).text
    paths = [path for path, _, _ in house.asked("person", "GET")]
    assert any(f"mentor={house.mara}" in path for path in paths)


async def test_a_coordinator_sees_everybody(browser, house):
    await browser.sign_in("coordinator", "staff", person=house.mara)
    house["person"].requests.clear()
    assert "Noah Adeyemi" in (await browser.see("/members?search=noah")).text
    path = house.asked("person", "GET")[0][0]
    assert "search=noah" in path
    assert "mentor=" not in path


@pytest.mark.parametrize("path", ["/admin", "/admin/identity", "/throughput", "/releases", "/members", "/no/such/page"])
async def test_what_isnt_for_a_member_looks_like_what_isnt_there(browser, path):
    await browser.sign_in("member")
    answer = await browser.get(path)
    nothing = await browser.get("/no-such-page")
    assert answer.status_code == 404
    assert ">Paths</a>" in nothing.text  # the navigation stays, and so does the account
    assert "Your account" in nothing.text
    hidden = re.compile(r'(name="(back|form_token)" value="[^"]*")')
    assert hidden.sub("", answer.text) == hidden.sub("", nothing.text)


def test_only_signing_in_colours_and_files_are_for_everybody(portal):
    labels = {
        route.path: {label_of(guard) for guard in handler.resolve_guards()}
        for route in portal.app.routes
        for handler in getattr(route, "route_handlers", [])
        if handler.http_methods != {"OPTIONS"}
    }
    open_to_all = {path for path, found in labels.items() if "anyone" in found}
    assert {path for path in open_to_all if not path.startswith(("/sign-", "/health", "/openapi"))} == {
        "/theme",
        "/join",
        "/join/sent",
        "/become-a-mentor",
        "/become-a-mentor/sent",
        "/become-a-mentor/confirm/{token:str}",
        "/still-with-us/{token:str}",
        # Where a one-time link leads; and, in the local environment only, the mailbox.
        "/credentials/verify",
        "/credentials/{id:uuid}",
        "/credentials/{id:uuid}/badge.png",
        "/credentials/{id:uuid}/certificate.pdf",
        "/credentials/{id:uuid}/file.json",
        "/receipts/{token:str}",
        "/receipts/{token:str}/{receipt_id:uuid}",
        "/welcome/{token:str}",
        "/mail",
        "/mail/{id:uuid}",
        "/static/{digest:str}/{name:str}",
        "/favicon.ico",
        "/version",
        "/metrics",
        "/docs",
    }


async def test_scripts_and_programs_get_problem_details(portal):
    answer = await portal.get("/no-such-page")
    assert answer.headers["content-type"] == "application/problem+json"
    answer = await portal.get("/members", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["status"]) == (401, 401)


async def test_admin_shows_each_service_that_the_portal_knows(browser, house):
    await browser.sign_in("sre")
    house.says("person", "GET", "/health/ready", {"ready": False, "checks": {"database": "doesn't answer"}}, 503)
    text = (await browser.see("/admin")).text
    for name in (*house.peers, "portal"):
        assert f'href="/admin/{name}"' in text
    assert "database: doesn&#39;t answer" in text
    assert f"{len(house.peers)} healthy" in text
    assert "1 not ready" in text


async def test_a_services_page_shows_settings_with_their_origin_and_no_secret(browser, house):
    await browser.sign_in("sre")
    settings = [
        {"key": "idle", "type": "duration", "value": "14d", "origin": "default services/identity/service.toml"},
        {"key": "key_secret", "type": "text", "value": "set", "origin": "secret", "secret": True},
    ]
    house.says("identity", "GET", "/config", {"settings": settings})
    text = (await browser.see("/admin/identity")).text
    assert "14d" in text
    assert "default services/identity/service.toml" in text
    own = (await browser.see("/admin/portal")).text
    assert "session_secret" in own
    assert "session_lifetime" in own
    assert "a secret that is only for these tests" not in own
    assert "1.0.1.0" in own  # the version of its collection


async def test_pages_whose_source_isnt_configured_say_which_setting_names_it(browser):
    await browser.sign_in("sre")
    assert "release_remote" in (await browser.see("/releases")).text
    assert "Prometheus isn’t configured" in (await browser.see("/throughput")).text


async def test_no_page_loads_or_sends_anything_elsewhere(browser, house, elements):
    pages = ["/sign-in"]
    await browser.sign_in("admin", "member", "mentor", "coordinator")
    pages += [
        "/",
        f"/members/{house.noah}",
        f"/members/{house.noah}/assign?search=r",
        "/members",
        "/resources",
        "/paths",
    ]
    pages += [f"/paths/{house.resources[1]}", "/throughput", "/releases", "/admin", "/admin/topics", "/no-such-page"]
    for path in pages:
        answer = await browser.get(path, follow_redirects=True)
        found = list(loads(elements, answer.text))
        assert found, path
        assert {urlsplit(address).netloc for address in found} <= set(OWN_HOSTS), path
        for tag, attributes in elements(answer.text).found:
            assert "style" not in attributes, (path, tag)
            assert not [name for name in attributes if name.startswith("on")], (path, tag)
            if tag == "script":
                assert attributes.get("src"), path
            if tag == "a" and attributes.get("target") == "_blank":
                assert "noopener" in (attributes["rel"] or ""), path
            if tag == "form" and attributes.get("method") == "post":
                assert "form_token" in answer.text, path


async def test_every_answer_says_what_a_browser_may_do(browser):
    for path in ("/sign-in", "/paths", "/no-such-page", "/static/x/portal.css"):
        headers = (await browser.get(path)).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "strict-transport-security" not in headers  # the local platform has no TLS


async def test_pages_of_somebody_arent_kept_by_caches_and_files_are(browser, elements):
    await browser.sign_in("member")
    page = await browser.see("/")
    assert page.headers["cache-control"] == "no-store"
    for address in set(loads(elements, page.text)):
        if address.startswith("/static/"):
            file = await browser.get(address)
            assert file.status_code == 200, address
            assert "immutable" in file.headers["cache-control"]
    assert (await browser.get("/static/x/secrets.toml")).status_code == 404


async def test_filters_and_search_reach_topics_and_unknown_parameters_dont(browser, house):
    await browser.sign_in("member")
    house["topics"].requests.clear()
    text = (await browser.see("/resources?kind=book&search=git&level=&evil=1")).text
    path = house.asked("topics", "GET")[0][0]
    assert "kind=book" in path
    assert "search=git" in path
    assert "level" not in path
    assert "evil" not in path
    assert '<option value="book" selected>' in text


async def test_lists_say_how_many_there_are_and_can_be_sorted(browser, house, elements):
    await browser.sign_in("member")
    house.says("topics", "GET", "/api/topics/resources", {"items": [house.resource(1)], "next": "a", "total": 1725})
    text = (await browser.see("/resources?kind=book&sort=name&cursor=x")).text
    assert "<strong>1,725</strong> resources match." in text
    assert "total=true" in house.asked("topics", "GET")[-1][0]
    links = {attributes["href"] for tag, attributes in elements(text).found if attributes.get("class") == "sort"}
    assert links == {f"/resources?kind=book&sort={sort}" for sort in ("-name", "level", "-rating")}
    assert '<th scope="col" aria-sort="ascending">' in text


async def test_an_address_that_isnt_valid_is_told_without_the_words_of_the_api(browser, house):
    await browser.sign_in("member")
    errors = [{"field": "cursor", "message": "this isn't a cursor of this list with these filters"}]
    house.says("topics", "GET", "/api/topics/resources", {"status": 400, "title": "No", "errors": errors}, 400)
    answer = await browser.get("/resources?cursor=x")
    assert answer.status_code == 400
    assert "cursor" not in answer.text.partition("<main")[2]
    assert 'href="/resources">Open the page again' in answer.text


async def test_the_next_page_keeps_the_filters(browser, house):
    await browser.sign_in("member")
    house.says("topics", "GET", "/api/topics/resources", {"items": [house.resource(1)], "next": "a+b"})
    assert 'href="/resources?kind=book&amp;cursor=a%2Bb"' in (await browser.see("/resources?kind=book")).text


async def test_htmx_gets_only_the_part_that_changes(browser):
    await browser.sign_in("member")
    part = (await browser.get("/resources?search=r", headers={"HX-Request": "true"})).text
    assert "<html" not in part
    assert "Resource 1" in part


async def test_htmx_is_sent_to_the_sign_in_page_when_the_session_has_ended(browser):
    answer = await browser.get("/resources", headers={"HX-Request": "true"})
    assert answer.headers["hx-redirect"] == "/sign-in"


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_chosen_colours_are_remembered(browser, theme):
    await browser.see("/sign-in")
    assert (await browser.submit("/theme", theme=theme, back="/sign-in")).headers["location"] == "/sign-in"
    assert f'data-theme="{theme}"' in (await browser.see("/sign-in")).text
    await browser.submit("/theme", theme="auto", back="//evil.example")
    assert 'data-theme="auto"' in (await browser.see("/sign-in")).text


async def test_what_people_write_is_never_markup(browser, house):
    await browser.sign_in("member")
    nasty = '<script>alert("x")</script>'
    house.says("topics", "GET", "/api/topics/resources", {"items": [house.resource(1) | {"name": nasty}]})
    text = (await browser.see("/resources")).text
    assert nasty not in text
    assert "&lt;script&gt;" in text
