"""The policies as a Pulumi policy pack, for `pulumi preview` and `up`: the same functions over the same graph.

The engine passes a pack each resource's inputs, and the outputs of all resources at the end: together they are what
`recording.py` records. In a preview some values are unknown. A policy skips a comparison with an unknown value
(`graph.is_known`), and only that: a public database is refused in the same preview in which a task definition is new.
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
from pulumi_policy.proxy import (
    UNKNOWN_ARCHIVE_VALUE,
    UNKNOWN_ARRAY_VALUE,
    UNKNOWN_ASSET_VALUE,
    UNKNOWN_BOOLEAN_VALUE,
    UNKNOWN_NUMBER_VALUE,
    UNKNOWN_OBJECT_VALUE,
    UNKNOWN_STRING_VALUE,
)

from gatehouse_platform import policies
from gatehouse_platform.offline.graph import UNKNOWN, Graph, RecordedResource

NAME = "gatehouse"
# One word for each type of value.
UNKNOWN_VALUES = {
    UNKNOWN_ARCHIVE_VALUE,
    UNKNOWN_ARRAY_VALUE,
    UNKNOWN_ASSET_VALUE,
    UNKNOWN_BOOLEAN_VALUE,
    UNKNOWN_NUMBER_VALUE,
    UNKNOWN_OBJECT_VALUE,
    UNKNOWN_STRING_VALUE,
}


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
            id=str(outputs.get("id", UNKNOWN)),
            parent=one.parent.urn if one.parent and one.parent.resource_type != "pulumi:pulumi:Stack" else "",
            properties=self._inputs.get(one.urn, outputs),
            outputs=outputs,
            protect=bool(one.opts.protect),
            ignores=tuple(one.opts.ignore_changes),
            # Pulumi tells a provider's URN; recorded ones end with its id, too.
            provider=f"{one.provider.urn}::id" if one.provider else "",
        )


def plain(value: Any) -> Any:
    """Plain dicts and lists of what the SDK wraps (to refuse the use of unknown values), with UNKNOWN for those."""
    if isinstance(value, Mapping):
        target = value["__target"] if type(value) is not dict else value
        return {key: plain(item) for key, item in target.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        target = value["__target"] if type(value) is not list else value
        return [plain(item) for item in target]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return UNKNOWN if isinstance(value, str) and value in UNKNOWN_VALUES else value


def serve() -> None:
    """Answers Pulumi's engine until it is done."""
    PolicyPack(name=NAME, policies=list(Pack().rules()))
