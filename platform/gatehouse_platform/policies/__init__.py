"""The policies of every stack, as plain functions over the recorded graph.

`gate stack check` runs them on a recording, Pulumi's engine as the policy pack in platform/policy_pack (`pack.py`).
"""

from collections.abc import Callable, Iterable

from gatehouse_platform.offline.graph import Graph
from gatehouse_platform.policies.combinations import options_agree
from gatehouse_platform.policies.exposure import balancers_speak_tls, databases_are_private, open_only_at_the_edge
from gatehouse_platform.policies.grants import narrow_permissions, roles_are_bounded, secrets_are_granted_exactly
from gatehouse_platform.policies.mail import bounces_come_back, mails_come_from_our_domain
from gatehouse_platform.policies.production import production_is_spread, state_is_protected
from gatehouse_platform.policies.storage import buckets_are_private, logs_end, storage_is_encrypted
from gatehouse_platform.policies.tags import everything_is_tagged
from gatehouse_platform.policies.tasks import images_by_digest, tasks_are_confined
from gatehouse_platform.policies.trust_groups import groups_keep_to_themselves
from gatehouse_platform.policies.violation import Violation

Policy = Callable[[Graph], Iterable[Violation]]
POLICIES: tuple[Policy, ...] = (
    open_only_at_the_edge,
    balancers_speak_tls,
    databases_are_private,
    storage_is_encrypted,
    buckets_are_private,
    logs_end,
    images_by_digest,
    tasks_are_confined,
    narrow_permissions,
    roles_are_bounded,
    secrets_are_granted_exactly,
    groups_keep_to_themselves,
    mails_come_from_our_domain,
    bounces_come_back,
    everything_is_tagged,
    state_is_protected,
    production_is_spread,
    options_agree,
)


def violations(graph: Graph) -> list[Violation]:
    """Every violation of a policy in the graph."""
    return [violation for policy in POLICIES for violation in policy(graph)]


__all__ = ["POLICIES", "Policy", "Violation", "violations"]
