"""The release page over the real core, with the core's ports in memory. tests/journeys has a real remote of git."""

import asyncio
import re
import threading
import time
from urllib.parse import quote

import msgspec
import pytest
import pytest_asyncio

from gatehouse_catalog.releases import UnitTests
from gatehouse_chassis.testing import serving
from gatehouse_portal.app import create
from gatehouse_portal.areas import all_areas
from gatehouse_portal.areas.releases.area import releases
from gatehouse_portal.areas.releases.in_process import InProcess
from gatehouse_portal.tables import DB
from gatehouse_release.model import ENVIRONMENTS, DangerousPlan, PromotionRequest, Requester
from gatehouse_release.promoter import Promoter
from gatehouse_release.records import key_of
from gatehouse_release.state import read_state
from gatehouse_release.testing.in_memory import MemoryPorts, release, tree

SERVICES = {"identity": "people", "person": "people", "topics": "learning"}
AUTOMATION = Requester(name="github-actions[bot]", roles=frozenset({"automation"}))
REMOTE = "/somewhere/institute.git"


class World:
    """Ports in memory, and what a test does with them."""

    def __init__(self, root, *, waits=False):
        """`waits`: production has its soak and its windows."""
        policy = (root / "stacks" / "policy.yaml").read_text()
        if not waits:
            policy = policy.replace("soak_hours: 24", "soak_hours: 0")
            policy = re.sub(r"    # When somebody is there.*\n    windows:\n.*\n", "", policy)
        texts = tree(policy, SERVICES)
        self.ports = MemoryPorts(texts, lambda read, name: read_state("", read).releases[name])

    @property
    def state(self):
        return read_state(*self.ports.repository.read())

    def merge(self, number, *names):
        """The nth releases of these services to dev."""
        releases = {name: release(name, number) for name in names or SERVICES}
        for name, one in releases.items():
            self.ports.registry.add(name, one)
        self.carry_out("dev", AUTOMATION, releases=releases)

    def carry_out(self, environment, actor, **wanted):
        promoter = Promoter(self.ports)
        asked = PromotionRequest(action="promote", environment=environment, **wanted)
        wanted |= {"fingerprint": promoter.preview(asked).fingerprint}
        outcome = promoter.run(PromotionRequest(action="promote", environment=environment, **wanted), actor)
        assert outcome.ok, outcome.decision.reasons


@pytest.fixture
def world(workspace_root):
    return World(workspace_root)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def releasing(service_url, peers):
    peers.reset()
    await DB.close()
    core = InProcess(MemoryPorts({}, lambda read, name: {}), where=REMOTE)  # each test gives it its own
    async with serving(
        "portal",
        lambda service: create(service, all_areas(releases(core))),
        database_url=service_url,
        environ=peers.environ,
    ) as portal:
        peers.tokens = portal.tokens
        yield portal, core


@pytest_asyncio.fixture(loop_scope="module")
async def desk(releasing, peers, world):
    """A browser, of nobody yet."""
    portal, core = releasing
    peers.reset()
    core.ports, core.refusal, core.local = world.ports, "", None
    portal.app.state.promotions.forget()
    async with peers.browser(portal) as browser:
        yield browser


async def sign_in(browser, email, *roles, **claims):
    me = {"id": browser.house.account, "kind": "person", "name": email.split("@")[0], "roles": roles, "email": email}
    browser.house.says("identity", "GET", "/api/identity/me", me)
    browser.cookies.clear()
    await browser.sign_in(*roles, **claims)


def fields(text, action):
    """The hidden fields of the form that is sent to `action`."""
    form = text.partition(f'<form method="post" action="/releases/{action}"')[2].partition("</form>")[0]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))


async def confirm(browser, address, action, **given):
    """Opens a preview and confirms it."""
    answer = await browser.see(address)
    found = fields(answer.text, action)
    assert found, answer.text
    return await browser.submit(f"/releases/{action}", **(found | {"confirmed": "yes"} | given))


async def test_the_matrix_says_what_runs_where(desk, world):
    world.merge(1)
    await sign_in(desk, "kofi@example.org", "tester")
    text = (await desk.see("/releases")).text
    row = text.partition('data-service="person"')[2].partition("</tr>")[0]
    cells = re.findall(r'data-environment="(\w+)">(.*?)</td>', row, re.DOTALL)
    assert [name for name, _ in cells] == ["dev", "test", "staging", "production"]
    assert "v1" in cells[0][1]
    assert release("person", 1).digest.removeprefix("sha256:")[:7] in cells[0][1]
    assert "none" in cells[1][1]
    assert "3 services differ from Dev" in text
    assert 'id="promote-test-people"' in text
    assert "Go-Live!" not in text


