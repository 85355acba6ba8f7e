"""The network: a VPC with public, private and isolated subnets, and one of four kinds of egress.

Plain resources instead of `awsx.ec2.Vpc`: docs/decisions/0015-where-awsx-is-used.md.
"""

from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2, get_availability_zones_output, vpc

from gatehouse_platform.components.base import child_of
from gatehouse_platform.components.egress.nat_instance import NatArgs, NatInstances
from gatehouse_platform.config.settings import NetworkSettings
from gatehouse_platform.config.subnets import Zone, zones

ANYWHERE = "0.0.0.0/0"
HTTPS = 443
# What a task needs from AWS where it has no route to the internet. The pull-through cache can't fetch a new image then:
# pull it once from elsewhere (AWS: "the first pull needs a route to the internet").
ENDPOINTS = ("ecr.api", "ecr.dkr", "logs", "secretsmanager", "ssmmessages", "aps-workspaces", "ecs", "kms")


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    prefix: str
    region: str
    settings: NetworkSettings
    flow_logs: pulumi.Input[str]


class Network(pulumi.ComponentResource):
    """The subnets of tasks, balancer and database."""

    vpc_id: pulumi.Output[str]
    public_subnets: list[pulumi.Output[str]]
    isolated_subnets: list[pulumi.Output[str]]
    task_subnets: list[pulumi.Output[str]]
    tasks_have_public_addresses: bool
    endpoints_group: pulumi.Output[str] | None

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gatehouse:platform:Network", name, None, opts)
        self._args = args
        self._vpc = ec2.Vpc(
            name,
            cidr_block=args.settings.cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": args.prefix},
            opts=child_of(self),
        )
        self.vpc_id = self._vpc.id
        # AWS's default group allows everything; without rules it allows nothing.
        ec2.DefaultSecurityGroup(name, vpc_id=self.vpc_id, ingress=[], egress=[], opts=child_of(self))
        plan = zones(args.settings.cidr, args.settings.zones)
        available = get_availability_zones_output(state="available", opts=pulumi.InvokeOutputOptions(parent=self))
        zone_names = [available.names.apply(lambda names, n=zone.number: names[n]) for zone in plan]

        gateway = ec2.InternetGateway(name, vpc_id=self.vpc_id, tags={"Name": args.prefix}, opts=child_of(self))
        public = self._table("public")
        ec2.Route(
            "public-internet",
            route_table_id=public.id,
            destination_cidr_block=ANYWHERE,
            gateway_id=gateway.id,
            opts=child_of(self),
        )
        isolated = self._table("isolated")
        self.public_subnets, self.isolated_subnets, private_subnets = [], [], []
        tables = [public, isolated]
        nat = NatArgs(prefix=args.prefix, vpc_id=self.vpc_id, cidr=args.settings.cidr)
        instances = NatInstances(nat, self) if args.settings.egress == "instance" else None
        for zone, zone_name in zip(plan, zone_names, strict=True):
            self.public_subnets.append(self._subnet("public", zone, zone.public, zone_name, public))
            self.isolated_subnets.append(self._subnet("isolated", zone, zone.isolated, zone_name, isolated))
            if args.settings.egress != "public":
                private = self._table(f"private-{zone.number}")
                tables.append(private)
                private_subnets.append(self._subnet("private", zone, zone.private, zone_name, private))
                if args.settings.egress == "nat":
                    self._nat(zone, private)
                elif instances is not None:
                    interface = instances.add(zone.number, self.public_subnets[zone.number])
                    self._way_out(zone, private, network_interface_id=interface)
        self.tasks_have_public_addresses = args.settings.egress == "public"
        self.task_subnets = private_subnets or self.public_subnets
        # Free; image layers, which ECR serves from S3, don't pass the NAT gateway.
        self._s3 = ec2.VpcEndpoint(
            "s3",
            vpc_id=self.vpc_id,
            service_name=f"com.amazonaws.{args.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id for table in tables],
            opts=child_of(self),
        )
        self.endpoints_group = self._endpoints() if args.settings.egress == "endpoints" else None
        ec2.FlowLog(
            name,
            vpc_id=self.vpc_id,
            traffic_type="ALL",
            log_destination_type="s3",
            log_destination=pulumi.Output.concat(args.flow_logs, "/flow/"),
            max_aggregation_interval=600,
            opts=child_of(self),
        )
        self.register_outputs({"vpc_id": self.vpc_id})

    def egress_rules(self, name: str, group: pulumi.Input[str], parent: pulumi.Resource) -> list[pulumi.Resource]:
        """Lets members of a security group reach AWS and, unless egress is `endpoints`, the internet; by TLS only."""
        targets: dict[str, dict[str, pulumi.Input[str]]] = {"internet": {"cidr_ipv4": ANYWHERE}}
        if self.endpoints_group is not None:
            targets = {
                "endpoints": {"referenced_security_group_id": self.endpoints_group},
                "s3": {"prefix_list_id": self._s3.prefix_list_id},
            }
        return [
            vpc.SecurityGroupEgressRule(
                f"{name}-to-{destination}",
                security_group_id=group,
                ip_protocol="tcp",
                from_port=HTTPS,
                to_port=HTTPS,
                cidr_ipv4=target.get("cidr_ipv4"),
                referenced_security_group_id=target.get("referenced_security_group_id"),
                prefix_list_id=target.get("prefix_list_id"),
                opts=child_of(parent),
            )
            for destination, target in targets.items()
        ]

    def _table(self, name: str) -> ec2.RouteTable:
        tags = {"Name": f"{self._args.prefix}-{name}"}
        return ec2.RouteTable(name, vpc_id=self.vpc_id, tags=tags, opts=child_of(self))

    def _subnet(
        self, kind: str, zone: Zone, cidr: str, zone_name: pulumi.Output[str], table: ec2.RouteTable
    ) -> pulumi.Output[str]:
        name = f"{kind}-{zone.number}"
        subnet = ec2.Subnet(
            name,
            vpc_id=self.vpc_id,
            cidr_block=cidr,
            availability_zone=zone_name,
            # Tasks request a public address themselves where they need one.
            map_public_ip_on_launch=False,
            tags={"Name": f"{self._args.prefix}-{name}"},
            opts=child_of(self),
        )
        ec2.RouteTableAssociation(name, subnet_id=subnet.id, route_table_id=table.id, opts=child_of(self))
        return subnet.id

    def _nat(self, zone: Zone, table: ec2.RouteTable) -> None:
        """One in each zone: a shared one would make every zone depend on its own."""
        name = f"nat-{zone.number}"
        tags = {"Name": f"{self._args.prefix}-{name}"}
        address = ec2.Eip(name, domain="vpc", tags=tags, opts=child_of(self))
        gateway = ec2.NatGateway(
            name,
            allocation_id=address.id,
            subnet_id=self.public_subnets[zone.number],
            tags=tags,
            opts=child_of(self),
        )
        self._way_out(zone, table, nat_gateway_id=gateway.id)

    def _way_out(self, zone: Zone, table: ec2.RouteTable, **target: pulumi.Input[str]) -> None:
        ec2.Route(
            f"private-{zone.number}-internet",
            route_table_id=table.id,
            destination_cidr_block=ANYWHERE,
            nat_gateway_id=target.get("nat_gateway_id"),
            network_interface_id=target.get("network_interface_id"),
            opts=child_of(self),
        )

    def _endpoints(self) -> pulumi.Output[str]:
        group = ec2.SecurityGroup(
            "endpoints",
            name=f"{self._args.prefix}-endpoints",
            description="AWS services inside the VPC",
            vpc_id=self.vpc_id,
            opts=child_of(self),
        )
        vpc.SecurityGroupIngressRule(
            "endpoints-from-vpc",
            security_group_id=group.id,
            cidr_ipv4=self._args.settings.cidr,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            opts=child_of(self),
        )
        for service in ENDPOINTS:
            ec2.VpcEndpoint(
                service,
                vpc_id=self.vpc_id,
                service_name=f"com.amazonaws.{self._args.region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=self.task_subnets,
                security_group_ids=[group.id],
                opts=child_of(self),
            )
        return group.id
