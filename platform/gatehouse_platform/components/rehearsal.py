"""The monthly rehearsal of a restore: a task that is started once a day, and two alarms on what it says.

The task runs the image of the service whose decisions a restore must do again (`replays_log` in its service.toml). It
restores the database to a copy, looks, and deletes it (`gatehouse_chassis.rehearsal`). It can reach the copy, not the
database: its security group and the copy's are made for it. It has no password of anybody: it may set one for the
master of the copy, and signs in with that.

What is assumed of AWS, each from its documentation (none of it could be tried here):
- Restoring from an instance that a KMS key encrypts takes kms:CreateGrant and kms:DescribeKey in the caller's name,
  which may be limited to what RDS asks for. RDS user guide, Overview.Encryption.Keys.
- A restore to a point in time is authorized for the source, the copy, its parameter, option and subnet group; tags of
  the request can be a condition. Service authorization reference, list_amazonrds.
- The scheduler starts a task on Fargate once, with a security group and subnets. API reference, EcsParameters.
- An alarm may look at 7 days at most where a period has an hour or more. CloudWatch API reference, PutMetricAlarm. So
  the task says every day how long ago the last success was; that it says nothing is an alarm, too.
"""

from dataclasses import dataclass

import msgspec
import pulumi
from pulumi_aws import cloudwatch, ec2, ecs, scheduler

from gatehouse_catalog import Service
from gatehouse_catalog.rehearsal import (
    DAYS_SINCE,
    DIMENSION,
    FAILED,
    METRICS,
    REHEARSAL_VARIABLE,
    RehearsalPlace,
)
from gatehouse_platform.components import containers
from gatehouse_platform.components.base import RoleArgs, child_of, environment_of, role
from gatehouse_platform.components.database import DATABASE_NAME, DATABASE_PORT, MASTER_USER, TLS
from gatehouse_platform.components.ecs_service import task_definition
from gatehouse_platform.components.governance import WEEKDAYS, cron
from gatehouse_platform.components.iam_documents import COPY, allow, assumed_by, document, rehearsing
from gatehouse_platform.components.security_group_rules import allow_traffic
from gatehouse_platform.components.service import EnvironmentContext, release_of, repository_image
from gatehouse_platform.components.task_group import ExecutionArgs, execution_role, task_trust
from gatehouse_platform.config.off_hours import middle_of_day

NAME = "restore-rehearsal"
CPU, MEMORY = 256, 1024
INSTANCE_CLASS = "db.t4g.micro"
# Time to ask for the copy's deletion; Fargate gives no more.
STOP_SECONDS = 120
# A rehearsal is due 27 days after the last success. With the days of silence below, owners know by day 40.
MOST_DAYS = 36
SILENT_DAYS = 4
DAY = 24 * 3600
RUNBOOK = "Runbook: platform/runbooks/restore.md"


@dataclass(frozen=True, kw_only=True)
class RestoreRehearsalArgs:
    context: EnvironmentContext
    service: Service


