"""Every reason why not: what was asked is refused and nothing is written, and `explain` says just the same."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from gatehouse_release.lineage import keeping_out, lineage
from gatehouse_release.model import Action, DangerousPlan, Reason, RunningService
from gatehouse_release.outcomes import not_as_meant
from gatehouse_release.policy import Window, parse_policy
from gatehouse_release.ports import NotConfigured
from gatehouse_release.rules import is_open, lacking_approvals
from gatehouse_release.testing.in_memory import release

from .conftest import ROOT, SERVICES, World, all_at, refused, rules_of, told


def failed(world: World, **numbers: int) -> str:
    """Why a merge's release failed; what ran before is in the stack file and runs again."""
    before = world.tags("dev")
    outcome = world.merge(**numbers)
    assert outcome.record
    assert not outcome.ok
    assert [step.state for step in outcome.record.history][:2] == ["applying", "failed"]
    assert world.tags("dev") == before
    return outcome.record.history[1].why


def test_a_breaker_rollback_fails_the_promotion(world: World):
    world.merge(person=1)
    world.ports.runtime.broken.add(release("person", 2).digest)
    assert "person: the deployment breaker rolled it back to person:1" in failed(world, person=2)
    assert world.ports.runtime.runs["dev", "person"].digest == release("person", 1).digest
    assert world.state.of("dev")[-1].state == "reverted"


def test_a_service_that_answers_the_old_digest_fails_the_promotion(world: World):
    world.merge(person=1)
    world.ports.runtime.stuck.add(release("person", 2).digest)
    assert f"a task answers {release('person', 1).digest} at /version" in failed(world, person=2)


def test_a_deployment_that_fails_says_why(world: World):
    world.merge(person=1)
    world.ports.runtime.failing.add("dev")
    assert "the deployment failed: no capacity in any zone" in failed(world, person=2)
    assert world.state.of("dev")[-1].state == "failed"
    world.ports.runtime.failing.clear()
    world.promoter.resume(world.actor("sam"))
    assert world.state.of("dev")[-1].state == "reverted"


def test_one_broken_service_takes_its_whole_set_back(world: World):
    world.merge(person=1, topics=1)
    world.ports.runtime.broken.add(release("topics", 2).digest)
    failed(world, person=2, topics=2)
    assert world.tags("dev") == all_at(1, ["person", "topics"])


def test_a_digest_missing_in_the_registry_is_refused(world: World):
    world.merge(person=1)
    world.ports.registry.digests["person-database"].clear()
    rules, said = refused(world, "eva", "promote", "test", domain="people")
    assert rules == {"digest-missing"}
    assert f"the registry doesn't have person-database@{release('person', 1).database_digest}" in said


def test_a_moved_tag_is_refused(world: World):
    world.merge(person=1)
    world.ports.registry.tags["person", "v1"] = release("person", 9).digest
    rules, said = refused(world, "eva", "promote", "test", domain="people")
    assert rules == {"tag-moved"}
    assert f"person:v1 points at {release('person', 9).digest} now" in said


def test_a_stale_preview_is_refused(world: World):
    world.merge(person=1)
    request = world.seen("promote", "test", domain="people")
    world.ports.previews.world = "somebody added a setting"
    explained = world.promoter.explain(request, world.actor("eva"))
    outcome = world.promoter.run(request, world.actor("eva"))
    assert rules_of(outcome.decision) == rules_of(explained) == {"preview-stale"}
    assert "something moved since the preview" in told(explained)


def test_a_proposal_goes_stale_with_its_preview(world: World):
    world.in_staging()
    world.ports.clock.pass_hours(25)
    record = world.approved()
    world.ports.previews.world = "another plan for the database"
    assert refused(world, "rita", "apply", "production", record=record.id)[0] == {"preview-stale"}


def test_a_promotion_without_a_preview_is_refused(world: World):
    world.merge(person=1)
    request = msgspec.structs.replace(world.seen("promote", "test", domain="people"), fingerprint="")
    assert rules_of(world.promoter.run(request, world.actor("eva")).decision) == {"preview-missing"}


