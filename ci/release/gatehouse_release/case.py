"""A request resolved against one state of the repository: what it would change, and by which edge of the policy.

Resolved once per attempt; the facts that the ports know are added to it, and every rule looks at that one case. Pure.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

from gatehouse_release.change_set import ChangeSet, Impossible, change_set_of, edge_of
from gatehouse_release.model import Decision, DecisionFacts, PromotionRequest, Reason, Record, Requester
from gatehouse_release.policy import PolicyEdge
from gatehouse_release.records import key_of
from gatehouse_release.state import RepositoryState

# Requests that change no release: each is a new record and nothing else.
STOPS_OTHERS = frozenset({"hold", "veto", "freeze"})
CHANGES_NOTHING = frozenset({"hold", "lift", "veto", "freeze", "unfreeze", "verify"})


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """All that a rule may look at."""

    state: RepositoryState
    request: PromotionRequest
    actor: Requester
    now: datetime
    edge: PolicyEdge
    move: ChangeSet
    facts: DecisionFacts = DecisionFacts()
    # Held services of a build, by the hold; the request's releases are without them.
    left_out: Mapping[str, Record] = {}

    def with_facts(self, facts: DecisionFacts) -> "Case":
        return msgspec.structs.replace(self, facts=facts)


def unreadable(state: RepositoryState, request: PromotionRequest, edge: PolicyEdge) -> tuple[Reason, ...]:
    """Why nothing moves: a file of the environment, or of the one before it, can't be read. What stops others may."""
    if request.action in STOPS_OTHERS:
        return ()
    names = (
        {request.environment}
        if request.action in CHANGES_NOTHING | {"rollback"}
        else {request.environment, edge.source}
    )
    problems = [(name, problem) for name in sorted(names) for problem in state.unreadable.get(name, ())]
    return tuple(Reason(rule="unreadable", message=f"{name}: {problem}") for name, problem in problems)


def without(request: PromotionRequest, left_out: Mapping[str, Record]) -> PromotionRequest:
    """A build's request without the services that are left out."""
    releases = {name: release for name, release in request.releases.items() if name not in left_out}
    return msgspec.structs.replace(request, releases=releases, left_out=frozenset(left_out)) if left_out else request


def resolve(
    state: RepositoryState,
    request: PromotionRequest,
    actor: Requester,
    now: datetime,
    left_out: Mapping[str, Record] = MappingProxyType({}),
) -> Case | Decision:
    """The case, without what is left out; or the decision, where it was carried out before or makes no sense."""
    done = next((record for record in state.records.values() if request.key and key_of(record.id) == request.key), None)
    if done:
        return Decision(allowed=True, record=done, message="It is done already.")
    request = without(request, left_out)
    try:
        edge = edge_of(state, request.environment)
        if problems := unreadable(state, request, edge):
            return Decision(allowed=False, reasons=problems)
        if request.action in CHANGES_NOTHING:
            move = ChangeSet(kind="", environment=request.environment, source=edge.source, changes={})
        else:
            move = change_set_of(state, request)
    except Impossible as impossible:
        return Decision(allowed=False, reasons=(impossible.reason,))
    return Case(state=state, request=request, actor=actor, now=now, edge=edge, move=move, left_out=left_out)
