"""The way of a release through the environments, and back."""

import pytest

from gatehouse_catalog.releases import ENVIRONMENTS
from gatehouse_release.model import PromotionRequest, Release
from gatehouse_release.promoter import Promoter
from gatehouse_release.testing.in_memory import release

from .conftest import SERVICES, World, all_at, rules_of, told


def test_a_merge_goes_to_dev_and_is_verified(world: World):
    outcome = world.merge(person=1, identity=1)
    assert outcome.record
    assert outcome.record.state == "verified"
    assert [step.state for step in outcome.record.history] == ["applying", "verified"]
    assert world.tags("dev") == all_at(1, ["identity", "person"])
    assert world.ports.registry.tags["person", "dev"] == release("person", 1).digest


def test_it_waits_for_tasks_that_take_a_while_to_answer_as_meant(world: World, monkeypatch: pytest.MonkeyPatch):
    """As ECS replaces them one after another. The patience is the one that `gate promote` has."""
    waited: list[float] = []

    def replaced_in_the_end(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            world.ports.runtime.stuck.clear()
            world.ports.runtime.deploy("dev", "")

    monkeypatch.setattr("gatehouse_release.promoter.time.sleep", replaced_in_the_end)
    world.promoter = Promoter(world.ports, report=world.lines.append)
    world.ports.runtime.stuck.add(release("person", 1).digest)
    outcome = world.merge(person=1)
    assert outcome.record
    assert outcome.record.state == "verified"
    assert len(waited) == 3
    assert min(waited) > 0
    assert world.lines.count("waiting for person in dev to answer as meant") == 3


def test_a_domain_goes_to_test_and_no_other(world: World):
    world.merge(**dict.fromkeys(SERVICES, 1))
    assert world.ask("eva", "promote", "test", domain="learning").ok
    assert world.tags("test") == all_at(1, ["curriculum", "topics"])


def test_the_suite_looks_at_what_it_has_not_passed_yet_and_at_everything_when_asked_to_verify(world: World):
    suite = world.ports.black_box
    world.merge(**dict.fromkeys(SERVICES, 1))
    world.merge(person=2)
    suite.failing["dev"] = "1 failed"
    world.merge(topics=2)
    suite.failing.clear()
    world.merge(curriculum=2)
    assert world.ask("eva", "verify", "dev").ok
    changed = [services for environment, services in suite.asked if environment == "dev"]
    assert changed == [frozenset(), {"person"}, {"topics"}, {"topics", "curriculum"}, frozenset()]


def test_chosen_services_of_a_domain_go_to_test(world: World):
    world.merge(**dict.fromkeys(SERVICES, 1))
    assert world.ask("tim", "promote", "test", services=("person",)).ok
    assert world.tags("test") == all_at(1, ["person"])


def test_everything_goes_live_after_two_others_approved(world: World):
    record = world.live()
    assert record.state == "verified"
    assert [step.state for step in record.history] == ["proposed", "approved", "applying", "verified"]
    assert [one.by for one in record.approvals] == ["rolf", "rosa"]
    for environment in ENVIRONMENTS:
        assert world.tags(environment) == all_at(1), environment


def test_a_service_that_left_staging_leaves_production(world: World):
    world.live()
    text = world.ports.repository.texts["stacks/Pulumi.staging.yaml"]
    lines = text.splitlines(keepends=True)
    start = next(number for number, line in enumerate(lines) if line == "    topics:\n")
    rest = lines[start + 5 :]
    world.ports.repository.commit({"stacks/Pulumi.staging.yaml": "".join([*lines[:start], *rest])})
    world.ports.runtime.deploy("staging", "")
    assert world.ask("tim", "verify", "staging").ok
    world.ports.clock.pass_hours(25)
    record = world.approved()
    assert world.ask("rita", "apply", "production", record=record.id).ok
    assert "topics" not in world.tags("production")
    assert ("production", "topics") not in world.ports.runtime.runs


def test_a_rollback_brings_the_earlier_set_back_and_holds_what_it_removed(world: World):
    world.live(1)
    world.live(2)
    proposal = world.ask("rita", "rollback", "production", reason="people can't sign in").record
    assert proposal
    for name in ("rolf", "rosa"):
        world.ask(name, "approve", "production", record=proposal.id)
    outcome = world.ask("sam", "apply", "production", record=proposal.id)
    assert outcome.record
    assert outcome.record.state == "verified"
    assert world.tags("production") == all_at(1)
    held = {hold.service: hold.digest for hold in world.state.holds("production")}
    assert held == {name: release(name, 2).digest for name in SERVICES}
    again = world.explain("rita", "promote", "production")
    assert "hold" in rules_of(again)
    assert "rolled back from v2. people can't sign in" in told(again)


def test_a_rollback_needs_no_soak_and_no_window_but_the_approvals(world: World):
    world.live(1)
    world.live(2)
    world.ports.clock.pass_hours(12)  # night
    assert rules_of(world.explain("rita", "rollback", "production"), later=True) == {"approvals"}


def test_a_second_rollback_goes_further_back_and_not_forth_again(world: World):
    for number in (1, 2, 3):
        world.merge(person=number)
    world.ask("eva", "rollback", "dev")
    assert world.tags("dev") == {"person": "v2"}
    world.ask("eva", "rollback", "dev")
    assert world.tags("dev") == {"person": "v1"}


def test_what_was_rolled_back_comes_again_when_its_hold_is_released(world: World):
    world.merge(person=1)
    world.merge(person=2)
    world.ask("eva", "rollback", "dev", reason="slow")
    refused = world.merge(person=2)
    assert rules_of(refused.decision) == {"hold"}
    hold = world.state.holds("dev")[0]
    assert world.ask("sam", "lift", "dev", record=hold.id).ok
    assert world.merge(person=2).ok
    assert world.tags("dev") == {"person": "v2"}


def test_a_rollback_takes_a_named_set(world: World):
    first = world.merge(person=1, topics=1).record
    assert first
    world.merge(person=2)
    world.merge(person=3, topics=3)
    assert world.ask("eva", "rollback", "dev", record=first.id, services=("person",)).ok
    assert world.tags("dev") == {"person": "v1", "topics": "v3"}


def test_break_glass_is_loud_in_record_and_history(world: World):
    world.in_staging()
    outcome = world.ask("sam", "promote", "production", break_glass=True, reason="leak of addresses")
    assert outcome.record
    assert outcome.record.state == "verified"
    assert set(outcome.record.break_glass) == {"approvals", "soak"}
    subject = next(message for message in world.ports.repository.messages if message.startswith("BREAK GLASS"))
    assert "production" in subject
    assert "leak of addresses" in subject


def test_break_glass_needs_a_reason_and_the_role(world: World):
    world.in_staging()
    assert "reason-missing" in rules_of(world.explain("sam", "promote", "production", break_glass=True))
    assert "who" in rules_of(world.explain("tim", "promote", "production", break_glass=True, reason="I like it"))


def test_break_glass_never_passes_a_missing_digest(world: World):
    world.in_staging()
    world.ports.registry.digests["person"].clear()
    decision = world.explain("sam", "promote", "production", break_glass=True, reason="leak")
    assert rules_of(decision) == {"digest-missing"}


def test_an_emergency_needs_no_proposal_of_its_own(world: World):
    world.live(1)
    world.live(2)
    outcome = world.ask("sam", "rollback", "production", break_glass=True, reason="down")
    assert outcome.ok
    assert world.tags("production") == all_at(1)


@pytest.mark.parametrize("service", ["person", "topics"])
def test_a_first_release_that_fails_leaves_nothing_behind(world: World, service: str):
    world.ports.runtime.broken.add(release(service, 1).digest)
    outcome = world.merge(**{service: 1})
    assert not outcome.ok
    assert world.tags("dev") == {}


def test_the_same_request_twice_is_done_once(world: World):
    request = world.seen("promote", "dev", releases={"person": world.built("person", 1)}, key="0123456789ABCDEF")
    first = world.promoter.run(request, world.actor("ci"))
    second = world.promoter.run(request, world.actor("ci"))
    assert first.record
    assert second.record
    assert first.record.id == second.record.id
    assert len(world.state.records) == 1


def test_a_release_keeps_all_that_is_known_of_it(world: World):
    one = Release(
        tag="v7",
        digest=release("person", 7).digest,
        database_digest=release("person", 7).database_digest,
        commit="1234567",
        built_at="2026-11-23T08:00:00Z",
        collections={"person": "1.2.0.3"},
    )
    world.ports.registry.add("person", one)
    world.ask("ci", "promote", "dev", releases={"person": one})
    assert world.state.releases["dev"]["person"] == one


def test_a_clock_that_is_ahead_doesnt_become_everybodys(world: World):
    """Somebody's machine is a day ahead: what comes after keeps its own time, and its place."""
    assert world.merge(person=1).ok
    world.ports.clock.pass_hours(24)
    assert world.merge(person=2).ok
    world.ports.clock.pass_hours(-24)
    now = world.ports.clock.now()
    third = world.merge(person=3).record
    assert third
    assert [step.at for step in third.history] == [now, now]
    assert world.state.last_seen("dev") == third
    assert world.state.good_since("dev") == now
    assert third.history[-1].order == max(step.order for one in world.state.of("dev") for step in one.history)


def test_production_is_looked_at_from_outside_too(world: World):
    record = world.live()
    assert record.seen
    assert record.seen.black_box
    assert record.seen.black_box.passed
    world.ports.black_box.failing["production"] = "1 failed"
    outcome = world.ask("sam", "verify", "production")
    assert outcome.suite_failed == "1 failed"


def test_who_may_not_is_told_before_there_is_a_preview(world: World, monkeypatch: pytest.MonkeyPatch):
    world.in_staging()
    proposal = world.proposed()

    def slow(*_: object) -> None:
        raise AssertionError("a preview was made")

    monkeypatch.setattr(world.ports.previews, "preview", slow)
    own = PromotionRequest(action="approve", environment="production", record=proposal.id)
    for name, rule in (("rita", "own-proposal"), ("mona", "who")):
        refused = world.promoter.refused_at_once(own, world.actor(name))
        assert refused
        assert rule in {reason.rule for reason in refused.reasons}
    assert world.promoter.refused_at_once(own, world.actor("rolf")) is None