def test_nobody_approves_their_own_proposal(world: World):
    world.in_staging()
    rules, said = refused(world, "rita", "approve", "production", record=world.proposed().id)
    assert rules == {"own-proposal"}
    assert "rita proposed it; nobody approves their own." in said


def test_nobody_approves_twice(world: World):
    world.in_staging()
    record = world.proposed()
    assert world.ask("rolf", "approve", "production", record=record.id).ok
    assert refused(world, "rolf", "approve", "production", record=record.id)[0] == {"approved-already"}


def test_one_approval_of_two_is_too_few(world: World):
    world.in_staging()
    world.ports.clock.pass_hours(25)
    record = world.proposed()
    world.ask("rolf", "approve", "production", record=record.id)
    rules, said = refused(world, "rita", "apply", "production", record=record.id)
    assert rules == {"approvals"}
    assert "1 more person must approve" in said


def test_a_set_not_verified_in_staging_is_refused(world: World):
    world.in_staging()
    text = world.ports.repository.texts["stacks/Pulumi.staging.yaml"]
    other = world.built("person", 7)
    text = text.replace(release("person", 1).digest, other.digest).replace("tag: v1", "tag: v7", 1)
    text = text.replace(str(release("person", 1).database_digest), str(other.database_digest))
    world.ports.repository.commit({"stacks/Pulumi.staging.yaml": text})
    rules, said = refused(world, "rita", "promote", "production")
    assert "not-seen-together" in rules
    assert "the set that staging has now was not verified there as a whole" in said


def test_a_set_whose_black_box_failed_in_test_doesnt_reach_staging(world: World):
    world.merge(**dict.fromkeys(SERVICES, 1))
    world.ports.black_box.failing["test"] = "3 of 42 failed: test_sign_in"
    world.to_test()
    rules, said = refused(world, "tim", "promote", "staging")
    assert rules == {"not-seen-together"}
    assert "3 of 42 failed: test_sign_in" in said
    world.ports.black_box.failing.clear()
    assert world.ask("tim", "verify", "test").ok
    assert world.ask("tim", "promote", "staging").ok


def test_a_black_box_that_failed_in_dev_keeps_out_of_test(world: World):
    world.ports.black_box.failing["dev"] = "1 of 42 failed"
    world.merge(person=1)
    rules, said = refused(world, "eva", "promote", "test", domain="people")
    assert rules == {"black-box"}
    assert "1 of 42 failed" in said


def test_what_doesnt_run_as_meant_in_dev_stays_there(world: World):
    world.merge(person=1)
    world.ports.runtime.runs["dev", "person"] = msgspec.structs.replace(
        world.ports.runtime.runs["dev", "person"], task_definition="person:hand"
    )
    rules, said = refused(world, "eva", "promote", "test", domain="people")
    assert rules == {"not-running"}
    assert "ECS runs person:hand, meant is person:1" in said


def test_a_hold_keeps_a_service_out(world: World):
    world.merge(person=1)
    assert world.ask("tim", "hold", "test", services=("person",), reason="wait for the survey").ok
    rules, said = refused(world, "eva", "promote", "test", domain="people")
    assert rules == {"hold"}
    assert "wait for the survey" in said


def test_a_hold_on_one_release_keeps_out_what_was_built_from_it(world: World):
    world.merge(person=2)
    world.ask("tim", "hold", "test", services=("person",), digest=release("person", 2).digest, reason="slow")
    assert refused(world, "eva", "promote", "test", domain="people")[0] == {"hold"}
    world.merge(person=3)
    rules, said = refused(world, "eva", "promote", "test", domain="people")
    assert rules == {"hold"}
    assert "person v3 was built from c0000003, which contains c0000002, held in test by tim" in said
    (hold,) = world.state.holds("test")
    assert world.ask("sam", "lift", "test", record=hold.id).ok
    assert world.ask("eva", "promote", "test", domain="people").ok


