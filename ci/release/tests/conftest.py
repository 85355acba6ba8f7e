"""A small institute to promote in: three domains, five services, and people with the roles that the policy names."""

import contextlib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gatehouse_catalog.releases import Release
from gatehouse_release.change_set import Impossible
from gatehouse_release.model import Action, Decision, PromotionRequest, Record, Requester
from gatehouse_release.promoter import Promoter, PromotionOutcome
from gatehouse_release.state import RepositoryState, read_state
from gatehouse_release.testing.in_memory import MemoryPorts, release, tree

ROOT = Path(__file__).parents[3]
SERVICES = {
    "identity": "people",
    "person": "people",
    "topics": "learning",
    "curriculum": "learning",
    "portal": "portal",
}
PEOPLE = {
    "ci": ["automation"],
    "eva": ["engineer"],
    "tim": ["tester"],
    "sam": ["sre"],
    "rita": ["release-manager"],
    "rolf": ["release-manager"],
    "rosa": ["release-manager"],
    "mona": ["member"],
}


class World:
    """The ports in memory, and what people do with them."""

    def __init__(self, ports: Any = None) -> None:
        policy = (ROOT / "stacks" / "policy.yaml").read_text()
        self.ports = ports or MemoryPorts(tree(policy, SERVICES), releases_in)
        self.lines: list[str] = []
        self.promoter = Promoter(self.ports, report=self.lines.append, patience=timedelta(0))

    @property
    def state(self) -> RepositoryState:
        return self.promoter.state()

    def actor(self, name: str) -> Requester:
        return Requester(name=name, roles=frozenset(PEOPLE[name]))

    def built(self, service: str, number: int) -> Release:
        """A release that is in the registry."""
        one = release(service, number)
        self.ports.registry.add(service, one)
        return one

    def seen(self, action: Action, environment: str, **fields: Any) -> PromotionRequest:
        """A request whose preview was looked at."""
        request = PromotionRequest(action=action, environment=environment, **fields)
        with contextlib.suppress(Impossible):
            shown = self.promoter.preview(request).fingerprint
            request = request if request.fingerprint else msgspec.structs.replace(request, fingerprint=shown)
        return request

    def ask(self, who: str, action: Action, environment: str, **fields: Any) -> PromotionOutcome:
        return self.promoter.run(self.seen(action, environment, **fields), self.actor(who))

    def explain(self, who: str, action: Action, environment: str, **fields: Any) -> Decision:
        return self.promoter.explain(self.seen(action, environment, **fields), self.actor(who))

    def merge(self, **numbers: int) -> PromotionOutcome:
        """Merges and builds these services; what was built goes to dev."""
        releases = {service: self.built(service, number) for service, number in numbers.items()}
        return self.ask("ci", "promote", "dev", releases=releases)

    def to_test(self, *domains: str) -> None:
        for domain in domains or dict.fromkeys(SERVICES.values()):
            outcome = self.ask("eva", "promote", "test", domain=domain)
            assert outcome.ok, outcome.decision.reasons

    def in_staging(self, number: int = 1) -> None:
        """Every service at this number, seen working together in staging."""
        assert self.merge(**dict.fromkeys(SERVICES, number)).ok
        self.to_test()
        outcome = self.ask("tim", "promote", "staging")
        assert outcome.ok, outcome.decision.reasons

    def proposed(self) -> Record:
        outcome = self.ask("rita", "promote", "production")
        assert outcome.record, outcome.decision.reasons
        return outcome.record

    def approved(self) -> Record:
        """A Go-Live with both approvals, the day after."""
        record = self.proposed()
        for name in ("rolf", "rosa"):
            assert self.ask(name, "approve", "production", record=record.id).ok
        return self.state.records[record.id]

    def live(self, number: int = 1) -> Record:
        """Every service at this number in production."""
        self.in_staging(number)
        self.ports.clock.pass_hours(25)
        outcome = self.ask("rita", "apply", "production", record=self.approved().id)
        assert outcome.ok, outcome.decision.reasons
        assert outcome.record
        return outcome.record

    def tags(self, environment: str) -> dict[str, str]:
        return {name: one.tag for name, one in self.state.releases[environment].items()}


def releases_in(texts: Mapping[str, str], environment: str) -> Mapping[str, Release]:
    return read_state("", texts).releases[environment]


def rules_of(decision: Decision, *, later: bool = False) -> set[str]:
    return {reason.rule for reason in decision.reasons if reason.later == later and not reason.overruled}


def told(decision: Decision) -> str:
    return "\n".join(str(reason) for reason in decision.reasons)


def all_at(number: int, names: Iterable[str] = SERVICES) -> dict[str, str]:
    return dict.fromkeys(sorted(names), f"v{number}")


def refused(world: World, who: str, action: Action, environment: str, **fields: Any) -> tuple[set[str], str]:
    """The rules and words of a refusal: `explain` says just the same, and nothing was written."""
    before = world.ports.repository.texts
    explained = world.explain(who, action, environment, **fields)
    outcome = world.ask(who, action, environment, **fields)
    assert not outcome.ok
    assert outcome.decision.reasons == explained.reasons
    assert world.ports.repository.texts == before
    return rules_of(outcome.decision), told(outcome.decision)


@pytest.fixture
def world() -> World:
    return World()
