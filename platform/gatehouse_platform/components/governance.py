"""An environment's key, log bucket, alert topic, budget, and off-hours schedules."""

from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import budgets, cloudwatch, kms, s3, scheduler, sns

from gatehouse_platform.components.base import RoleArgs, as_json, child_of, environment_of, role
from gatehouse_platform.components.iam_documents import allow, assumed_by, document
from gatehouse_platform.config.off_hours import database_hours
from gatehouse_platform.config.settings import Shutdown, Stack

WEEKDAYS = "MON-FRI"
EVERY_HOUR = "rate(1 hour)"
ENVIRONMENT_TAG = "gatehouse:environment"
SEATS_TAG = "gatehouse:grafana-seats"


def tags_of(stack: Stack) -> dict[str, str]:
    """The tags of every resource. Budgets and the apply roles' conditions depend on `gatehouse:environment`."""
    return {
        ENVIRONMENT_TAG: stack.name,
        "gatehouse:managed-by": "pulumi",
        "gatehouse:repository": stack.settings.repository,
    }


def cron(clock: str, days: str = WEEKDAYS) -> str:
    """A cron expression of EventBridge and Application Auto Scaling: that time (`HH:MM`) on those days."""
    hours, minutes = clock.split(":")
    return f"cron({int(minutes)} {int(hours)} ? * {days} *)"