async def test_a_domain_is_promoted_after_its_preview_is_confirmed(desk, world):
    world.merge(1)
    await sign_in(desk, "kofi@example.org", "tester")
    address = "/releases/plan?action=promote&environment=test&domain=people"
    text = (await desk.see(address)).text
    assert "Promote people to Test" in text
    assert REMOTE in text
    assert "topics" not in text.partition("<main")[2]
    assert world.state.releases["test"] == {}
    answer = await confirm(desk, address, "promote")
    assert answer.status_code == 303
    text = (await desk.see(answer.headers["location"])).text
    assert "Verified: running as recorded" in text
    assert "by <span" in text or "Kofi" in text
    notes = text.partition("Release notes")[2]
    assert "Change identity" in notes
    assert "Change person" in notes
    assert set(world.state.releases["test"]) == {"identity", "person"}


async def test_a_preview_gone_stale_is_refused(desk, world):
    world.merge(1)
    await sign_in(desk, "kofi@example.org", "tester")
    address = "/releases/plan?action=promote&environment=test&domain=people"
    found = fields((await desk.see(address)).text, "promote")
    world.ports.previews.world = "another"
    answer = await desk.submit("/releases/promote", **(found | {"confirmed": "yes"}))
    assert answer.status_code == 409
    assert "preview-stale" in answer.text
    assert world.state.releases["test"] == {}


async def test_nothing_is_done_without_confirmation_token_or_role(desk, world):
    world.merge(1)
    await sign_in(desk, "kofi@example.org", "tester")
    found = fields((await desk.see("/releases/plan?action=promote&environment=test&domain=people")).text, "promote")
    assert (await desk.submit("/releases/promote", **found)).status_code == 400
    forged = await desk.submit("/releases/promote", **(found | {"confirmed": "yes", "form_token": "x"}))
    assert forged.status_code == 403
    # The role was taken away meanwhile: the token still has it, identity doesn't.
    me = {"name": "Kofi", "roles": ["member"], "email": "kofi@example.org"}
    desk.house.says("identity", "GET", "/api/identity/me", me)
    answer = await desk.submit("/releases/promote", **(found | {"confirmed": "yes"}))
    assert answer.status_code == 409
    assert 'data-rule="who"' in answer.text
    assert world.state.releases["test"] == {}


async def test_a_move_takes_a_recent_sign_in_and_a_brake_does_not(desk, world):
    world.merge(1)
    await sign_in(desk, "kofi@example.org", "sre")
    address = "/releases/plan?action=promote&environment=test&domain=people"
    found = fields((await desk.see(address)).text, "promote")
    await sign_in(desk, "kofi@example.org", "sre", auth_time=time.time() - 1801)
    preview = (await desk.see(address)).text
    assert fields(preview, "promote") == {}
    again = "/sign-in?again=yes&amp;then=" + quote(address, safe="/")
    assert again in preview
    del found["form_token"]  # that of the session before
    await desk.see("/releases")
    answer = await desk.submit(
        "/releases/promote", headers={"referer": f"http://test{address}"}, **found, confirmed="yes"
    )
    assert answer.status_code == 401
    assert "Nothing was changed" in answer.text
    assert f'href="/sign-in?again=yes&amp;then={quote(address, safe="")}"' in answer.text
    assert world.state.releases["test"] == {}
    assert "Sign in again to go on" in (await desk.see(again.replace("&amp;", "&"))).text
    answer = await desk.submit("/releases/hold", services="person", environment="test", reason="loses mail")
    assert answer.status_code == 303