def test_a_hold_on_one_release_lets_an_older_in(world: World):
    world.merge(person=2)
    world.ask("tim", "hold", "test", services=("person",), digest=release("person", 2).digest, reason="slow")
    hold = world.state.holds("test")[0]
    older, newer = (world.built("person", number) for number in (1, 3))
    descends = lineage(world.state, "test", {"person": newer}, world.ports.repository.contains)
    assert descends == {("person", hold.id)}
    assert keeping_out(world.state, "test", "person", newer, descends) == [hold]
    descends = lineage(world.state, "test", {"person": older}, world.ports.repository.contains)
    assert keeping_out(world.state, "test", "person", older, descends) == []


def test_a_hold_whose_history_is_unknown_holds(world: World, monkeypatch: pytest.MonkeyPatch):
    world.merge(person=1)
    world.ask("tim", "hold", "test", services=("person",), digest=release("person", 1).digest, reason="slow")
    world.merge(person=2)
    monkeypatch.setattr(world.ports.repository, "contains", lambda commit, other: None)
    assert refused(world, "eva", "promote", "test", domain="people")[0] == {"hold"}


def test_a_build_goes_without_what_is_held_and_says_so(world: World):
    world.merge(person=1, topics=1)
    hold = world.ask("tim", "hold", "dev", services=("person",), reason="the survey").record
    assert hold
    releases = {name: world.built(name, 2) for name in ("person", "topics")}
    request = world.seen("promote", "dev", releases=releases)
    explained = world.promoter.explain(request, world.actor("ci"))
    outcome = world.promoter.run(request, world.actor("ci"))
    assert outcome.ok
    assert outcome.record
    assert outcome.record.left_out == {"person": hold.id}
    assert [(reason.rule, reason.left_out) for reason in outcome.decision.reasons] == [("hold", True)]
    assert explained.reasons == outcome.decision.reasons
    assert world.tags("dev") == {"person": "v1", "topics": "v2"}
    assert f"person: left out, held by {hold.id}" in world.ports.repository.messages[-2]


def test_a_build_of_which_all_is_held_is_refused(world: World):
    world.merge(person=1)
    world.ask("tim", "hold", "dev", services=("person",), reason="the survey")
    request = world.seen("promote", "dev", releases={"person": world.built("person", 2)})
    assert rules_of(world.promoter.run(request, world.actor("ci")).decision) == {"hold"}
    assert world.tags("dev") == {"person": "v1"}


def test_a_rollback_passes_a_freeze(world: World):
    world.merge(person=1)
    world.merge(person=2)
    world.ask("sam", "freeze", "dev", reason="the open day")
    assert refused(world, "ci", "promote", "dev", releases={"topics": world.built("topics", 1)})[0] == {"freeze"}
    assert world.ask("sam", "rollback", "dev").ok
    assert world.tags("dev") == {"person": "v1"}


def test_a_freeze_lets_nothing_in_until_it_ends(world: World):
    world.merge(person=1)
    until = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    assert world.ask("sam", "freeze", "test", until=until, reason="board meeting").ok
    rules, said = refused(world, "eva", "promote", "test", domain="people")
    assert rules == {"freeze"}
    assert "frozen until 2026-11-23 13:00 CET by sam: board meeting" in said
    world.ports.clock.pass_hours(3)
    assert world.ask("eva", "promote", "test", domain="people").ok


def test_a_planned_freeze_begins_when_it_says(world: World):
    world.merge(person=1)
    world.ask("sam", "freeze", "test", since=datetime(2026, 11, 24, tzinfo=UTC), reason="inventory")
    assert world.explain("eva", "promote", "test", domain="people").allowed
    world.ports.clock.pass_hours(24)
    assert refused(world, "eva", "promote", "test", domain="people")[0] == {"freeze"}
    freeze = world.state.freezes("test", world.ports.clock.now())[0]
    assert world.ask("sam", "unfreeze", "test", record=freeze.id).ok
    assert world.ask("eva", "promote", "test", domain="people").ok


