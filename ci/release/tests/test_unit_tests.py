"""Failing unit tests stop a release, unless a named reviewer accepts its green black-box run; never unseen."""

from typing import Any

import msgspec
import pytest

from gatehouse_catalog.releases import UnitTests
from gatehouse_release.change_set import change_set_of
from gatehouse_release.model import Record, Release
from gatehouse_release.preview import conclusions
from gatehouse_release.preview.previewer import release_tests
from gatehouse_release.records import parse

from .conftest import World, refused, told

FAILED = UnitTests(passed=False, summary="2 failed, 31 passed")
WHY = "The two tests expect a leap second; the suite covers the rest."


def failing(world: World, service: str, number: int, result: UnitTests | None = FAILED) -> Release:
    one = msgspec.structs.replace(world.built(service, number), unit_tests=result)
    assert world.ask("ci", "promote", "dev", releases={service: one}).ok
    return one


def accept(world: World, who: str, environment: str, service: str = "person", **fields: Any) -> Record:
    wanted = {"accepted_tests": (service,), "reason": WHY} | fields
    outcome = world.ask(who, "accept-tests", environment, **wanted)
    assert outcome.ok, told(outcome.decision)
    assert outcome.record
    return outcome.record


@pytest.mark.parametrize(
    ("result", "words"), [(FAILED, "failed its unit tests (2 failed, 31 passed)"), (None, "has no result of its unit")]
)
def test_failing_or_unknown_unit_tests_stop_a_release_after_dev(world: World, result: Any, words: str):
    failing(world, "person", 1, result)
    rules, said = refused(world, "eva", "promote", "test", domain="people")
    assert rules == {"unit-tests"}
    assert f"person v1 {words}" in said
    assert "gate promote accept-tests test --tests-of person" in said


def test_a_reviewer_accepts_the_black_box_run_and_the_record_says_so(world: World):
    one = failing(world, "person", 1)
    acceptance = accept(world, "tim", "test", domain="people")
    assert (acceptance.by, acceptance.service, acceptance.digest, acceptance.reason) == (
        "tim",
        "person",
        one.digest,
        WHY,
    )
    evidence = world.state.records[acceptance.about]
    assert evidence.seen
    assert evidence.seen.releases["person"] == one
    outcome = world.ask("eva", "promote", "test", domain="people")
    assert outcome.record
    assert outcome.record.state == "verified"
    assert outcome.record.accepted_tests == {"person": acceptance.id}
    subject = next(text for text in world.ports.repository.messages if text.startswith("Promote to test"))
    assert f"person: unit tests didn't pass, accepted by {acceptance.id}" in subject
    path = acceptance.path
    assert parse(path, world.ports.repository.texts[path]) == acceptance


def test_an_acceptance_is_for_one_preview_one_release_and_one_environment(world: World):
    failing(world, "person", 1)
    accept(world, "tim", "test", domain="people")
    world.ports.previews.world = "another"
    assert refused(world, "eva", "promote", "test", domain="people")[0] == {"unit-tests"}
    world.ports.previews.world = ""
    failing(world, "person", 2)
    assert refused(world, "eva", "promote", "test", domain="people")[0] == {"unit-tests"}
    accept(world, "tim", "test", domain="people")
    assert world.ask("eva", "promote", "test", domain="people").ok
    assert refused(world, "sam", "promote", "staging")[0] == {"unit-tests"}


def test_who_may_not_accept(world: World):
    failing(world, "person", 1)
    asked = {"domain": "people", "accepted_tests": ("person",), "reason": WHY}
    assert refused(world, "eva", "accept-tests", "test", **asked)[0] == {"who"}
    world.ports.previews.authors = {"person": frozenset({"tim"})}
    rules, said = refused(world, "tim", "accept-tests", "test", **asked)
    assert rules == {"own-change"}
    assert "tim wrote commits of person" in said
    # Another reviewer accepts, and can't be the one who promotes then.
    accept(world, "sam", "test", domain="people")
    assert refused(world, "sam", "promote", "test", domain="people")[0] == {"unit-tests"}
    assert world.ask("tim", "promote", "test", domain="people").ok


