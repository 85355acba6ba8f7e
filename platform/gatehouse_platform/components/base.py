"""What every component is made with: the stack, its key, its log bucket, and how a child names its parent."""

from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import iam

from gatehouse_platform.config.settings import EnvironmentSettings, FoundationSettings, Stack


def below(parent: pulumi.Resource, **options: Any) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(parent=parent, **options)


def as_json(content: Any) -> pulumi.Output[str]:
    """JSON with sorted keys, so that an equal document is an equal text."""
    return pulumi.Output.json_dumps(content, sort_keys=True)


def environment_of(stack: Stack) -> EnvironmentSettings:
    """The settings of an environment. Raises TypeError for the foundation."""
    if not isinstance(stack.settings, EnvironmentSettings):
        raise TypeError(f"the stack {stack.name} is no environment")
    return stack.settings


def foundation_of(stack: Stack) -> FoundationSettings:
    """The foundation's settings. Raises TypeError for an environment."""
    if not isinstance(stack.settings, FoundationSettings):
        raise TypeError(f"the stack {stack.name} is not the foundation")
    return stack.settings


def boundary_arn(account: str, stack: str) -> str:
    """The most that a role of an environment may do, whoever makes it; stands in the foundation."""
    return f"arn:aws:iam::{account}:policy/gatehouse-{stack}-boundary"


@dataclass(frozen=True, kw_only=True)
class RoleArgs:
    """A role of an environment: who takes it, and what it may do (nothing without a document)."""

    name: str
    trust: dict[str, Any]
    may: dict[str, Any] | None = None


def role(
    resource_name: str,
    args: RoleArgs,
    *,
    stack: Stack,
    parent: pulumi.Resource,
    ready: list[pulumi.Resource] | None = None,
) -> iam.Role:
    """A role within the environment's boundary, and its one inline policy, which is added to `ready`."""
    made = iam.Role(
        resource_name,
        name=args.name,
        assume_role_policy=as_json(args.trust),
        permissions_boundary=boundary_arn(stack.settings.account, stack.name),
        opts=below(parent),
    )
    if args.may is not None:
        may = iam.RolePolicy(resource_name, name="may", role=made.name, policy=as_json(args.may), opts=below(parent))
        if ready is not None:
            ready.append(may)
    return made