async def test_go_live_takes_two_others(desk, world):
    world.merge(1)
    sre = Requester(name="sunita@example.org", roles=frozenset({"sre"}))
    for domain in ("people", "learning"):
        world.carry_out("test", sre, domain=domain)
    world.carry_out("staging", sre)
    await sign_in(desk, "sunita@example.org", "sre")
    answer = await confirm(desk, "/releases/plan?action=promote&environment=production", "promote")
    place = answer.headers["location"]
    text = (await desk.see(place)).text
    assert "Waiting for approvals" in text
    assert "You proposed this" in text
    (proposal,) = world.state.proposals("production")
    approve = f"/releases/plan?action=approve&environment=production&record={proposal.id}"
    assert 'data-rule="who"' in (await desk.see(approve)).text  # the proposer is no release manager
    for number, name in enumerate(("viktor@example.org", "yuki@example.org"), start=1):
        await sign_in(desk, name, "release-manager")
        assert (await confirm(desk, approve, "approve")).headers["location"] == place
        assert f"{number} of 2 approvals" in (await desk.see(place)).text
    text = (await desk.see(place)).text
    assert "Approved, waiting to be applied" in text
    apply = f"/releases/plan?action=apply&environment=production&record={proposal.id}"
    assert (await confirm(desk, apply, "apply")).headers["location"] == place
    assert "Verified: running as recorded" in (await desk.see(place)).text
    assert set(world.state.releases["production"]) == set(SERVICES)


async def test_a_board_member_may_veto_and_nothing_else(desk, world):
    world.merge(1)
    sre = Requester(name="sunita@example.org", roles=frozenset({"sre"}))
    for domain in ("people", "learning"):
        world.carry_out("test", sre, domain=domain)
    world.carry_out("staging", sre)
    world.carry_out("production", sre)
    (proposal,) = world.state.proposals("production")
    await sign_in(desk, "ruth@example.org", "board")
    text = (await desk.see("/releases")).text
    assert "Waiting for approvals" in text
    assert not re.search(r'<button type="submit" class="main">|Hold a service', text)
    text = (await desk.see(f"/releases/records/{proposal.id[-16:]}")).text
    answer = await desk.submit("/releases/veto", **fields(text, "veto"), reason="Not in the exam week")
    assert answer.status_code == 303
    text = (await desk.see(f"/releases/records/{proposal.id[-16:]}")).text
    assert "Ruth vetoed this." in text
    assert "Not in the exam week" in text
    assert world.state.proposals("production") == []


async def test_holds_and_freezes_are_put_seen_and_lifted(desk, world):
    world.merge(1)
    await sign_in(desk, "sunita@example.org", "sre")
    await desk.see("/releases")
    given = {"services": "person", "environment": "test", "reason": "loses mail"}
    assert (await desk.submit("/releases/hold", **given)).headers["location"] == "/releases"
    freeze = {"environment": "production", "until": "2099-01-01T08:00", "reason": "exams"}
    await desk.submit("/releases/freeze", **freeze)
    text = (await desk.see("/releases")).text
    assert "person is held in Test" in text
    assert "Production is frozen until 1 Jan 2099, 08:00 (Europe/Berlin)" in text
    text = (await desk.see("/releases/plan?action=promote&environment=test&domain=people")).text
    assert "loses mail" in text
    assert 'action="/releases/promote"' in text  # in an emergency only
    assert "Break the glass" in text
    for action in ("lift", "unfreeze"):
        text = (await desk.see("/releases")).text
        await desk.submit(f"/releases/{action}", **fields(text, action))
    assert "Nothing is held or frozen." in (await desk.see("/releases")).text


async def test_break_glass_takes_a_reason_and_is_loud(desk, world):
    world.merge(1)
    await sign_in(desk, "sunita@example.org", "sre")
    await desk.see("/releases")
    await desk.submit("/releases/hold", services="person", environment="test", reason="loses mail")
    address = "/releases/plan?action=promote&environment=test&domain=people"
    answer = await confirm(desk, address, "promote")
    assert answer.status_code == 409
    assert 'data-rule="reason-missing"' in answer.text
    answer = await confirm(desk, address, "promote", reason="signing in is down")
    text = (await desk.see(answer.headers["location"])).text
    assert "Break-glass: overrode hold." in text
    assert "break-glass</span>" in (await desk.see("/releases")).text


async def test_while_it_is_applied_the_page_shows_both_and_afterwards_what_is_true(desk, world, releasing):
    world.merge(1)
    sre = Requester(name="sunita@example.org", roles=frozenset({"sre"}))
    world.carry_out("test", sre, domain="people")
    world.merge(2, "person")
    gate = threading.Event()
    world.ports.fault_hook = lambda point: gate.wait(30) if point == "before deploy" else None
    await sign_in(desk, "kofi@example.org", "tester")
    found = fields((await desk.see("/releases/plan?action=promote&environment=test&domain=people")).text, "promote")
    answer = await desk.submit("/releases/promote", **(found | {"confirmed": "yes"}))
    portal = releasing[0]
    async with desk.house.browser(portal) as other:
        await other.sign_in("tester")
        seen = cell((await other.see("/releases")).text, "person", "test")
        assert re.findall(r">(v\d)<", seen) == ["v1", "v2"]
        assert "being applied" in seen
        assert "aria-current" in (await other.see(answer.headers["location"])).text
        gate.set()
        await portal.app.state.promotions.run(answer.headers["location"].rpartition("/")[2]).settled(30)
        seen = cell((await other.see("/releases")).text, "person", "test")
        assert re.findall(r">(v\d)<", seen) == ["v2"]
        assert "being applied" not in seen