def test_a_veto_stops_an_approved_proposal(world: World):
    world.in_staging()
    world.ports.clock.pass_hours(25)
    record = world.approved()
    assert world.ask("tim", "veto", "production", record=record.id, reason="the report is wrong").ok
    rules, said = refused(world, "rita", "apply", "production", record=record.id)
    assert rules == {"veto"}
    assert "tim vetoed it: the report is wrong" in said
    assert world.state.proposals("production") == []  # it waits for nothing
    (veto,) = world.state.vetoes(record.id)
    assert world.ask("sam", "lift", "production", record=veto.id).ok
    assert [one.id for one in world.state.proposals("production")] == [record.id]


def test_the_soak_and_the_window_stand_before_applying_not_before_proposing(world: World):
    world.in_staging()
    decision = world.explain("rita", "promote", "production")
    assert decision.allowed
    assert rules_of(decision, later=True) == {"approvals", "soak"}
    record = world.approved()
    world.ports.clock.pass_hours(9.5)
    rules, said = refused(world, "rita", "apply", "production", record=record.id)
    assert rules == {"soak", "window"}
    assert "the set has been in staging for 9 h of 24 h" in said
    assert "it is Monday 19:30; production changes only" in said


def test_a_soak_ends_after_exactly_its_hours(world: World):
    world.in_staging()
    verified = world.state.good_since("staging")
    assert verified
    world.ports.clock.at = verified + timedelta(hours=24, seconds=-1)
    assert "soak" in rules_of(world.explain("rita", "promote", "production"), later=True)
    world.ports.clock.at = verified + timedelta(hours=24)
    assert "soak" not in rules_of(world.explain("rita", "promote", "production"), later=True)


@pytest.mark.parametrize(("time", "is_inside"), [("08:59", False), ("09:00", True), ("15:59", True), ("16:00", False)])
def test_a_window_includes_its_start_and_excludes_its_end(time: str, is_inside: bool):
    window = Window(days=["monday"], start="09:00", end="16:00")
    assert is_open(window, datetime.fromisoformat(f"2026-11-23T{time}+00:00")) is is_inside


def test_an_approval_by_the_proposer_does_not_count(world: World):
    world.in_staging()
    record = world.approved()
    edge = world.state.policy.edges["production"]
    assert lacking_approvals(edge, record) <= 0
    own = msgspec.structs.replace(record, by=record.approvals[0].by)
    assert lacking_approvals(edge, own) == lacking_approvals(edge, record) + 1


def test_what_changed_in_staging_since_the_proposal_is_refused(world: World):
    world.in_staging(1)
    world.ports.clock.pass_hours(25)
    record = world.approved()
    world.merge(person=2)
    world.to_test("people")
    world.ask("tim", "promote", "staging")
    rules, said = refused(world, "rita", "apply", "production", record=record.id)
    assert "preview-stale" in rules
    assert "staging isn't as it was when" in said


@pytest.mark.parametrize(
    ("who", "action", "environment", "fields"),
    [
        ("mona", "promote", "dev", {}),
        ("ci", "promote", "test", {"domain": "people"}),
        ("eva", "promote", "staging", {}),
        ("tim", "promote", "production", {}),
        ("mona", "hold", "dev", {"services": ("person",), "reason": "x"}),
        ("tim", "freeze", "dev", {"reason": "x"}),
        ("mona", "verify", "dev", {}),
    ],
)
def test_who_lacks_the_role_is_told_which(
    world: World, who: str, action: Action, environment: str, fields: dict[str, Any]
):
    world.in_staging()
    if environment == "dev" and action == "promote":
        fields = {"releases": {"person": world.built("person", 2)}}
    if environment in ("test", "staging"):
        world.merge(**dict.fromkeys(SERVICES, 2))
    if environment == "staging":
        world.to_test()
    rules, said = refused(world, who, action, environment, **fields)
    assert rules == {"who"}
    assert f"; {who} has " in said


