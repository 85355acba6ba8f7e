"""What waits for those who deliver, on their home page: from the state of main, by who they are. Pure."""

import re
from datetime import UTC, datetime

import msgspec
import pytest

from gatehouse_catalog.releases import UnitTests
from gatehouse_portal.areas.releases import home
from gatehouse_portal.areas.releases.view import board
from gatehouse_release.model import PromotionRequest, Requester
from gatehouse_release.promoter import Promoter
from gatehouse_release.state import read_state
from gatehouse_release.testing.in_memory import MemoryPorts, release, tree

SERVICES = {"person": "people", "topics": "learning"}
CI = Requester(name="mira@example.org", roles=frozenset({"automation"}))
SAM = Requester(name="sam@example.org", roles=frozenset({"sre"}))
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # 10:00 in the policy's time zone


@pytest.fixture
def ports(workspace_root):
    policy = (workspace_root / "stacks" / "policy.yaml").read_text().replace("soak_hours: 24", "soak_hours: 0")
    return MemoryPorts(tree(policy, SERVICES), lambda read, name: read_state("", read).releases[name])


def run(ports, actor, environment, **wanted):
    promoter = Promoter(ports)
    action = wanted.pop("action", "promote")
    asked = PromotionRequest(action=action, environment=environment, **wanted)
    wanted["fingerprint"] = promoter.preview(asked).fingerprint
    outcome = promoter.run(PromotionRequest(action=action, environment=environment, **wanted), actor)
    assert outcome.decision.allowed, outcome.decision.reasons
    return outcome.record


def merge(ports, number):
    releases = {name: release(name, number) for name in SERVICES}
    for name, one in releases.items():
        ports.registry.add(name, one)
    return run(ports, CI, "dev", releases=releases)


def told(ports, name, *roles):
    state = read_state(*ports.repository.read())
    tasks = home.tasks(state, board(state, roles, MONDAY), name, frozenset(roles))
    return [(task.word, task.title) for task in tasks]


def test_a_tester_sees_what_waits_in_dev_for_test(ports):
    assert told(ports, "kofi@example.org", "tester") == []
    merge(ports, 1)
    waits = [("Preview", "Promote learning to Test"), ("Preview", "Promote people to Test")]
    assert told(ports, "kofi@example.org", "tester") == waits
    assert told(ports, "viktor@example.org", "release-manager") == []
    run(ports, SAM, "test", domain="people")
    assert told(ports, "kofi@example.org", "tester") == [waits[0], ("Preview", "Promote everything to Staging")]


def test_what_is_red_comes_first(ports):
    ports.black_box.failing["dev"] = "3 failed, 39 passed"
    merge(ports, 1)
    assert told(ports, "kofi@example.org", "tester")[0] == ("Failing", "The black-box suite fails in Dev")
    ports.runtime.broken.add(release("person", 2).digest)
    merge(ports, 2)
    assert told(ports, "eva@example.org", "engineer")[0][1] != "Promote people to Test"


def test_failing_unit_tests_are_red_until_the_release_goes_on(ports):
    merge(ports, 1)
    failed = UnitTests(passed=False, summary="2 failed, 31 passed")
    one = msgspec.structs.replace(release("person", 2), unit_tests=failed)
    ports.registry.add("person", one)
    run(ports, CI, "dev", releases={"person": one})
    assert ("Failing", "person v2 failed its unit tests") in told(ports, "kofi@example.org", "tester")


def test_a_proposal_waits_for_those_who_may_approve_it_until_they_did(ports):
    merge(ports, 1)
    for domain in ("people", "learning"):
        run(ports, SAM, "test", domain=domain)
    run(ports, SAM, "staging")
    proposal = run(ports, SAM, "production", action="promote")
    title = "person, topics to Production"
    assert (("Waits for others", title)) in told(ports, SAM.name, "sre")
    assert told(ports, "kofi@example.org", "tester") == []
    for name in ("viktor@example.org", "yuki@example.org"):
        assert told(ports, name, "release-manager")[0] == ("Review and approve", title)
        manager = Requester(name=name, roles=frozenset({"release-manager"}))
        asked = PromotionRequest(
            action="approve", environment="production", record=proposal.id, fingerprint=proposal.fingerprint
        )
        assert Promoter(ports).run(asked, manager).ok
    assert told(ports, "viktor@example.org", "release-manager")[0] == ("Ready to go live", title)


def test_what_somebody_merged_is_followed_until_production(ports):
    merge(ports, 1)
    run(ports, SAM, "test", domain="people")
    state = read_state(*ports.repository.read())
    (mine,) = home.on_their_way(state, CI.name)
    assert mine.furthest == "dev"  # topics isn't in Test yet
    run(ports, SAM, "test", domain="learning")
    (mine,) = home.on_their_way(read_state(*ports.repository.read()), CI.name)
    assert mine.furthest == "test"
    assert home.on_their_way(state, "nobody@example.org") == []


@pytest.mark.parametrize(
    ("day", "hour", "words"),
    [(23, 10, "open until 16:00"), (23, 17, "opens on Tuesday at 09:00"), (24, 8, "opens today at 09:00")],
)
def test_the_window_is_said_in_words(ports, day, hour, words):
    state = read_state(*ports.repository.read())
    local = datetime(2026, 11, day, hour, 0, tzinfo=state.policy.zone)
    assert home.window_words(state.policy.edges["production"], local) == words


def test_every_address_of_a_task_is_one_of_the_portals(ports):
    merge(ports, 1)
    state = read_state(*ports.repository.read())
    for task in home.tasks(state, board(state, ["sre"], MONDAY), "sam", frozenset({"sre"})):
        assert re.match(r"/releases(/plan\?|/records/|$)", task.path)
