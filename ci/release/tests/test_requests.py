"""What a request may name, who is asked of what, and the words of its refusal."""

from typing import Any

import pytest

from gatehouse_release.model import PromotionRequest
from gatehouse_release.ports import NotConfigured
from gatehouse_release.testing.in_memory import release

from .conftest import SERVICES, World, rules_of, told


def not_configured(*_: Any) -> Any:
    raise NotConfigured("nothing is set up here", "Set it up.")


def refused(world: World, who: str, action: Any, environment: str, **fields: Any) -> tuple[set[str], str]:
    outcome = world.ask(who, action, environment, **fields)
    assert not outcome.ok
    return rules_of(outcome.decision), told(outcome.decision)


def test_a_merge_of_a_service_that_is_not_there_is_refused_with_the_nearest_name(world: World):
    rules, said = refused(world, "ci", "promote", "dev", releases={"persn": release("persn", 1)})
    assert rules == {"unknown"}
    assert "persn is no service" in said
    assert "person" in said.replace("persn", "")


def test_a_hold_names_services_and_a_release_only_one(world: World):
    rules, said = refused(world, "sam", "hold", "dev", reason="why")
    assert (rules, "A hold is put on services" in said) == ({"unknown"}, True)
    rules, said = refused(world, "sam", "hold", "dev", services=("person", "topics"), digest="sha256:1", reason="why")
    assert (rules, "A release belongs to one service" in said) == ({"unit"}, True)
    assert world.ask("sam", "hold", "dev", services=("person",), digest="sha256:1", reason="why").ok
    assert [(hold.service, hold.digest) for hold in world.state.holds("dev")] == [("person", "sha256:1")]


def test_everything_is_held_by_that_word(world: World):
    assert world.ask("sam", "hold", "test", domain="everything", reason="the audit").ok
    assert {hold.service for hold in world.state.holds("test")} == set(SERVICES)


def test_a_veto_is_on_a_proposal_that_waits(world: World):
    record = world.merge(person=1).record
    assert record
    rules, said = refused(world, "sam", "veto", "dev", record=record.id, reason="why")
    assert rules == {"wrong-state"}
    assert "no proposal that waits (it is verified)" in said


def test_a_rollback_says_whether_the_named_set_runs_or_no_other_was_ever_verified(world: World):
    first = world.merge(person=1).record
    assert first
    rules, said = refused(world, "eva", "rollback", "dev", record=first.id)
    assert (rules, f"dev runs the set of {first.id} already" in said) == ({"nothing-to-promote"}, True)
    rules, said = refused(world, "eva", "rollback", "dev")
    assert (rules, "No other set was ever verified in dev" in said) == ({"not-verified"}, True)


def test_of_a_registry_that_is_not_set_up_every_service_is_told(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(world.ports.registry, "digest", not_configured)
    rules, said = refused(world, "ci", "promote", "dev", releases={n: release(n, 1) for n in ("person", "topics")})
    assert {"digest-missing", "not-configured"} <= rules
    for name in ("person", "topics"):
        assert f"whether the registry has {name} v1 isn't known" in said


def test_what_can_not_be_deployed_from_here_is_not_begun(world: World, monkeypatch: pytest.MonkeyPatch):
    """A proposal is only written down; whoever applies it needs the environment."""
    world.in_staging()
    running = world.ports.runtime.running
    monkeypatch.setattr(
        world.ports.runtime,
        "running",
        lambda place, name: not_configured() if place in ("dev", "production") else running(place, name),
    )
    assert refused(world, "ci", "promote", "dev", releases={"person": world.built("person", 2)})[0] == {
        "not-configured"
    }
    assert world.ask("rita", "promote", "production").ok


def test_only_a_promotion_that_asks_for_it_looks_at_what_runs_in_the_source(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    asked: list[str] = []
    running = world.ports.runtime.running

    def noted(place: str, name: str) -> Any:
        asked.append(place)
        return running(place, name)

    world.merge(person=1)
    world.merge(person=2)
    monkeypatch.setattr(world.ports.runtime, "running", noted)
    world.explain("eva", "promote", "test", domain="people")  # its edge needs `running`
    assert "dev" in asked
    world.ask("eva", "promote", "test", domain="people")
    asked.clear()
    assert world.explain("tim", "promote", "staging").allowed
    assert "test" not in asked
    world.merge(person=3)
    world.ask("eva", "promote", "test", domain="people")
    asked.clear()
    world.explain("eva", "rollback", "test")
    assert "dev" not in asked


def test_a_proposal_for_everything_is_stale_once_anything_of_the_source_changed(world: World):
    """Also what the proposal left as it was."""
    world.live(1)
    world.merge(person=2)
    world.to_test("people")
    assert world.ask("tim", "promote", "staging").ok
    world.ports.clock.pass_hours(25)
    record = world.approved()
    assert set(record.services) == {"person"}
    world.merge(topics=2)
    world.to_test("learning")
    assert world.ask("tim", "promote", "staging").ok
    world.ports.clock.pass_hours(48)
    decision = world.explain("rita", "apply", "production", record=record.id)
    assert "preview-stale" in rules_of(decision)
    assert "staging isn't as it was" in told(decision)


def test_whoever_proposed_is_told_who_may_approve(world: World):
    world.in_staging()
    record = world.proposed()
    rules, said = refused(world, "rita", "approve", "production", record=record.id)
    assert rules == {"own-proposal"}
    assert "Ask somebody else who is release-manager." in said


def test_who_may_not_is_refused_before_any_preview(world: World):
    world.merge(person=1)
    request = PromotionRequest(action="promote", environment="test", domain="people")
    refusal = world.promoter.refused_at_once(request, world.actor("mona"))
    assert refusal
    assert (refusal.allowed, rules_of(refusal)) == (False, {"who"})
    assert world.promoter.refused_at_once(request, world.actor("eva")) is None


def test_a_push_that_was_outrun_is_told_and_waits_a_moment(world: World, monkeypatch: pytest.MonkeyPatch):
    waited: list[float] = []
    monkeypatch.setattr("gatehouse_release.promoter.time.sleep", waited.append)
    others = iter([{"README": "somebody else's"}])

    def outrun(point: str) -> None:
        if point == "before push" and (edits := next(others, None)):
            world.ports.repository.commit(edits)

    world.ports.fault_hook = outrun
    assert world.merge(person=1).ok
    assert any(line.startswith("main went on from ") and line.endswith("deciding again") for line in world.lines)
    assert len(waited) == 1


def test_what_was_begun_is_settled_without_a_pause(world: World, monkeypatch: pytest.MonkeyPatch):
    waited: list[float] = []
    monkeypatch.setattr("gatehouse_release.promoter.time.sleep", waited.append)

    class Killed(Exception):
        pass

    def kill(point: str) -> None:
        if point == "before deploy":
            world.ports.fault_hook = lambda point: None
            raise Killed

    world.ports.fault_hook = kill
    with pytest.raises(Killed):
        world.merge(person=1)
    assert world.merge(person=2).ok
    assert [record.state for record in world.state.of("dev")] == ["verified", "verified"]
    assert waited == []


def test_only_break_glass_lists_what_it_passed(world: World):
    world.in_staging()
    assert not any("Passed:" in message for message in world.ports.repository.messages)
    world.ask("sam", "promote", "production", break_glass=True, reason="leak")
    assert any("Passed: approvals, soak\n" in message for message in world.ports.repository.messages)