@pytest.mark.parametrize(
    ("fields", "rule", "said"),
    [
        ({"domain": "poeple"}, "unknown", 'poeple is no domain. Did you mean "people"?'),
        ({"services": ("persn",)}, "unknown", 'persn is no service. Did you mean "person"?'),
        ({"services": ("person", "topics")}, "unit", "of several domains: learning, people"),
        ({}, "unit", "Choose one of: learning, people, portal"),
        ({"domain": "portal"}, "nothing-to-promote", "test has what dev has already"),
    ],
)
def test_a_request_that_makes_no_sense_is_told_so(world: World, fields: dict[str, Any], rule: str, said: str):
    world.merge(person=1, topics=1)
    rules, words = refused(world, "eva", "promote", "test", **fields)
    assert rules == {rule}
    assert said in words


def test_part_of_a_set_doesnt_go_to_staging(world: World):
    world.merge(**dict.fromkeys(SERVICES, 1))
    world.to_test()
    assert refused(world, "tim", "promote", "staging", services=("person",))[0] == {"unit"}


def test_a_release_without_its_database_image_is_incomplete(world: World):
    releases = {"person": release("person", 1, database=False)}
    assert refused(world, "ci", "promote", "dev", releases=releases)[0] == {"incomplete"}


def test_an_older_build_doesnt_replace_a_newer_one(world: World):
    newer, older = (
        msgspec.structs.replace(world.built("person", number), built_at=f"2026-11-23T0{number}:00:00Z")
        for number in (8, 7)
    )
    assert world.ask("ci", "promote", "dev", releases={"person": newer}).ok
    assert refused(world, "ci", "promote", "dev", releases={"person": older})[0] == {"older-build"}


def test_nothing_is_promoted_into_a_parked_environment(world: World):
    file = "stacks/Pulumi.dev.yaml"
    text = world.ports.repository.texts[file]
    world.ports.repository.commit({file: text.replace("config:\n", "config:\n  gatehouse:parked: true\n")})
    built = {"person": world.built("person", 8)}
    assert refused(world, "ci", "promote", "dev", releases=built)[0] == {"parked"}
    world.ports.repository.commit({file: text})
    assert world.ask("ci", "promote", "dev", releases=built).ok


def test_the_same_is_not_proposed_twice(world: World):
    world.in_staging()
    world.proposed()
    assert refused(world, "sam", "promote", "production")[0] == {"already-proposed"}


def test_what_is_being_applied_is_settled_before_the_next(world: World):
    """Whoever comes next finds the record that a crash left, and ends it first."""

    def crash(point: str) -> None:
        if point == "before deploy":
            raise KeyboardInterrupt

    world.ports.fault_hook = crash
    with pytest.raises(KeyboardInterrupt):
        world.merge(person=1)
    assert world.state.undecided("dev")
    request = world.seen("promote", "dev", releases={"person": world.built("person", 2)})
    assert "being-promoted" in rules_of(world.promoter.explain(request, world.actor("eva")))
    world.ports.fault_hook = lambda point: None
    outcome = world.merge(person=2)
    assert outcome.ok
    assert [record.state for record in world.state.of("dev")] == ["verified", "verified"]


def test_a_hold_a_veto_and_a_freeze_take_a_reason(world: World):
    assert refused(world, "sam", "hold", "dev", services=("person",))[0] == {"reason-missing"}
    assert refused(world, "sam", "freeze", "dev", reason=" \n ")[0] == {"reason-missing"}


def test_what_isnt_in_force_cant_be_lifted(world: World):
    world.ask("sam", "hold", "dev", services=("person",), reason="x")
    hold = world.state.holds("dev")[0]
    world.ask("sam", "lift", "dev", record=hold.id)
    assert refused(world, "sam", "lift", "dev", record=hold.id)[0] == {"wrong-state"}


