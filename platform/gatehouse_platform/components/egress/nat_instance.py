"""A NAT instance: the least machine of AWS that lets tasks without addresses of their own out.

It costs a fifth of a NAT gateway. What is given up: AWS restarts it on other hardware when it fails, within minutes;
until then nothing leaves its zone: no new task can start, no metric or mail leaves. What runs goes on serving. It is
patched when it is replaced (runbooks/scale.md).

Set up as in AWS's page "Work with NAT instances" (vpc/latest/userguide/work-with-nat-instances.html).
"""

from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2, vpc

from gatehouse_platform.components.base import child_of

TYPE = "t4g.nano"
HTTPS = 443
ANYWHERE = "0.0.0.0/0"
VOLUME_GIB = 4
IMAGE = "al2023-ami-minimal-2023.*-arm64"
SETUP = """\
#!/bin/bash
set -eu
dnf -y upgrade
dnf -y install iptables-services
echo net.ipv4.ip_forward=1 > /etc/sysctl.d/90-nat.conf
sysctl -p /etc/sysctl.d/90-nat.conf
systemctl enable --now iptables
iptables -F FORWARD
iptables -t nat -A POSTROUTING -o "$(ip -o route show default | awk '{print $5; exit}')" -j MASQUERADE
service iptables save
"""


@dataclass(frozen=True, kw_only=True)
class NatArgs:
    prefix: str
    vpc_id: pulumi.Input[str]
    cidr: str


class NatInstances:
    """The instances of a network, in one security group: TLS from the network's addresses, TLS to anywhere."""

    def __init__(self, args: NatArgs, parent: pulumi.Resource) -> None:
        self._args, self._parent = args, parent
        found = ec2.get_ami_output(
            owners=["amazon"],
            most_recent=True,
            filters=[ec2.GetAmiFilterArgs(name="name", values=[IMAGE])],
            opts=pulumi.InvokeOutputOptions(parent=parent),
        )
        self._image = found.id
        group = ec2.SecurityGroup(
            "nat",
            name=f"{args.prefix}-nat",
            description="The way out of tasks without addresses",
            vpc_id=args.vpc_id,
            opts=child_of(parent),
        )
        self._group = group.id
        self._rules = [
            vpc.SecurityGroupIngressRule(
                "nat-from-network",
                security_group_id=group.id,
                cidr_ipv4=args.cidr,
                ip_protocol="tcp",
                from_port=HTTPS,
                to_port=HTTPS,
                opts=child_of(parent),
            ),
            vpc.SecurityGroupEgressRule(
                "nat-to-internet",
                security_group_id=group.id,
                cidr_ipv4=ANYWHERE,
                ip_protocol="tcp",
                from_port=HTTPS,
                to_port=HTTPS,
                opts=child_of(parent),
            ),
        ]

    def add(self, number: int, subnet: pulumi.Input[str]) -> pulumi.Output[str]:
        """One in that public subnet. Gives the id of its network interface, which routes lead to."""
        name = f"nat-{number}"
        made = ec2.Instance(
            name,
            ami=self._image,
            instance_type=TYPE,
            subnet_id=subnet,
            vpc_security_group_ids=[self._group],
            associate_public_ip_address=True,
            source_dest_check=False,
            user_data=SETUP,
            metadata_options=ec2.InstanceMetadataOptionsArgs(http_tokens="required"),
            root_block_device=ec2.InstanceRootBlockDeviceArgs(
                encrypted=True, volume_size=VOLUME_GIB, volume_type="gp3"
            ),
            tags={"Name": f"{self._args.prefix}-{name}"},
            # AWS publishes a new image every other week; a replacement takes the newest.
            opts=child_of(self._parent, depends_on=self._rules, ignore_changes=["ami"]),
        )
        return made.primary_network_interface_id
