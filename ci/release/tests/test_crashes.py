"""Crashes after every single write, lost pushes, everybody doing everything: nothing is lost, torn or left undecided.

The state machine plays people, a registry and a runtime at random, in memory; its invariants are those of the issue.
"""

import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gatehouse_catalog.releases import ENVIRONMENTS, Release
from gatehouse_release.model import Action
from gatehouse_release.ports import Moved
from gatehouse_release.rules import not_as_meant
from gatehouse_release.state import MOVES, RepositoryState
from gatehouse_release.testing.in_memory import MemoryPorts, release, tree

from .conftest import ROOT, World, releases_in

POLICY = (ROOT / "stacks" / "policy.yaml").read_text()
SMALL = {"person": "people", "topics": "learning", "portal": "portal"}


class Crash(BaseException):
    """The process ends here; nothing below it catches this."""


def small_world() -> World:
    return World(MemoryPorts(tree(POLICY, SMALL), releases_in))


def crash_at(number: int) -> Callable[[str], None]:
    """A fault that ends the process at the nth point before or after a write."""
    points = itertools.count()

    def fault(point: str) -> None:
        if next(points) == number:
            raise Crash(point)

    return fault


def story(world: World) -> None:
    """A release on its whole way, one that fails, and a way back."""
    merge(world, person=1, topics=1, portal=1)
    for domain in ("people", "learning", "portal"):
        world.ask("eva", "promote", "test", domain=domain)
    world.ask("tim", "promote", "staging")
    world.ports.clock.pass_hours(25)
    record = world.proposed()
    for name in ("rolf", "rosa"):
        world.ask(name, "approve", "production", record=record.id)
    world.ask("rita", "apply", "production", record=record.id)
    world.ports.runtime.broken.add(release("person", 2).digest)
    merge(world, person=2, topics=2)
    merge(world, topics=3)
    world.ask("eva", "rollback", "dev", reason="slow")


def merge(world: World, **numbers: int) -> None:
    releases = {service: world.built(service, number) for service, number in numbers.items()}
    world.ask("ci", "promote", "dev", releases=releases)


def points_of(tell: Callable[[World], None]) -> int:
    world, seen = small_world(), list[str]()
    world.ports.fault_hook = seen.append
    tell(world)
    return len(seen)


def test_a_crash_at_any_write_leaves_nothing_that_the_next_run_doesnt_settle():
    total = points_of(story)
    assert total > 60
    for number in range(total):
        world = small_world()
        world.ports.fault_hook = crash_at(number)
        with pytest.raises(Crash):
            story(world)
        assert_history_holds(world.state)
        world.ports.fault_hook = lambda point: None
        world.promoter.resume(world.actor("sam"))
        assert_settled(world)


def test_a_crash_of_the_run_that_settles_is_settled_by_the_one_after():
    for first in range(8):
        for second in range(8):
            world = small_world()
            world.ports.fault_hook = crash_at(first)
            with pytest.raises(Crash):
                merge(world, person=1)
            world.ports.fault_hook = crash_at(second)
            try:
                world.promoter.resume(world.actor("sam"))
            except Crash:
                world.ports.fault_hook = lambda point: None
                world.promoter.resume(world.actor("sam"))
            assert_settled(world)


def assert_settled(world: World) -> None:
    """Nothing is undecided, and stack files, what runs, and tags agree."""
    state = world.state
    assert_history_holds(state)
    for environment in ENVIRONMENTS:
        assert not state.undecided(environment)
        for name, one in state.releases[environment].items():
            running = world.ports.runtime.running(environment, name)
            assert not_as_meant(one, running) == "", (environment, name)
            assert world.ports.registry.tags[name, environment] == one.digest
        assert {name for place, name in world.ports.runtime.runs if place == environment} == {
            *state.releases[environment]
        }


def assert_history_holds(state: RepositoryState) -> None:
    """The stack file is what the records did to it, one after another: nothing lost, no set torn."""
    for environment in ENVIRONMENTS:
        steps = [
            (step.at, step.state, record)
            for record in state.of(environment)
            if record.kind in MOVES
            for step in record.history
            if step.state in ("applying", "failed")
        ]
        there: dict[str, Release | None] = {}
        for _, what, record in sorted(steps, key=lambda one: one[0]):
            for name, change in record.services.items():
                before, after = (change.before, change.after) if what == "applying" else (change.after, change.before)
                assert there.get(name) == before, f"{record.id}: somebody's {name} went unseen"
                there[name] = after
        assert {name: one for name, one in there.items() if one} == state.releases[environment]


