"""The policies as a pack of Pulumi's own, for `pulumi preview` and `up`: the same functions over the same graph.

Pulumi shows a pack each resource's inputs as it is asked for, and all resources' outputs at the end: together they are
what `recording.py` records. In a preview most ids are unknown; policies that follow ids wait for the update there.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

from gatehouse_platform import policies
from gatehouse_platform.offline.graph import Graph, RecordedResource

NAME = "gatehouse"
# These read only what a program knows before anything was made.
WITHOUT_IDS = (
    policies.balancers_speak_tls,
    policies.everything_is_tagged,
    policies.logs_end,
    policies.narrow_permissions,
    policies.roles_are_bounded,
    policies.state_is_protected,
)
_WAITS = "follows ids, which a preview doesn't know; `gate stack check` holds it before, `up` afterwards"


class Pack:
    """The policies of one run: it keeps inputs until the outputs come."""

    def __init__(self) -> None:
        self._inputs: dict[str, dict[str, Any]] = {}

    def rules(self) -> list[ResourceValidationPolicy | StackValidationPolicy]:
        return [
            ResourceValidationPolicy(
                name="inputs",
                description="Keeps what each resource is asked for; refuses nothing.",
                validate=self._keep,
                enforcement_level=EnforcementLevel.ADVISORY,
            ),
            *(self._over_the_stack(policy) for policy in policies.POLICIES),
        ]

    def _keep(self, args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
        self._inputs[args.urn] = plain(args.props)

    def _over_the_stack(self, policy: policies.Policy) -> StackValidationPolicy:
        name = getattr(policy, "__name__", "policy")

        def validate(args: StackValidationArgs, report_violation: ReportViolation) -> None:
            graph, urns = self._graph(args.resources)
            if policy not in WITHOUT_IDS and any(_unknown(one.properties) for one in graph.resources):
                args.not_applicable(_WAITS)
            for found in policy(graph):
                report_violation(str(found), urns.get(found.resource))

        return StackValidationPolicy(
            name=name.replace("_", "-"),
            description=(policy.__doc__ or name).strip().splitlines()[0],
            validate=validate,
            enforcement_level=EnforcementLevel.MANDATORY,
        )

    def _graph(self, resources: Iterable[PolicyResource]) -> tuple[Graph, dict[str, str]]:
        """The graph, and the URN of each resource by the name that a violation gives it."""
        found = [self._resource(one) for one in resources if one.resource_type != "pulumi:pulumi:Stack"]
        stack = found[0].urn.split("::")[0].rpartition(":")[2] if found else ""
        graph = Graph(stack=stack, region="", account="", resources=tuple(sorted(found, key=lambda one: one.urn)))
        return graph, {f"{one.kind} {one.name}": one.urn for one in found}

    def _resource(self, one: PolicyResource) -> RecordedResource:
        outputs = plain(one.props)
        return RecordedResource(
            urn=one.urn,
            type=one.resource_type,
            name=one.name,
            id=str(outputs.get("id", "")),
            parent=one.parent.urn if one.parent and one.parent.resource_type != "pulumi:pulumi:Stack" else "",
            properties=self._inputs.get(one.urn, outputs),
            outputs=outputs,
            protect=bool(one.opts.protect),
            ignores=tuple(one.opts.ignore_changes),
            # Pulumi tells a provider's URN; recorded ones end with its id, too.
            provider=f"{one.provider.urn}::id" if one.provider else "",
        )


def plain(value: Any) -> Any:
    """What the SDK wraps (to refuse the use of unknown values) as dicts and lists; what is unknown stays a word."""
    if isinstance(value, Mapping):
        target = value["__target"] if type(value) is not dict else value
        return {key: plain(item) for key, item in target.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        target = value["__target"] if type(value) is not list else value
        return [plain(item) for item in target]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _unknown(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(_unknown(item) for item in value)
    return value == UNKNOWN_STRING_VALUE


def serve() -> None:
    """Answers Pulumi's engine until it is done."""
    PolicyPack(name=NAME, policies=list(Pack().rules()))
