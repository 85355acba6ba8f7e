"""When tasks run: the schedules that stop an ECS service at night and at weekends, and start it in the morning."""

import pulumi
from pulumi_aws import appautoscaling

from gatehouse_platform.components.base import child_of
from gatehouse_platform.components.governance import cron
from gatehouse_platform.config.settings import Shutdown


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
