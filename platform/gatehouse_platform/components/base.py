"""What all components use: the settings of a stack, a child's resource options, and roles within the boundary."""

from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import iam

from gatehouse_platform.config.settings import EnvironmentSettings, FoundationSettings, Stack


def child_of(parent: pulumi.Resource, **options: Any) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(parent=parent, **options)


def as_json(content: Any) -> pulumi.Output[str]:
    """JSON with sorted keys, so that an equal document is an equal text."""
    return pulumi.Output.json_dumps(content, sort_keys=True)


def environment_of(stack: Stack) -> EnvironmentSettings:
    """The settings of an environment. Raises TypeError for the foundation."""
    if not isinstance(stack.settings, EnvironmentSettings):
        raise TypeError(f"the stack {stack.name} is not an environment")
    return stack.settings


def foundation_of(stack: Stack) -> FoundationSettings:
    """The foundation's settings. Raises TypeError for an environment."""
    if not isinstance(stack.settings, FoundationSettings):
        raise TypeError(f"the stack {stack.name} is not the foundation")
    return stack.settings


def boundary_arn(account: str, stack: str) -> str:
    """The permissions boundary of every role of an environment; the foundation creates it."""
    return f"arn:aws:iam::{account}:policy/gatehouse-{stack}-boundary"


@dataclass(frozen=True, kw_only=True)
class RoleArgs:
    """A role of an environment: its trust policy, and its inline policy, if it has one."""

    name: str
    trust: dict[str, Any]
    policy: dict[str, Any] | None = None


def role(
    resource_name: str,
    args: RoleArgs,
    *,
    stack: Stack,
    parent: pulumi.Resource,
    policies: list[pulumi.Resource] | None = None,
) -> iam.Role:
    """A role within the environment's boundary. Its inline policy is appended to `policies`."""
    created = iam.Role(
        resource_name,
        name=args.name,
        assume_role_policy=as_json(args.trust),
        permissions_boundary=boundary_arn(stack.settings.account, stack.name),
        opts=child_of(parent),
    )
    if args.policy is not None:
        inline = iam.RolePolicy(
            resource_name, name="may", role=created.name, policy=as_json(args.policy), opts=child_of(parent)
        )
        if policies is not None:
            policies.append(inline)
    return created