async def test_what_the_breaker_rolled_back_is_failed_and_not_shown_as_running(desk, world):
    world.merge(1)
    sre = Requester(name="sunita@example.org", roles=frozenset({"sre"}))
    world.carry_out("test", sre, domain="people")
    world.merge(2, "person")
    world.ports.runtime.broken.add(release("person", 2).digest)
    await sign_in(desk, "kofi@example.org", "tester")
    answer = await confirm(desk, "/releases/plan?action=promote&environment=test&domain=people", "promote")
    if answer.status_code == 303:
        text = (await desk.see(answer.headers["location"])).text
        assert "Failed" in text
    assert re.findall(r">(v\d)<", cell((await desk.see("/releases")).text, "person", "test")) == ["v1"]


async def test_a_set_that_the_suite_fails_on_says_so_beside_its_verification(desk, world):
    world.merge(1)
    world.ports.black_box.failing["test"] = "1 failed, 41 passed; test_partners"
    world.carry_out("test", Requester(name="kofi@example.org", roles=frozenset({"tester"})), domain="people")
    await sign_in(desk, "kofi@example.org", "tester")
    record = world.state.of("test")[-1]
    page = (await desk.see(f"/releases/records/{key_of(record.id)}")).text
    assert "The black-box suite failed in Test." in page
    assert "1 failed, 41 passed; test_partners" in page
    assert "hasn’t been verified in Test" in (await desk.see("/releases")).text


async def test_a_rollback_brings_back_the_set_before_and_holds_what_it_removed(desk, world):
    sre = Requester(name="sunita@example.org", roles=frozenset({"sre"}))
    for number in (1, 2):
        world.merge(number)
        world.carry_out("test", sre, domain="people")
    await sign_in(desk, "sunita@example.org", "sre")
    address = "/releases/plan?action=rollback&environment=test&domain=people"
    assert "Roll Test back" in (await desk.see(address)).text
    answer = await confirm(desk, address, "rollback", reason="v2 loses mail")
    assert "Rollback of Test" in (await desk.see(answer.headers["location"])).text
    text = (await desk.see("/releases")).text
    assert re.findall(r">(v\d)<", cell(text, "person", "test")) == ["v1"]
    assert "person is held in Test" in text


async def test_where_nothing_may_be_written_the_page_only_shows(desk, world, releasing):
    world.merge(1)
    releasing[1].refusal = "Name the remote in local/settings.toml."
    await sign_in(desk, "sunita@example.org", "sre")
    text = (await desk.see("/releases")).text
    assert "Read-only." in text
    assert "Name the remote" in text
    assert "Preview" in text
    plan = (await desk.see("/releases/plan?action=promote&environment=test&domain=people")).text
    assert "v1" in plan
    assert '<form method="post" action="/releases/' not in plan
    given = {"services": "person", "environment": "test", "reason": "x"}
    assert (await desk.submit("/releases/hold", **given)).status_code == 400
    assert world.state.records.keys() == {record.id for record in world.state.of("dev")}


@pytest.mark.parametrize("path", ["/releases", "/releases/plan?action=promote&environment=test", "/releases/records/X"])
async def test_members_find_no_release_page(desk, world, path):
    await sign_in(desk, "noah@example.org", "member")
    assert (await desk.see(path)).status_code == 404


def cell(text, service, environment):
    row = text.partition(f'data-service="{service}"')[2].partition("</tr>")[0]
    return row.partition(f'data-environment="{environment}"')[2].partition("</td>")[0]