@pytest.mark.parametrize(
    ("port", "rules"),
    [
        ("registry", {"digest-missing", "not-configured"}),
        ("runtime", {"not-running", "not-configured"}),
        ("previews", {"preview-missing", "not-configured"}),
    ],
)
def test_what_cant_be_asked_from_here_is_refused_before_anything_is_written(world: World, port: str, rules: set[str]):
    world.merge(person=1)
    request = world.seen("promote", "test", domain="people")
    before = world.ports.repository.texts
    setattr(world.ports, port, NotThere())
    explained = world.promoter.explain(request, world.actor("eva"))
    outcome = world.promoter.run(request, world.actor("eva"))
    assert outcome.decision.reasons == explained.reasons
    assert rules_of(outcome.decision) == rules
    assert "Nobody said where it is. Set GATEHOUSE_X." in told(outcome.decision)
    assert world.ports.repository.texts == before


class NotThere:
    """A port that isn't configured."""

    def __getattr__(self, name: str) -> Any:
        raise NotConfigured("Nobody said where it is.", "Set GATEHOUSE_X.")


RUNS = RunningService(
    task_definition="a:2",
    meant_task_definition="a:2",
    digest=release("person", 1).digest,
    answered=(release("person", 1).digest,),
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda now: now, ""),
        (lambda now: None, "it isn't there."),
        (lambda now: msgspec.structs.replace(now, answered=()), "no task answers /version."),
        (lambda now: msgspec.structs.replace(now, task_definition="a:1"), "ECS runs a:1, meant is a:2."),
        (lambda now: msgspec.structs.replace(now, rolled_back=True), "the deployment breaker rolled it back to a:2."),
    ],
)
def test_what_runs_is_what_is_meant_or_why_not(change: Callable[[RunningService], RunningService | None], said: str):
    assert not_as_meant(release("person", 1), change(RUNS)) == said


def test_everything_goes_to_test_only_when_it_is_said(world: World):
    world.merge(person=1, topics=1)
    rules, said = refused(world, "eva", "promote", "test")
    assert rules == {"unit"}
    assert "Choose one of: learning, people, portal; or say so: --domain everything." in said
    assert refused(world, "eva", "promote", "test", domain="everything", services=("person",))[0] == {"unit"}
    assert world.ask("eva", "promote", "test", domain="everything").ok
    assert world.tags("test") == {"person": "v1", "topics": "v1"}


def test_where_everything_is_the_unit_it_may_be_said(world: World):
    assert world.merge(**dict.fromkeys(SERVICES, 1)).ok
    world.to_test()
    assert world.ask("tim", "promote", "staging", domain="everything").ok
    assert refused(world, "tim", "promote", "staging", domain="people")[0] == {"unit"}


def test_a_set_whose_suite_fails_is_no_good_outcome(world: World):
    world.ports.black_box.failing["dev"] = "1 failed, 41 passed"
    outcome = world.merge(person=1)
    assert outcome.suite_failed == "1 failed, 41 passed"
    assert world.ask("eva", "verify", "dev").suite_failed == "1 failed, 41 passed"
    world.ports.black_box.failing.clear()
    assert not world.ask("eva", "verify", "dev").suite_failed


def test_the_committed_policy_can_satisfy_itself():
    """Whoever may propose, enough others may approve."""
    policy = parse_policy((ROOT / "stacks" / "policy.yaml").read_text())
    for name, edge in policy.edges.items():
        proposers = [who for who in policy.people if policy.roles(who) & set(edge.who)]
        assert proposers, name
        for proposer in proposers:
            approvers = [who for who in policy.people if policy.roles(who) & set(edge.approvals.roles)]
            if len(set(approvers) - {proposer}) >= edge.approvals.count:
                break
        else:
            raise AssertionError(f"nothing can ever go to {name}: {edge.approvals.count} approvals are needed")


