"""The children that components of pulumi-awsx make. The recording and the tests' played provider register them by this.

Such a component is remote: the program registers it, and a provider plugin, written in TypeScript, registers what it
consists of. Without the plugin nobody would see the children. What is said here was read in the source of pulumi-awsx
3.11; with the plugin on PATH, tests/engine compare it (docs/decisions/0015-where-awsx-is-used.md).
"""

from collections.abc import Callable, Mapping
from typing import Any

APPLICATION_LOAD_BALANCER = "awsx:lb:ApplicationLoadBalancer"
LOAD_BALANCER, LISTENER = "aws:lb/loadBalancer:LoadBalancer", "aws:lb/listener:Listener"
TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"
GET_SUBNET = "aws:ec2/getSubnet:getSubnet"
# Arguments of the component that aren't its balancer's.
OWN = {
    "defaultSecurityGroup",
    "defaultTargetGroup",
    "defaultTargetGroupPort",
    "listener",
    "listeners",
    "subnetIds",
    "subnets",
}

Inputs = dict[str, Any]
# (type, name, inputs, the component's arguments and children that they come from) -> outputs
Register = Callable[[str, str, Inputs, tuple[str, ...]], Mapping[str, Any]]
Invoke = Callable[[str, Inputs], Mapping[str, Any]]


class UnknownComponent(Exception):
    """A component of awsx that nobody has described here."""


def expand(kind: str, name: str, inputs: Inputs, register: Register, invoke: Invoke) -> Inputs:
    """Registers the children of a component and returns its outputs, in which a child is its outputs with its `urn`.

    Raises UnknownComponent for another kind, or for arguments that aren't used here.
    """
    if kind != APPLICATION_LOAD_BALANCER:
        raise UnknownComponent(f"{kind} {name}: its children are unknown. Fix: describe them in awsx_components.py.")
    missing = {"subnetIds", "securityGroups", "listeners", "defaultTargetGroup"} - inputs.keys()
    if missing:
        raise UnknownComponent(f"{kind} {name}: {min(missing)} isn't given. Fix: give it, or describe what awsx does.")
    return _application_load_balancer(name, inputs, register, invoke)


def _application_load_balancer(name: str, inputs: Inputs, register: Register, invoke: Invoke) -> Inputs:
    """Source: pulumi-awsx, awsx/lb/applicationLoadBalancer.ts."""
    # With several listeners, awsx derives the target group's protocol from the first.
    first = inputs["listeners"][0]
    subnet = invoke(GET_SUBNET, {"id": inputs["subnetIds"][0]})
    own = {key: value for key, value in inputs.items() if key not in OWN}
    balancer = register(
        LOAD_BALANCER,
        name,
        {**own, "subnets": inputs["subnetIds"], "loadBalancerType": "application"},
        ("subnetIds", *own),
    )
    group = register(
        TARGET_GROUP,
        name,
        {
            "vpcId": subnet["vpcId"],
            "targetType": "ip",
            "port": first["port"],
            "protocol": first["protocol"],
            **inputs["defaultTargetGroup"],
        },
        ("subnetIds", "defaultTargetGroup", "listeners"),
    )
    forward = [{"type": "forward", "targetGroupArn": group["arn"]}]
    listeners = [
        register(
            LISTENER,
            f"{name}-{number}",
            {"defaultActions": forward, **listener, "loadBalancerArn": balancer["arn"]},
            ("listeners", LOAD_BALANCER),
        )
        for number, listener in enumerate(inputs["listeners"])
    ]
    return {
        "loadBalancer": balancer,
        "defaultTargetGroup": group,
        "listeners": listeners,
        "vpcId": subnet["vpcId"],
    }