async def test_looking_again_settles_what_was_begun_and_is_recorded(desk, world):
    world.merge(1)
    sre = Requester(name="sunita@example.org", roles=frozenset({"sre"}))

    def crash(point):
        if point == "before deploy":
            raise KeyboardInterrupt

    world.ports.fault_hook = crash
    with pytest.raises(KeyboardInterrupt):
        world.carry_out("test", sre, domain="people")
    world.ports.fault_hook = lambda point: None
    await sign_in(desk, "kofi@example.org", "tester")
    assert "being applied" in cell((await desk.see("/releases")).text, "person", "test")
    desk.house.says(
        "identity", "GET", "/api/identity/me", {"name": "S", "roles": ["sre"], "email": "sunita@example.org"}
    )
    answer = await desk.submit("/releases/verify", environment="test")
    assert "Verification of Test" in (await desk.see(answer.headers["location"])).text
    seen = cell((await desk.see("/releases")).text, "person", "test")
    assert re.findall(r">(v\d)<", seen) == ["v1"]
    assert "being applied" not in seen


async def test_before_the_first_release_the_page_says_how_one_comes_to_be(desk, world):
    await sign_in(desk, "sunita@example.org", "sre")
    text = (await desk.see("/releases")).text
    assert "Nothing has been released yet." in text
    assert "When a pull request is merged to main" in text
    assert "Promote" not in text.partition("<main")[2]


async def test_only_what_differs_is_offered(desk, world):
    world.merge(1)
    sre = Requester(name="sunita@example.org", roles=frozenset({"sre"}))
    world.carry_out("test", sre, domain="people")
    await sign_in(desk, "kofi@example.org", "tester")
    text = (await desk.see("/releases")).text
    assert 'id="promote-test-learning"' in text
    assert 'id="promote-test-people"' not in text
    assert "Only release managers and SREs can promote here." in text


async def test_what_stops_promotions_answers_with_a_toast(desk, world):
    world.merge(1)
    await sign_in(desk, "sunita@example.org", "sre")
    await desk.see("/releases")
    await desk.submit("/releases/hold", services="person", environment="test", reason="loses mail")
    assert "Recorded: Hold in Test." in (await desk.see("/releases")).text.partition("data-toast")[2]


async def test_the_home_page_leads_to_what_waits(desk, world, releasing):
    await sign_in(desk, "kofi@example.org", "tester")
    assert "Nothing has been released yet." in (await desk.see("/")).text
    world.merge(1)
    releasing[0].app.state.promotions.forget()
    text = (await desk.see("/")).text
    (path,) = re.findall(r'href="(/releases/plan[^"]+domain=people)"', text)
    path = path.replace("&amp;", "&")
    assert (await desk.see(path)).status_code == 200
    assert "42 passed" in text
    assert "Promote people to Test" in text
    await sign_in(desk, "ada@example.org", "member")
    assert "To do" not in (await desk.see("/")).text


async def test_a_dangerous_schema_change_is_approved_by_button_as_at_the_command_line(desk, world):
    world.merge(1)
    world.ports.previews.plans = (DangerousPlan(service="person", fingerprint="f00d" * 4, dangers=("a column goes",)),)
    await sign_in(desk, "kofi@example.org", "tester")
    address = "/releases/plan?action=promote&environment=test&domain=people"
    text = (await desk.see(address)).text
    assert 'data-rule="plan-unapproved"' in text
    assert "a column goes" in text.partition('id="approve-plans"')[2]
    assert fields(text, "promote") == {}
    answer = await confirm(desk, f"{address}&approved_plans={'f00d' * 4}", "promote")
    assert answer.status_code == 303
    record = next(one for one in world.state.records.values() if one.environment == "test")
    assert record.approved_plans == {"person": "f00d" * 4, "identity": "f00d" * 4}


async def test_a_reviewer_accepts_a_black_box_run_in_place_of_unit_tests(desk, world):
    failed = UnitTests(passed=False, summary="2 failed, 31 passed")
    one = msgspec.structs.replace(release("person", 1), unit_tests=failed)
    world.ports.registry.add("person", one)
    world.carry_out("dev", AUTOMATION, releases={"person": one})
    promotion = "/releases/plan?action=promote&environment=test&domain=people"
    await sign_in(desk, "eva@example.org", "engineer")
    text = (await desk.see(promotion)).text
    assert 'data-rule="unit-tests"' in text
    assert 'id="accept-tests"' not in text  # an engineer may not
    await sign_in(desk, "kofi@example.org", "tester")
    text = (await desk.see(promotion)).text
    (link,) = re.findall(r'href="(/releases/plan\?action=accept-tests[^"]+)"', text)
    answer = await confirm(desk, link.replace("&amp;", "&"), "accept-tests", reason="Leap seconds.")
    assert answer.status_code == 303, answer.text
    (acceptance,) = [one for one in world.state.records.values() if one.kind == "acceptance"]
    assert (acceptance.by, acceptance.service, acceptance.reason) == ("kofi@example.org", "person", "Leap seconds.")
    await sign_in(desk, "eva@example.org", "engineer")
    done = await confirm(desk, promotion, "promote")
    text = (await desk.see(done.headers["location"])).text
    assert "The unit tests of person didn’t pass." in text
    assert "Black-box run of person accepted for Test" in (await desk.see("/releases")).text