def test_what_can_not_be_accepted(world: World):
    world.ports.black_box.failing["dev"] = "1 failed, 41 passed"
    failing(world, "person", 1)
    failing(world, "identity", 1)
    asked = {"domain": "people", "reason": WHY}
    rules, said = refused(world, "tim", "accept-tests", "test", accepted_tests=("person",), **asked)
    assert rules == {"black-box"}
    assert "hasn't passed in dev with person v1" in said
    world.ports.black_box.failing.clear()
    assert world.ask("sam", "verify", "dev").ok
    both = refused(world, "tim", "accept-tests", "test", accepted_tests=("identity", "person"), **asked)
    assert both[0] == {"nothing-to-accept"}
    assert refused(world, "tim", "accept-tests", "test", accepted_tests=("topics",), **asked)[0] == both[0]
    without = {"domain": "people", "accepted_tests": ("person",)}
    assert refused(world, "tim", "accept-tests", "test", **without)[0] == {"reason-missing"}
    accept(world, "tim", "test", domain="people")
    # It is for one service: the other one still stands in the way.
    rules, said = refused(world, "eva", "promote", "test", domain="people")
    assert (rules, "identity v1" in said, "person v1" in said) == ({"unit-tests"}, True, False)


def test_production_takes_it_only_from_approvers_who_say_that_they_saw_it(world: World):
    world.in_staging()
    failing(world, "person", 2)
    accept(world, "tim", "test", domain="people")
    assert world.ask("eva", "promote", "test", domain="people").ok
    accept(world, "tim", "staging")
    assert world.ask("sam", "promote", "staging").ok
    assert refused(world, "rita", "promote", "production")[0] == {"unit-tests"}
    acceptance = accept(world, "tim", "production")
    proposal = world.ask("rita", "promote", "production").record
    assert proposal
    assert proposal.accepted_tests == {"person": acceptance.id}
    rules, said = refused(world, "rolf", "approve", "production", record=proposal.id)
    assert rules == {"unit-tests-unseen"}
    assert "Say so: --accept-tests person" in said
    for name in ("rolf", "rosa"):
        done = world.ask(name, "approve", "production", record=proposal.id, accepted_tests=("person",))
        assert done.ok, told(done.decision)
    assert [one.accepted_tests for one in world.state.records[proposal.id].approvals] == [("person",)] * 2
    world.ports.clock.pass_hours(25)
    live = world.ask("rita", "apply", "production", record=proposal.id)
    assert live.ok, told(live.decision)


def test_break_glass_does_not_pass_it(world: World):
    world.in_staging()
    failing(world, "person", 2)
    accept(world, "tim", "test", domain="people")
    assert world.ask("eva", "promote", "test", domain="people").ok
    accept(world, "tim", "staging")
    assert world.ask("sam", "promote", "staging").ok
    emergency = {"break_glass": True, "reason": "the site is down"}
    assert refused(world, "sam", "promote", "production", **emergency)[0] == {"unit-tests", "unit-tests-unseen"}
    accept(world, "tim", "production")
    assert refused(world, "sam", "promote", "production", **emergency)[0] == {"unit-tests-unseen"}
    done = world.ask("sam", "promote", "production", accepted_tests=("person",), **emergency)
    assert done.ok, told(done.decision)


def test_a_rollback_asks_for_no_unit_tests(world: World):
    failing(world, "person", 1)
    world.merge(person=2)
    assert world.ask("sam", "rollback", "dev").ok


def test_the_preview_says_what_came_of_the_tests_and_who_accepted(world: World):
    failing(world, "person", 1)
    acceptance = accept(world, "tim", "test", domain="people")
    changes = change_set_of(world.state, world.seen("promote", "test", domain="people")).changes
    (one,) = release_tests(world.state, "test", acceptance.fingerprint, changes)
    assert (one.service, one.passed, one.summary) == ("person", False, FAILED.summary)
    assert (one.accepted_by, one.why) == ("tim", WHY)
    (other,) = release_tests(world.state, "test", "0" * 64, changes)
    assert other.accepted_by == ""


def test_an_author_is_known_by_mail_address_and_by_login():
    line = "c1\x1fRule better\x1fEva\x1f{}\x1f2026-11-23T09:00:00+00:00"
    log = "\n".join([line.format("eva@example.org"), line.format("1234+octo-cat@users.noreply.github.com")])
    move = conclusions.ReleaseMove(service="person", before="v1", after="v2", commits=conclusions.commits(log))
    hidden = "1234+octo-cat@users.noreply.github.com"
    assert conclusions.authors([move]) == {"person": frozenset({"eva@example.org", hidden, "octo-cat"})}
