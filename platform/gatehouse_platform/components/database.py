"""The database: one RDS PostgreSQL instance for each environment, with a schema and two roles for each service."""

from dataclasses import dataclass

import pulumi
import pulumi_random
from pulumi_aws import cloudwatch, ec2, rds

from gatehouse_catalog.extensions import ALLOWED, SETTINGS
from gatehouse_platform.components.base import child_of, environment_of
from gatehouse_platform.config.off_hours import database_windows
from gatehouse_platform.config.settings import Stack

DATABASE_PORT = 5432
GIB = 1024**3
LEAST_FREE_SHARE = 0.07  # RDS enlarges the storage at a tenth
# What may be used before owners are told; and RDS's formula for the most connections (max_connections of its default
# parameter group: memory / 9,531,392, less what the system takes).
BUSY_PER_CENT, MOST_CONNECTIONS_SHARE, BYTES_PER_CONNECTION = 90.0, 0.7, 9_531_392
MEMORY_GIB = {"db.t4g.micro": 1, "db.t4g.small": 2, "db.t4g.medium": 4, "db.t4g.large": 8}
DATABASE_NAME = "gatehouse"
MASTER_USER = "gatehouse_master"
# Clients verify the server: its certificate must name the address and be signed by RDS's root of the region, which
# every image contains (services/rds-ca.pem).
ROOTS = "/etc/gatehouse/rds-ca.pem"
TLS = f"sslmode=verify-full&sslrootcert={ROOTS}"


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs:
    stack: Stack
    vpc_id: pulumi.Input[str]
    subnets: list[pulumi.Output[str]]
    key_arn: pulumi.Input[str]
    alerts: pulumi.Input[str]


def _extension_parameters() -> list[rds.ParameterGroupParameterArgs]:
    """The same extensions as everywhere. `rds.allowed_extensions` keeps all others out, whoever asks; it and what is
    tracked can be changed in place, the others are read when the server starts.
    """
    values = SETTINGS | {"rds.allowed_extensions": ",".join(ALLOWED)}
    dynamic = {"rds.allowed_extensions", "pg_stat_statements.track_utility"}
    return [
        rds.ParameterGroupParameterArgs(
            name=name, value=value, apply_method="immediate" if name in dynamic else "pending-reboot"
        )
        for name, value in sorted(values.items())
    ]


