"""Which traffic may pass: one rule on each side, from one security group to another, on one port."""

import pulumi
from pulumi_aws import vpc

from gatehouse_platform.components.base import below


def passage(
    name: str,
    *,
    source: pulumi.Input[str],
    target: pulumi.Input[str],
    port: int,
    parent: pulumi.Resource,
) -> list[pulumi.Resource]:
    """Lets members of `source` open connections to members of `target`, once both rules stand."""
    out = vpc.SecurityGroupEgressRule(
        name,
        security_group_id=source,
        referenced_security_group_id=target,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        opts=below(parent),
    )
    into = vpc.SecurityGroupIngressRule(
        name,
        security_group_id=target,
        referenced_security_group_id=source,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        opts=below(parent),
    )
    return [out, into]
