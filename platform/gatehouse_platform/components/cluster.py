"""The ECS cluster on Fargate: how tasks are placed, when they run, and how services find one another."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import appautoscaling, cloudwatch, ecs, servicediscovery

from gatehouse_platform.components.base import child_of, environment_of
from gatehouse_platform.components.governance import cron
from gatehouse_platform.config.settings import Shutdown, Stack


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    stack: Stack
    key_arn: pulumi.Input[str]


class Cluster(pulumi.ComponentResource):
    """Services call each other through Service Connect, which skips draining tasks. The collector asks ECS."""

    arn: pulumi.Output[str]
    name: str
    connect_namespace: pulumi.Output[str]

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gatehouse:platform:Cluster", name, None, opts)
        stack, settings = args.stack, environment_of(args.stack)
        self.name = stack.prefix
        connect = servicediscovery.HttpNamespace(
            "connect", name=stack.prefix, description="Service Connect", opts=child_of(self)
        )
        configuration = None
        if settings.shell_in_tasks:
            shells = cloudwatch.LogGroup(
                "shells",
                name=f"/gatehouse/{stack.name}/shells",
                retention_in_days=settings.log_days,
                kms_key_id=args.key_arn,
                opts=child_of(self),
            )
            configuration = ecs.ClusterConfigurationArgs(
                execute_command_configuration=ecs.ClusterConfigurationExecuteCommandConfigurationArgs(
                    logging="OVERRIDE",
                    log_configuration=ecs.ClusterConfigurationExecuteCommandConfigurationLogConfigurationArgs(
                        cloud_watch_log_group_name=shells.name, cloud_watch_encryption_enabled=True
                    ),
                )
            )
        cluster = ecs.Cluster(
            name,
            name=stack.prefix,
            settings=[
                ecs.ClusterSettingArgs(name="containerInsights", value="enabled" if settings.insights else "disabled")
            ],
            service_connect_defaults=ecs.ClusterServiceConnectDefaultsArgs(namespace=connect.arn),
            configuration=configuration,
            opts=child_of(self),
        )
        ecs.ClusterCapacityProviders(
            name, cluster_name=cluster.name, capacity_providers=["FARGATE", "FARGATE_SPOT"], opts=child_of(self)
        )
        self.arn = cluster.arn
        self.connect_namespace = connect.arn
        self.register_outputs({"arn": self.arn})


def capacity_strategies(stack: Stack) -> list[ecs.ServiceCapacityProviderStrategyArgs]:
    """The mix of on-demand and Spot capacity. `launch_type` conflicts with it."""
    capacity = environment_of(stack).capacity
    mix = [
        ("FARGATE", capacity.on_demand_base, capacity.on_demand_weight),
        ("FARGATE_SPOT", 0, capacity.spot_weight),
    ]
    return [
        ecs.ServiceCapacityProviderStrategyArgs(capacity_provider=provider, base=base, weight=weight)
        for provider, base, weight in mix
        if base or weight
    ]


def schedule_tasks(
    name: str,
    target: appautoscaling.Target,
    shutdown: Shutdown,
    *,
    prefix: str,
    least: int,
    most: int,
    parent: pulumi.Resource,
) -> None:
    """`least` and `most` tasks from the start of each working day, none from its end."""
    counts = {"start": (least, most, shutdown.start), "stop": (0, 0, shutdown.stop)}
    for what, (fewest, greatest, clock) in counts.items():
        appautoscaling.ScheduledAction(
            f"{name}-{what}",
            name=f"{prefix}-{name}-{what}",
            service_namespace=target.service_namespace,
            scalable_dimension=target.scalable_dimension,
            resource_id=target.resource_id,
            schedule=cron(clock),
            timezone=shutdown.timezone,
            scalable_target_action=appautoscaling.ScheduledActionScalableTargetActionArgs(
                min_capacity=fewest, max_capacity=greatest
            ),
            opts=child_of(parent),
        )