@pytest.mark.parametrize("rule", ["setting-missing", "schema-refused", "no-way-back", "preview-incomplete"])
def test_what_the_page_knows_is_refused_proposed_or_approved_by_nobody(world: World, rule: str):
    world.in_staging()
    record = world.proposed()
    world.merge(person=2)
    known = (Reason(rule=rule, message="the page knows it."),)
    world.ports.previews.problems = known
    assert refused(world, "eva", "promote", "test", domain="people")[0] == {rule}
    assert refused(world, "rolf", "approve", "production", record=record.id)[0] == {rule}
    assert rule in rules_of(world.explain("rita", "apply", "production", record=record.id))


@pytest.mark.parametrize(
    ("rule", "passed"),
    [("setting-missing", True), ("no-way-back", True), ("preview-incomplete", True), ("schema-refused", False)],
)
def test_break_glass_passes_what_the_page_knows_but_not_what_db_manager_refuses(world: World, rule: str, passed: bool):
    world.merge(person=1)
    world.ports.previews.problems = (Reason(rule=rule, message="the page knows it."),)
    outcome = world.ask(
        "sam", "promote", "dev", releases={"person": world.built("person", 2)}, break_glass=True, reason="x"
    )
    assert outcome.ok is passed
    if passed:
        assert outcome.record
        assert outcome.record.break_glass == (rule,)


def test_what_was_just_proposed_says_how_it_is_approved(world: World):
    world.in_staging()
    outcome = world.ask("rita", "promote", "production")
    assert outcome.record
    (reason,) = [one for one in outcome.decision.reasons if one.rule == "approvals"]
    assert (reason.later, reason.fix) == (True, f"gate promote approve production --record {outcome.record.id}")


def test_a_dangerous_plan_is_approved_in_each_environment_and_by_the_review_in_dev(world: World):
    plan = DangerousPlan(service="person", fingerprint="abc123", dangers=("drop column headline: its values are lost",))
    world.ports.previews.plans = (plan,)
    assert world.merge(person=1).ok
    assert "person: abc123" in world.state.tree["stacks/Pulumi.dev.yaml"]
    rules, said = refused(world, "eva", "promote", "test", services=("person",))
    assert rules == {"plan-unapproved"}
    assert "drop column headline: its values are lost" in said
    assert "--approve-plan abc123" in said
    outcome = world.ask("eva", "promote", "test", services=("person",), approved_plans=("abc123",))
    assert outcome.ok
    assert outcome.record
    assert outcome.record.approved_plans == {"person": "abc123"}


def test_a_proposal_carries_the_plans_that_it_approves(world: World):
    """Who approves the proposal approves what it says, and can't add to it."""
    world.in_staging()
    world.ports.clock.pass_hours(25)
    world.ports.previews.plans = (DangerousPlan(service="person", fingerprint="abc123", dangers=("drop",)),)
    assert refused(world, "rita", "promote", "production")[0] == {"plan-unapproved"}
    proposal = world.ask("rita", "promote", "production", approved_plans=("abc123",)).record
    assert proposal
    for name in ("rolf", "rosa"):
        assert world.ask(name, "approve", "production", record=proposal.id).ok
    world.ports.previews.plans = (DangerousPlan(service="person", fingerprint="other", dangers=("drop",)),)
    assert "plan-unapproved" in refused(world, "rita", "apply", "production", record=proposal.id)[0]


def test_an_image_that_our_build_did_not_make_is_refused_unless_the_policy_has_no_attestations(world: World):
    releases = {"person": world.built("person", 1)}
    world.ports.registry.not_ours.add(releases["person"].digest)
    rules, said = refused(world, "ci", "promote", "dev", releases=releases)
    assert rules == {"not-attested"}
    assert "nothing proves that our build made person v1: no attestation was found" in said
    text = world.ports.repository.texts["stacks/policy.yaml"]
    private = text.replace("attestations: required", "attestations: unavailable")
    world.ports.repository.commit({"stacks/policy.yaml": private})
    assert world.ask("ci", "promote", "dev", releases=releases).ok