class Delivery(RuleBasedStateMachine):
    """People at work, with crashes and lost pushes at any write."""

    @initialize()
    def begin(self) -> None:
        self.world = small_world()
        self.number = 0
        self.points: dict[int, type[BaseException]] = {}
        self.count = 0
        self.world.ports.fault_hook = self.fault

    def fault(self, point: str) -> None:
        self.count += 1
        raised = self.points.pop(self.count, None)
        if raised is Crash or (raised is Moved and point == "before push"):
            raise raised("here")

    def ask(self, who: str, action: Action, environment: str, **fields: object) -> None:
        try:
            outcome = self.world.ask(who, action, environment, **fields)
        except Crash:
            return
        if not outcome.decision.allowed:
            assert outcome.decision.reasons
        elif outcome.record:
            assert outcome.record.state != "applying"

    @rule(ahead=st.integers(1, 30), how=st.sampled_from([Crash, Moved]))
    def trouble_comes(self, ahead: int, how: type[BaseException]) -> None:
        self.points[self.count + ahead] = how

    @rule(
        names=st.sets(st.sampled_from(sorted(SMALL)), min_size=1),
        fate=st.sampled_from(["well"] * 4 + ["broken", "stuck"]),
    )
    def merge(self, names: set[str], fate: str) -> None:
        self.number += 1
        releases = {name: self.world.built(name, self.number) for name in names}
        runtime = self.world.ports.runtime
        ill = {"broken": runtime.broken, "stuck": runtime.stuck}.get(fate)
        if ill is not None:
            ill.add(releases[min(names)].digest)
        self.ask("ci", "promote", "dev", releases=releases)

    @rule(domain=st.sampled_from(sorted(set(SMALL.values()))))
    def to_test(self, domain: str) -> None:
        self.ask("eva", "promote", "test", domain=domain)

    @rule()
    def all_to_test_and_staging(self) -> None:
        for domain in sorted(set(SMALL.values())):
            self.ask("eva", "promote", "test", domain=domain)
        self.ask("tim", "promote", "staging")

    @rule(meddle=st.sampled_from(["nobody"] * 3 + ["sam's hold", "tim's veto", "a merge"]))
    def everything_goes_live(self, meddle: str) -> None:
        self.merge(set(SMALL), "well")
        self.all_to_test_and_staging()
        now = self.world.ports.clock.now()
        self.world.ports.clock.pass_hours(24 * (8 - now.weekday()) + 10 - now.hour)  # Tuesday, after ten
        self.ask("rita", "promote", "production")
        for record in self.world.state.proposals("production")[-1:]:
            for who in ("rita", "rolf", "rosa"):
                self.ask(who, "approve", "production", record=record.id)
            if meddle == "sam's hold":
                self.hold("production", "person")
            elif meddle == "tim's veto":
                self.ask("tim", "veto", "production", record=record.id, reason="no")
            elif meddle == "a merge":
                self.merge({"person"}, "well")
                self.all_to_test_and_staging()
            self.ask("rita", "apply", "production", record=record.id)

    @rule(glass=st.booleans())
    def propose(self, glass: bool) -> None:
        self.ask("rita", "promote", "production", break_glass=glass, reason="fire" if glass else "")

    @precondition(lambda self: self.world.state.proposals("production"))
    @rule(who=st.sampled_from(["rolf", "rosa", "rita", "eva"]))
    def approve(self, who: str) -> None:
        self.ask(who, "approve", "production", record=self.world.state.proposals("production")[-1].id)

    @precondition(lambda self: self.world.state.proposals("production"))
    @rule()
    def veto(self) -> None:
        self.ask("tim", "veto", "production", record=self.world.state.proposals("production")[-1].id, reason="no")

    @rule(environment=st.sampled_from(ENVIRONMENTS), glass=st.booleans())
    def roll_back(self, environment: str, glass: bool) -> None:
        self.ask("sam", "rollback", environment, break_glass=glass, reason="slow")

    @rule(environment=st.sampled_from(ENVIRONMENTS), name=st.sampled_from(sorted(SMALL)))
    def hold(self, environment: str, name: str) -> None:
        self.ask("sam", "hold", environment, services=(name,), reason="wait")

    @rule(environment=st.sampled_from(ENVIRONMENTS))
    def let_go(self, environment: str) -> None:
        for record in self.world.state.holds(environment):
            self.ask("sam", "lift", environment, record=record.id)
        for record in self.world.state.coming_freezes(environment, self.world.ports.clock.now()):
            self.ask("sam", "unfreeze", environment, record=record.id)

    @rule(environment=st.sampled_from(ENVIRONMENTS))
    def freeze(self, environment: str) -> None:
        until = self.world.ports.clock.now() + timedelta(hours=2)
        self.ask("sam", "freeze", environment, reason="party", until=until)

    @rule(environment=st.sampled_from(ENVIRONMENTS))
    def verify(self, environment: str) -> None:
        self.ask("sam", "verify", environment)

    @rule(hours=st.integers(1, 30))
    def time_passes(self, hours: int) -> None:
        self.world.ports.clock.pass_hours(hours)

    @rule()
    def the_next_run_settles_everything(self) -> None:
        self.points.clear()
        self.world.promoter.resume(self.world.actor("sam"))
        state = self.world.state
        assert not any(state.undecided(environment) for environment in ENVIRONMENTS)

    @invariant()
    def nothing_is_lost_or_torn(self) -> None:
        assert_history_holds(self.world.state)

    @invariant()
    def what_is_live_was_seen_in_staging_and_approved_by_two_others(self) -> None:
        state = self.world.state
        seen = [record.seen.releases for record in state.of("staging") if record.seen]
        for record in state.of("production"):
            applied = any(step.state == "applying" for step in record.history)
            if record.kind == "promotion" and applied and not record.break_glass:
                assert len({one.by for one in record.approvals} - {record.by}) >= 2
                assert any(
                    all(releases.get(name) == change.after for name, change in record.services.items())
                    for releases in seen
                )


TestDelivery = pytest.mark.filterwarnings("default")(Delivery.TestCase)
TestDelivery.settings = settings(
    max_examples=20,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
