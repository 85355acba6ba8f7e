"""What becomes of a promotion, from what was observed alone: the words of its record, and what its commit changes."""

from typing import Any

import msgspec

from gatehouse_catalog.releases import Release
from gatehouse_release.model import Decision, DeploymentObservation, Record, ReleaseChange, RunningService
from gatehouse_release.outcomes import settle
from gatehouse_release.state import RepositoryState
from gatehouse_release.testing.in_memory import release

from .conftest import World

PATH = "stacks/Pulumi.dev.yaml"
SETTINGS = """\
  gatehouse:services:
    person:
      cpu: 512
"""


def runs(one: Release) -> RunningService:
    return RunningService(task_definition="a:1", meant_task_definition="a:1", digest=one.digest, answered=(one.digest,))


def begun(world: World, changes: dict[str, ReleaseChange], texts: dict[str, str] | None = None) -> RepositoryState:
    """The state while this promotion to dev is on its way: the stack file names what it brings already."""
    state = world.state
    record = Record(
        id="now", kind="promotion", environment="dev", by="eva", at=world.ports.clock.now(), services=changes
    )
    record = msgspec.structs.replace(record, state="applying")
    there = {name: change.after for name, change in changes.items() if change.after}
    kept = {name: one for name, one in state.releases["dev"].items() if name not in changes}
    return msgspec.structs.replace(
        state,
        records={**state.records, "now": record},
        releases={**state.releases, "dev": kept | there},
        tree={**state.tree, **(texts or {})},
    )


def settled(world: World, state: RepositoryState, *, deploy_failed: str = "", **running: Any) -> Decision:
    observed = DeploymentObservation(running=running, black_box=None, deploy_failed=deploy_failed)
    return settle(state, "now", observed, world.actor("eva"), world.ports.clock.now())


def outcome(decision: Decision) -> tuple[str | None, str]:
    assert decision.record
    return decision.record.state, decision.record.history[-1].why


def test_what_runs_as_meant_is_verified_and_seen(world: World):
    one = release("person", 1)
    decision = settled(world, begun(world, {"person": ReleaseChange(before=None, after=one)}), person=runs(one))
    assert decision.allowed
    assert outcome(decision) == ("verified", "")
    assert decision.record
    assert decision.record.seen
    assert decision.record.seen.releases == {"person": one}


def test_another_service_that_is_not_as_meant_is_told_and_the_set_is_not_seen(world: World):
    world.merge(topics=1)
    one, other = release("person", 1), release("topics", 1)
    state = begun(world, {"person": ReleaseChange(before=None, after=one)})
    for topics, said in ((runs(other), ""), (None, "not seen as a whole: topics: ")):
        decision = settled(world, state, person=runs(one), topics=topics)
        state_now, why = outcome(decision)
        assert state_now == "verified"
        assert why.startswith(said)
        assert bool(why) == bool(said)
        assert decision.record
        assert bool(decision.record.seen) != bool(said)


def test_what_failed_alone_says_so_and_nothing_of_a_deployment(world: World):
    before, after = release("person", 1), release("person", 2)
    state = begun(world, {"person": ReleaseChange(before=before, after=after)})
    name, why = outcome(settled(world, state, person=runs(before)))
    assert name == "failed"
    assert why.startswith("person: ")
    assert "deployment failed" not in why


def test_a_deployment_that_failed_at_another_service_lets_a_new_image_arrive(world: World):
    before, after = release("person", 1), release("person", 2)
    state = begun(world, {"person": ReleaseChange(before=before, after=after)})
    assert outcome(settled(world, state, deploy_failed="no capacity", person=runs(after))) == ("verified", "")


def test_whether_only_a_database_image_arrived_nobody_can_tell_of_a_failed_deployment(world: World):
    before = release("person", 1)
    after = msgspec.structs.replace(before, database_digest=release("person", 2).database_digest)
    state = begun(world, {"person": ReleaseChange(before=before, after=after)})
    assert outcome(settled(world, state, person=runs(after))) == ("verified", "")
    name, why = outcome(settled(world, state, deploy_failed="no capacity", person=runs(after)))
    assert (name, "nobody can tell" in why, "the deployment failed: no capacity" in why) == ("failed", True, True)


def test_a_first_release_of_a_failed_deployment_that_runs_did_arrive(world: World):
    one = release("person", 1)
    state = begun(world, {"person": ReleaseChange(before=None, after=one)})
    assert outcome(settled(world, state, deploy_failed="no capacity", person=runs(one))) == ("verified", "")


def test_own_settings_go_with_a_service_that_left_the_catalog_and_runs_no_more(world: World):
    """Not with one of the catalog, nor with one that another promotion brought back."""
    one = release("person", 1)
    out, back = ReleaseChange(before=one, after=None), ReleaseChange(before=None, after=one)
    text = {PATH: world.state.tree[PATH] + SETTINGS}
    others = {name: entry for name, entry in world.state.services.items() if name != "person"}

    def edited(change: ReleaseChange, **fields: Any) -> str:
        state = msgspec.structs.replace(begun(world, {"person": change}, text), **fields)
        decision = settled(world, state, person=runs(one) if change.after else None)
        assert outcome(decision)[0] == "verified"
        return decision.edits.get(PATH) or ""

    assert not edited(out)
    assert not edited(back, services=others)
    changed = edited(out, services=others)
    assert changed
    assert "cpu: 512" not in changed


def test_a_group_that_restarted_stands_in_the_record_and_a_sibling_that_fails_fails_it(world: World):
    """Services that share a task with a promoted one restart with it, and are verified again."""
    world.merge(topics=1)
    one, other = release("person", 1), release("topics", 1)
    state = begun(world, {"person": ReleaseChange(before=None, after=one)})
    person = msgspec.structs.replace(runs(one), group="members", siblings=("topics",))
    topics = msgspec.structs.replace(runs(other), group="members", siblings=("person",))
    decision = settled(world, state, person=person, topics=topics)
    assert decision.record
    assert (outcome(decision), decision.record.restarted) == (("verified", ""), {"members": ["topics"]})
    silent = msgspec.structs.replace(topics, answered=("",))
    name, why = outcome(settled(world, state, person=person, topics=silent))
    assert name == "failed"
    assert why.startswith("topics, of the same group: a task answers nothing at /version")


def test_a_rollback_of_a_group_is_told_once_with_who_failed(world: World):
    world.merge(topics=1)
    before, after, other = release("person", 1), release("person", 2), release("topics", 1)
    state = begun(world, {"person": ReleaseChange(before=before, after=after)})
    back = {"rolled_back": True, "group": "members", "culprits": ("person",)}
    person = msgspec.structs.replace(runs(before), siblings=("topics",), **back)
    topics = msgspec.structs.replace(runs(other), siblings=("person",), **back)
    decision = settled(world, state, person=person, topics=topics)
    assert outcome(decision) == (
        "failed",
        "person: the deployment breaker rolled its group members, where person failed, back to a:1.",
    )
    assert decision.record
    assert decision.record.restarted == {"members": ["topics"]}
