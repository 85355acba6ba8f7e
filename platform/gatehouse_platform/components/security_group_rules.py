"""Allows traffic from one security group to another on one port: one rule on each side."""

import pulumi
from pulumi_aws import vpc

from gatehouse_platform.components.base import child_of

FOLLOWS = "-follows-"
"""In the name of a rule by which one service reads another's events."""


def allow_traffic(
    name: str,
    *,
    source: pulumi.Input[str],
    target: pulumi.Input[str],
    port: int,
    parent: pulumi.Resource,
) -> list[pulumi.Resource]:
    """Lets members of `source` open connections to members of `target`. Returns both rules."""
    out = vpc.SecurityGroupEgressRule(
        name,
        security_group_id=source,
        referenced_security_group_id=target,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        opts=child_of(parent),
    )
    into = vpc.SecurityGroupIngressRule(
        name,
        security_group_id=target,
        referenced_security_group_id=source,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        opts=child_of(parent),
    )
    return [out, into]