class RestoreRehearsal(pulumi.ComponentResource):
    """Nothing before the service's first release: the task needs its image."""

    def __init__(self, name: str, args: RestoreRehearsalArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gatehouse:platform:RestoreRehearsal", name, None, opts)
        self._context, self._service = args.context, args.service
        self._stack = args.context.stack
        self._settings = environment_of(self._stack)
        self._dependencies: list[pulumi.Resource] = []
        self._schedule(self._group(NAME, "The rehearsal of a restore"))
        for what, threshold, periods, missing, says in (
            (DAYS_SINCE, MOST_DAYS, SILENT_DAYS, "breaching", "No restore was rehearsed with success for too long"),
            (FAILED, 1, 1, "notBreaching", "A rehearsed restore failed, or its copy still stands"),
        ):
            self._alarm(what, threshold, periods, missing, says)
        self.register_outputs({})

    def _group(self, name: str, description: str) -> pulumi.Output[str]:
        group = ec2.SecurityGroup(
            name,
            name=f"{self._stack.prefix}-{name}",
            description=description,
            vpc_id=self._context.network.vpc_id,
            opts=child_of(self),
        )
        return group.id

    def _schedule(self, group: pulumi.Output[str]) -> None:
        context, stack = self._context, self._stack
        copy = self._group(f"{NAME}-copy", "The copy that a rehearsal restores")
        self._dependencies += context.network.egress_rules(NAME, group, self)
        self._dependencies += allow_traffic(
            f"{NAME}-to-copy", source=group, target=copy, port=DATABASE_PORT, parent=self
        )
        task = self._task(copy)
        account, shutdown = stack.settings.account, self._settings.shutdown
        source = f"arn:aws:scheduler:{stack.region}:{account}:schedule/default/{stack.prefix}-*"
        starts = role(
            f"{NAME}-schedule",
            RoleArgs(
                name=f"{stack.prefix}-{NAME}-schedule",
                trust=assumed_by("scheduler.amazonaws.com", account, source),
                policy=document(
                    allow(
                        "StartRehearsal",
                        ["ecs:RunTask"],
                        [task.arn],
                        conditions={"ArnEquals": {"ecs:cluster": context.cluster.arn}},
                    ),
                    allow(
                        "PassItsRoles",
                        ["iam:PassRole"],
                        [task.execution_role_arn, task.task_role_arn],
                        conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
                    ),
                ),
            ),
            stack=stack,
            parent=self,
            policies=self._dependencies,
        )
        scheduler.Schedule(
            NAME,
            name=f"{stack.prefix}-{NAME}",
            schedule_expression=cron(middle_of_day(shutdown), WEEKDAYS if shutdown else "*"),
            schedule_expression_timezone=shutdown.timezone if shutdown else "Europe/Berlin",
            flexible_time_window=scheduler.ScheduleFlexibleTimeWindowArgs(mode="OFF"),
            target=scheduler.ScheduleTargetArgs(
                arn=context.cluster.arn,
                role_arn=starts.arn,
                ecs_parameters=scheduler.ScheduleTargetEcsParametersArgs(
                    task_definition_arn=task.arn,
                    launch_type="FARGATE",  # Spot would stop it with two minutes' warning
                    platform_version="1.4.0",
                    task_count=1,
                    network_configuration=scheduler.ScheduleTargetEcsParametersNetworkConfigurationArgs(
                        subnets=context.network.task_subnets,
                        security_groups=[group],
                        assign_public_ip=context.network.tasks_have_public_addresses,
                    ),
                ),
                # Tomorrow is another day; a second one beside the first would meet its copy.
                retry_policy=scheduler.ScheduleTargetRetryPolicyArgs(
                    maximum_event_age_in_seconds=3600, maximum_retry_attempts=0
                ),
            ),
            opts=child_of(self, depends_on=self._dependencies),
        )

    def _task(self, copy: pulumi.Output[str]) -> ecs.TaskDefinition:
        context, stack, settings, service = self._context, self._stack, self._settings, self._service
        release = release_of(stack, service)
        assert release is not None
        log_group, decisions = f"/gatehouse/{stack.name}/{NAME}", f"/gatehouse/{stack.name}/{service.name}"
        log = cloudwatch.LogGroup(
            NAME,
            name=log_group,
            # Of what is older than 60 days, a rehearsal knows nothing (LOOK_BACK).
            retention_in_days=max(settings.log_days, 90),
            kms_key_id=context.key_arn,
            opts=child_of(self),
        )
        self._dependencies.append(log)
        wanted = {
            "environment": stack.name,
            "region": stack.region,
            "source": context.database.identifier,
            "copy": stack.prefix + COPY,
            "instance_class": INSTANCE_CLASS,
            "master": MASTER_USER,
            "database": DATABASE_NAME,
            "options": TLS,
            "decisions": decisions,
            "outcomes": log_group,
        }

        def definitions(known: str) -> str:
            told = RehearsalPlace(**wanted, security_group=known)
            return containers.container_definitions(
                containers.Container(
                    name=NAME,
                    image=repository_image(stack, service.name, release.digest),
                    command=("rehearse", service.name),
                    log_group=log_group,
                    region=stack.region,
                    environment={REHEARSAL_VARIABLE: msgspec.json.encode(told, order="sorted").decode()},
                    mounts={containers.SCRATCH: "/tmp"},  # noqa: S108 - in the container
                    stop_seconds=STOP_SECONDS,
                )
            )

        may = rehearsing(
            here=f"{stack.region}:{stack.settings.account}",
            prefix=stack.prefix,
            environment=stack.name,
            groups=[context.database.parameter_group_arn, *context.database.other_groups],
            key=context.key_arn,
            logs=[decisions, log_group],
        )
        task_role = role(
            NAME,
            RoleArgs(name=f"{stack.prefix}-{NAME}", trust=task_trust(stack), policy=document(*may)),
            stack=stack,
            parent=self,
            policies=self._dependencies,
        )
        starting = ExecutionArgs(context=context, images=[service.name], log_groups=[log_group], secrets=[])
        return task_definition(
            self,
            NAME,
            volumes=[containers.SCRATCH],
            family=f"{stack.prefix}-{NAME}",
            definitions=copy.apply(definitions),
            execution_role=execution_role(f"{NAME}-start", starting, parent=self, policies=self._dependencies).arn,
            task_role=task_role.arn,
            cpu=CPU,
            memory=MEMORY,
        )

    def _alarm(self, metric: str, threshold: int, periods: int, missing: str, says: str) -> None:
        name = f"{NAME}-{'late' if metric == DAYS_SINCE else 'failed'}"
        cloudwatch.MetricAlarm(
            name,
            name=f"{self._stack.prefix}-{name}",
            alarm_description=f"{says}. {RUNBOOK}",
            namespace=METRICS,
            metric_name=metric,
            dimensions={DIMENSION: self._stack.name},
            statistic="Maximum",
            period=DAY,
            evaluation_periods=periods,
            datapoints_to_alarm=periods,
            threshold=threshold,
            comparison_operator="GreaterThanOrEqualToThreshold",
            treat_missing_data=missing,
            alarm_actions=[self._context.alerts],
            ok_actions=[self._context.alerts],
            opts=child_of(self),
        )
