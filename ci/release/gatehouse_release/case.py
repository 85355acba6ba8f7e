"""A request resolved against one state of the repository: what it would change, and by which edge of the policy.

Resolved once per attempt; the facts that the ports know are added to it, and every rule looks at that one case. Pure.
"""

from datetime import datetime

import msgspec

from gatehouse_release.change_set import ChangeSet, Impossible, change_set_of, edge_of
from gatehouse_release.model import Decision, DecisionFacts, PromotionRequest, Requester
from gatehouse_release.policy import PolicyEdge
from gatehouse_release.records import key_of
from gatehouse_release.state import RepositoryState

# Requests that change no release: each is a new record and nothing else.
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

    def with_facts(self, facts: DecisionFacts) -> "Case":
        return msgspec.structs.replace(self, facts=facts)


def resolve(state: RepositoryState, request: PromotionRequest, actor: Requester, now: datetime) -> Case | Decision:
    """The case; or the decision, where the request was carried out already (the same key) or makes no sense here."""
    done = next((record for record in state.records.values() if request.key and key_of(record.id) == request.key), None)
    if done:
        return Decision(allowed=True, record=done, message="It is done already.")
    try:
        edge = edge_of(state, request.environment)
        if request.action in CHANGES_NOTHING:
            move = ChangeSet(kind="", environment=request.environment, source=edge.source, changes={})
        else:
            move = change_set_of(state, request)
    except Impossible as impossible:
        return Decision(allowed=False, reasons=(impossible.reason,))
    return Case(state=state, request=request, actor=actor, now=now, edge=edge, move=move)