class LocalStub:
    """Environments of this machine: Test sleeps until it is woken."""

    def __init__(self, clock):
        self.clock, self.woken = clock, threading.Event()
        self.addresses = {name: f"http://localhost:{port}" for port, name in enumerate(ENVIRONMENTS, 8500)}

    def asleep(self):
        return frozenset() if self.woken.is_set() else frozenset({"test"})

    def wake(self, environment):
        assert environment == "test"
        self.woken.set()

    def skip_to(self, moment):
        self.clock.at = moment


async def test_environments_of_this_machine_have_addresses_and_sleep_and_their_clock_skips(
    desk, releasing, workspace_root
):
    """The rules stay: a set that has skipped to its window goes in by the same decision. No mail address is shown."""
    portal, core = releasing
    world = World(workspace_root, waits=True)
    core.ports, core.local = world.ports, LocalStub(world.ports.clock)
    portal.app.state.promotions.forget()
    world.merge(1)
    for domain in set(SERVICES.values()):
        world.carry_out("test", Requester(name="kofi.mensah@example.org", roles=frozenset({"tester"})), domain=domain)
    sre = Requester(name="sunita.rao@example.org", roles=frozenset({"sre"}))
    world.carry_out("staging", sre)
    await sign_in(desk, "sunita.rao@example.org", "sre")
    text = (await desk.see("/releases")).text
    assert 'href="http://localhost:8500"' in text
    assert 'href="http://localhost:8501"' not in text, "it sleeps"
    assert "Kofi Mensah" in text
    assert "@example.org" not in text
    answer = await desk.submit("/releases/wake", **fields(text, "wake"))
    assert answer.status_code == 303
    assert await asyncio.to_thread(core.local.woken.wait, 30)
    asked = PromotionRequest(action="promote", environment="production")
    assert {reason.rule for reason in Promoter(world.ports).explain(asked, sre).reasons} >= {"soak"}
    assert 'id="skip-production"' in text
    answer = await desk.submit("/releases/skip", **fields(text, "skip"))
    assert answer.status_code == 303
    rules = {reason.rule for reason in Promoter(world.ports).explain(asked, sre).reasons}
    assert not rules & {"soak", "window"}
    assert 'id="skip-production"' not in (await desk.see("/releases")).text
    steps = (await desk.see("/releases/tour")).text.split("<li")
    assert sum(">Done<" in step for step in steps) == 2, "to Test, and to Staging"
    assert "Change a line and merge it" in next(step for step in steps if ">Next<" in step)
    core.local = None
    assert (await desk.see("/releases/tour")).status_code == 404
    for path in ("wake", "skip"):
        refused = await desk.submit(f"/releases/{path}", **fields(text, path))
        assert refused.status_code == 404, "where they are in AWS, there is neither"


async def test_a_preview_that_takes_long_says_so_at_once_and_is_shown_when_it_is_made(desk, world, releasing):
    """One is made for all who ask; a part asks until the browser is told to load the page with it."""
    world.merge(1)
    await sign_in(desk, "kofi.mensah@example.org", "tester")
    go, made = threading.Event(), []
    preview = world.ports.previews.preview

    def slow(*words):
        made.append(words)
        go.wait(60)
        return preview(*words)

    world.ports.previews.preview = slow
    address = "/releases/plan?action=promote&environment=test&domain=people"
    text = (await desk.see(address)).text
    assert "Making the preview" in text
    assert f'hx-get="{address.replace("&", "&amp;")}"' in text
    part = await desk.see(address, headers={"HX-Request": "true"})
    assert "Making the preview" in part.text
    assert "HX-Refresh" not in part.headers
    assert len(made) == 1
    go.set()
    async with asyncio.timeout(60):
        while "HX-Refresh" not in part.headers:
            part = await desk.see(address, headers={"HX-Request": "true"})
    before = len(made)
    assert "I have read" in (await desk.see(address)).text
    assert len(made) == before, "the one that was waited for"