class DatabaseInstance(pulumi.ComponentResource):
    """PostgreSQL that only tasks of the environment can reach."""

    arn: pulumi.Output[str]
    identifier: str
    address: pulumi.Output[str]
    group: pulumi.Output[str]
    master_secret: pulumi.Output[str]
    # What a copy stands in, too, by ARN; the others are its option group and its subnet group.
    parameter_group_arn: pulumi.Output[str]
    other_groups: list[str]

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gatehouse:platform:Database", name, None, opts)
        stack, settings = args.stack, environment_of(args.stack)
        wanted = settings.database
        major = wanted.version.partition(".")[0]
        windows = database_windows(settings.shutdown)
        self.identifier = stack.prefix
        subnets = rds.SubnetGroup(name, name=stack.prefix, subnet_ids=args.subnets, opts=child_of(self))
        group = ec2.SecurityGroup(
            name,
            name=f"{stack.prefix}-database",
            description="PostgreSQL; each service lets itself in",
            vpc_id=args.vpc_id,
            opts=child_of(self),
        )
        self.group = group.id
        parameters = rds.ParameterGroup(
            # A major upgrade creates a new group beside the old one.
            f"postgres-{major}",
            family=f"postgres{major}",
            parameters=[
                rds.ParameterGroupParameterArgs(name="log_min_duration_statement", value="500"),
                rds.ParameterGroupParameterArgs(name="rds.force_ssl", value="1"),
                *_extension_parameters(),
            ],
            opts=child_of(self),
        )
        # RDS would create it without a retention period.
        logs = cloudwatch.LogGroup(
            name,
            name=f"/aws/rds/instance/{self.identifier}/postgresql",
            retention_in_days=settings.log_days,
            kms_key_id=args.key_arn,
            opts=child_of(self),
        )
        instance = rds.Instance(
            name,
            identifier=self.identifier,
            engine="postgres",
            engine_version=wanted.version,
            instance_class=wanted.instance,
            db_name=DATABASE_NAME,
            username=MASTER_USER,
            # RDS creates the password, stores it in Secrets Manager, and rotates it every seven days.
            manage_master_user_password=True,
            master_user_secret_kms_key_id=args.key_arn,
            iam_database_authentication_enabled=True,
            allocated_storage=wanted.storage_gib,
            max_allocated_storage=wanted.storage_gib_at_most,
            storage_type="gp3",
            storage_encrypted=True,
            kms_key_id=args.key_arn,
            multi_az=wanted.multi_az,
            db_subnet_group_name=subnets.name,
            vpc_security_group_ids=[group.id],
            publicly_accessible=False,
            port=DATABASE_PORT,
            parameter_group_name=parameters.name,
            backup_retention_period=wanted.backup_days,  # also enables point-in-time recovery
            backup_window=windows.backup,
            maintenance_window=windows.maintenance,
            copy_tags_to_snapshot=True,
            delete_automated_backups=not settings.protect,
            deletion_protection=wanted.deletion_protection,
            skip_final_snapshot=not settings.protect,
            final_snapshot_identifier=self._final_snapshot(name) if settings.protect else None,
            auto_minor_version_upgrade=True,
            allow_major_version_upgrade=True,
            # Changes are made in place: AWS refuses blue/green updates of an instance whose master password it manages
            # (policies/combinations.py).
            apply_immediately=wanted.apply_immediately,
            ca_cert_identifier="rds-ca-rsa2048-g1",
            enabled_cloudwatch_logs_exports=["postgresql"],
            performance_insights_enabled=True,
            performance_insights_kms_key_id=args.key_arn,
            performance_insights_retention_period=7,  # the free tier
            opts=child_of(self, protect=settings.protect, depends_on=[logs]),
        )
        self._watch_storage(stack.prefix, wanted.storage_gib, args.alerts)
        if wanted.load_alarms:
            self._watch_load(stack.prefix, wanted.instance, args.alerts)
        self.arn = instance.arn
        self.address = instance.address
        self.parameter_group_arn = parameters.arn
        kinds = (f"og:default:postgres-{major}", f"subgrp:{stack.prefix}")
        self.other_groups = [f"arn:aws:rds:{stack.region}:{settings.account}:{each}" for each in kinds]
        self.master_secret = instance.master_user_secrets.apply(lambda secrets: str(secrets[0].secret_arn))
        self.register_outputs({"address": self.address})

    def _watch_storage(self, prefix: str, gib: int, alerts: pulumi.Input[str]) -> None:
        """Only RDS knows what is free. It adds storage by itself below a tenth, up to `storage_gib_at_most` and once in
        six hours; so this means that it can't. A stopped instance reports nothing, which is no alarm.
        """
        cloudwatch.MetricAlarm(
            "database-storage",
            name=f"{prefix}-database-storage",
            alarm_description="PostgreSQL's disk is nearly full. Runbook: platform/runbooks/scale.md",
            namespace="AWS/RDS",
            metric_name="FreeStorageSpace",
            dimensions={"DBInstanceIdentifier": self.identifier},
            statistic="Minimum",
            period=300,
            evaluation_periods=3,
            datapoints_to_alarm=3,
            threshold=gib * GIB * LEAST_FREE_SHARE,
            comparison_operator="LessThanThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=[alerts],
            ok_actions=[alerts],
            opts=child_of(self),
        )

    def _watch_load(self, prefix: str, instance: str, alerts: pulumi.Input[str]) -> None:
        """A database that is too small says so here first."""
        gib = MEMORY_GIB.get(instance)
        limits: list[tuple[str, str, str, float]] = [("cpu", "CPUUtilization", "GreaterThanThreshold", BUSY_PER_CENT)]
        if gib is not None:
            most = gib * GIB / BYTES_PER_CONNECTION
            limits += [
                ("connections", "DatabaseConnections", "GreaterThanThreshold", int(most * MOST_CONNECTIONS_SHARE)),
                ("memory", "FreeableMemory", "LessThanThreshold", int(gib * GIB * LEAST_FREE_SHARE)),
            ]
        for what, metric, comparison, threshold in limits:
            cloudwatch.MetricAlarm(
                f"database-{what}",
                name=f"{prefix}-database-{what}",
                alarm_description=f"PostgreSQL: {metric}. Runbook: platform/runbooks/scale.md",
                namespace="AWS/RDS",
                metric_name=metric,
                dimensions={"DBInstanceIdentifier": self.identifier},
                statistic="Average",
                period=300,
                evaluation_periods=3,
                datapoints_to_alarm=3,
                threshold=threshold,
                comparison_operator=comparison,
                treat_missing_data="notBreaching",
                alarm_actions=[alerts],
                ok_actions=[alerts],
                opts=child_of(self),
            )

    def _final_snapshot(self, name: str) -> pulumi.Output[str]:
        """A name that an earlier deletion of the stack hasn't used."""
        suffix = pulumi_random.RandomId(f"{name}-final-snapshot", byte_length=4, opts=child_of(self))
        return pulumi.Output.concat(self.identifier, "-final-", suffix.hex)