def key_policy(stack: Stack) -> dict[str, Any]:
    """IAM policies of the account decide who may use the key; the AWS services named here may use it on our behalf."""
    account, region = stack.settings.account, stack.region
    use = ("kms:Decrypt", "kms:GenerateDataKey*")
    groups = [f"/gatehouse/{stack.name}/*", f"/aws/rds/instance/{stack.prefix}/*"]
    logs = [f"arn:aws:logs:{region}:{account}:log-group:{group}" for group in groups]
    return document(
        allow("AccountDecides", ["kms:*"], ["*"], principal={"AWS": f"arn:aws:iam::{account}:root"}),
        allow(
            "EncryptLogs",
            ["kms:Decrypt*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
            ["*"],
            principal={"Service": f"logs.{region}.amazonaws.com"},
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": logs}},
        ),
        allow(
            "SendAlerts",
            use,
            ["*"],
            principal={"Service": ["aps.amazonaws.com", "cloudwatch.amazonaws.com", "ses.amazonaws.com"]},
            conditions={"StringEquals": {"aws:SourceAccount": account}},
        ),
    )


def log_bucket_policy(bucket: Any, account: str) -> dict[str, Any]:
    """The balancer and the VPC may write below their prefixes; requests without TLS are denied."""
    own_account = {"StringEquals": {"aws:SourceAccount": account}}
    delivery = {"Service": "delivery.logs.amazonaws.com"}
    objects = pulumi.Output.concat(bucket, "/*")
    return document(
        allow(
            "WriteAccessLogs",
            ["s3:PutObject"],
            [pulumi.Output.concat(bucket, f"/balancer/AWSLogs/{account}/*")],
            principal={"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        ),
        allow(
            "WriteFlowLogs",
            ["s3:PutObject"],
            [pulumi.Output.concat(bucket, f"/flow/AWSLogs/{account}/*")],
            principal=delivery,
            conditions=own_account,
        ),
        allow("CheckFlowLogs", ["s3:GetBucketAcl"], [bucket], principal=delivery, conditions=own_account),
        allow(
            "OnlyTls",
            ["s3:*"],
            [bucket, objects],
            principal={"AWS": "*"},
            conditions={"Bool": {"aws:SecureTransport": "false"}},
            effect="Deny",
        ),
    )


def private_bucket(
    name: str,
    bucket_name: str,
    *,
    parent: pulumi.Resource,
    protect: bool,
    versioned: bool = False,
    days: int = 0,
    force_destroy: bool = False,
) -> s3.Bucket:
    """A bucket without public access. With `days`, older objects expire. `force_destroy`: deleted with its objects."""
    bucket = s3.Bucket(name, bucket=bucket_name, force_destroy=force_destroy, opts=child_of(parent, protect=protect))
    s3.BucketPublicAccessBlock(
        name,
        bucket=bucket.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=child_of(parent),
    )
    if versioned:
        enabled = s3.BucketVersioningVersioningConfigurationArgs(status="Enabled")
        s3.BucketVersioning(name, bucket=bucket.id, versioning_configuration=enabled, opts=child_of(parent))
    if days:
        rule = s3.BucketLifecycleConfigurationRuleArgs(
            id="expire",
            status="Enabled",
            filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
            expiration=s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days),
        )
        s3.BucketLifecycleConfiguration(name, bucket=bucket.id, rules=[rule], opts=child_of(parent))
    return bucket


class Governance(pulumi.ComponentResource):
    """Created first: everything else uses its key, its bucket or its topic."""

    key_arn: pulumi.Output[str]
    log_bucket: pulumi.Output[str]
    log_bucket_arn: pulumi.Output[str]
    alerts: pulumi.Output[str]
    heartbeat: pulumi.Output[str]

    def __init__(self, name: str, stack: Stack, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gatehouse:platform:Governance", name, None, opts)
        settings = environment_of(stack)
        key = kms.Key(
            name,
            description=f"Everything that {stack.prefix} stores",
            enable_key_rotation=True,
            deletion_window_in_days=30,
            policy=as_json(key_policy(stack)),
            opts=child_of(self, protect=settings.protect),
        )
        kms.Alias(name, name=f"alias/{stack.prefix}", target_key_id=key.key_id, opts=child_of(self))
        self.key_arn = key.arn
        self._logs(stack)
        topic = sns.Topic("alerts", name=f"{stack.prefix}-alerts", kms_master_key_id=key.id, opts=child_of(self))
        self.alerts = topic.arn
        self._topic_policy("alerts", topic, settings.account)
        self._watch_heartbeat(stack.prefix, key, settings.account, parked=settings.parked)
        for owner in settings.owners:
            # An owner ends it by the link in each mail: no deployer can be allowed to end only its own (SNS).
            sns.TopicSubscription(
                owner,
                topic=topic.arn,
                protocol="email",
                endpoint=owner,
                opts=child_of(self, retain_on_delete=True),
            )
        self._budget(stack.name, stack.prefix, settings.budget_usd, settings.owners)
        self.register_outputs({"key_arn": self.key_arn})

    def _logs(self, stack: Stack) -> None:
        settings = environment_of(stack)
        bucket = private_bucket(
            "logs",
            f"{stack.prefix}-logs-{settings.account}",
            parent=self,
            protect=settings.protect,
            days=max(settings.network.flow_log_days, settings.log_days),
            # Balancer and VPC write to it until they are deleted: it can't be emptied before.
            force_destroy=not settings.protect,
        )
        # The balancer writes its access log only into buckets encrypted with S3's own key.
        rule = s3.BucketServerSideEncryptionConfigurationRuleArgs(
            apply_server_side_encryption_by_default=s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                sse_algorithm="AES256"
            )
        )
        s3.BucketServerSideEncryptionConfiguration("logs", bucket=bucket.id, rules=[rule], opts=child_of(self))
        policy = s3.BucketPolicy(
            "logs",
            bucket=bucket.id,
            policy=as_json(log_bucket_policy(bucket.arn, settings.account)),
            opts=child_of(self),
        )
        # Users of the bucket wait until its policy allows their logs.
        self.log_bucket = pulumi.Output.all(bucket.id, policy.id).apply(lambda both: str(both[0]))
        self.log_bucket_arn = pulumi.Output.all(bucket.arn, policy.id).apply(lambda both: str(both[0]))

    def _topic_policy(self, name: str, topic: sns.Topic, account: str) -> None:
        services = {"Service": ["aps.amazonaws.com", "cloudwatch.amazonaws.com"]}
        mine = {"StringEquals": {"aws:SourceAccount": account}}
        publish = allow("SendAlerts", ["sns:Publish"], [topic.arn], principal=services, conditions=mine)
        sns.TopicPolicy(name, arn=topic.arn, policy=as_json(document(publish)), opts=child_of(self))

    def _watch_heartbeat(self, prefix: str, key: kms.Key, account: str, *, parked: bool) -> None:
        """The alert manager sends the watchdog's alert here every 5 minutes; nobody reads it, and its end is an alarm.

        So whoever waits for alerts learns that none could come: rules that aren't evaluated, an alert manager that
        refuses its definition, a topic that it may not publish to.
        """
        topic = sns.Topic("heartbeat", name=f"{prefix}-heartbeat", kms_master_key_id=key.id, opts=child_of(self))
        self.heartbeat = topic.arn
        self._topic_policy("heartbeat", topic, account)
        if parked:
            return  # there are no rules that could send it
        cloudwatch.MetricAlarm(
            "heartbeat",
            name=f"{prefix}-heartbeat",
            alarm_description="No alert can reach anybody. Runbook: observability/runbooks/watchdog.md",
            namespace="AWS/SNS",
            metric_name="NumberOfMessagesPublished",
            dimensions={"TopicName": topic.name},
            statistic="Sum",
            period=300,
            evaluation_periods=3,
            datapoints_to_alarm=3,
            threshold=1,
            comparison_operator="LessThanThreshold",
            treat_missing_data="breaching",
            alarm_actions=[self.alerts],
            ok_actions=[self.alerts],
            opts=child_of(self),
        )

    def _budget(self, stack: str, prefix: str, limit: int, owners: list[str]) -> None:
        notifications = [
            budgets.BudgetNotificationArgs(
                comparison_operator="GREATER_THAN",
                threshold=per_cent,
                threshold_type="PERCENTAGE",
                notification_type=kind,
                subscriber_email_addresses=owners,
            )
            for per_cent, kind in ((80, "ACTUAL"), (100, "FORECASTED"))
        ]
        own_environment = budgets.BudgetCostFilterArgs(name="TagKeyValue", values=[f"user:{ENVIRONMENT_TAG}${stack}"])
        budgets.Budget(
            "budget",
            name=prefix,
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(limit),
            limit_unit="USD",
            cost_filters=[own_environment],
            notifications=notifications,
            opts=child_of(self),
        )


NO_RETRY = scheduler.ScheduleTargetRetryPolicyArgs(maximum_retry_attempts=0)


@dataclass(frozen=True, kw_only=True)
class OffHoursArgs:
    stack: Stack
    shutdown: Shutdown
    # Whether the database is started in the morning; a parked one is only stopped.
    starts: bool
    database: pulumi.Input[str]
    database_arn: pulumi.Input[str]


class OffHours(pulumi.ComponentResource):
    """Stops the database at night and at weekends; each service has its own schedules for its tasks.

    AWS restarts a stopped instance after seven days, so the stop is repeated every evening; every hour where the
    environment is parked. RDS refuses it for what is stopped already, which is as well.
    """

    def __init__(self, name: str, args: OffHoursArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gatehouse:platform:Nights", name, None, opts)
        stack = args.stack
        source = f"arn:aws:scheduler:{stack.region}:{stack.settings.account}:schedule/default/{stack.prefix}-*"
        scheduler_role = role(
            name,
            RoleArgs(
                name=f"{stack.prefix}-nights",
                trust=assumed_by("scheduler.amazonaws.com", stack.settings.account, source),
                policy=document(
                    allow("StopAndStart", ["rds:StartDBInstance", "rds:StopDBInstance"], [args.database_arn])
                ),
            ),
            stack=stack,
            parent=self,
        )
        start, stop = database_hours(args.shutdown)
        times = {"stop": ("stopDBInstance", stop)}
        if args.starts:
            times["start"] = ("startDBInstance", start)
        for what, (call, clock) in times.items():
            scheduler.Schedule(
                f"database-{what}",
                name=f"{stack.prefix}-database-{what}",
                schedule_expression=cron(clock, WEEKDAYS if what == "start" else "*") if args.starts else EVERY_HOUR,
                schedule_expression_timezone=args.shutdown.timezone,
                flexible_time_window=scheduler.ScheduleFlexibleTimeWindowArgs(mode="OFF"),
                target=scheduler.ScheduleTargetArgs(
                    arn=f"arn:aws:scheduler:::aws-sdk:rds:{call}",
                    role_arn=scheduler_role.arn,
                    input=as_json({"DbInstanceIdentifier": args.database}),
                    retry_policy=None if args.starts else NO_RETRY,
                ),
                opts=child_of(self),
            )
        self.register_outputs({})
