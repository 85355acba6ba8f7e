"""One service of the catalog in an environment.

Its place (security group, roles, log, secrets) stands as soon as its folder exists; what needs an image (schema, task
definition, ECS service, scaling) as soon as it has a release. So its secrets can be filled before it first starts.
"""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_random as random
from pulumi_aws import cloudwatch, ec2, iam, lb, secretsmanager

from gatehouse_catalog import Service as Entry
from gatehouse_catalog.releases import Release
from gatehouse_platform.components import containers
from gatehouse_platform.components.base import RoleArgs, as_json, below, environment_of, role
from gatehouse_platform.components.cluster import Cluster
from gatehouse_platform.components.database import NAME as DATABASE_NAME
from gatehouse_platform.components.database import PORT as DATABASE_PORT
from gatehouse_platform.components.database import TLS, DatabaseInstance
from gatehouse_platform.components.edge import Edge
from gatehouse_platform.components.iam_documents import assumed_by, execution, shell
from gatehouse_platform.components.network import Network
from gatehouse_platform.components.security_group_rules import passage
from gatehouse_platform.config.settings import Stack

TASKS = "ecs-tasks.amazonaws.com"


@dataclass(frozen=True, kw_only=True)
class EnvironmentContext:
    """What every service of an environment stands in."""

    stack: Stack
    network: Network
    cluster: Cluster
    edge: Edge
    database: DatabaseInstance
    key_arn: pulumi.Input[str]
    alerts: pulumi.Input[str]
    # The collector's security group, where there is a collector.
    collector: pulumi.Input[str] | None


@dataclass(frozen=True, kw_only=True)
class ServiceArgs:
    entry: Entry
    around: EnvironmentContext
    # The services it calls, which stand already.
    calls: "list[ServiceSite]"


class ServiceSite(pulumi.ComponentResource):
    """Where a service stands: everything of it that needs no image."""

    entry: Entry
    group: pulumi.Output[str]
    log_group: str
    secrets: dict[str, pulumi.Output[str]]
    # What must stand before a task starts, and no value of the task's leads to: secrets' values, permissions, ways.
    ready: list[pulumi.Resource]

    def __init__(self, name: str, args: ServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gatehouse:platform:Service", name, None, opts)
        self.entry, self.around = args.entry, args.around
        self.stack, self.settings = args.around.stack, environment_of(args.around.stack)
        self.calls = [callee.entry for callee in args.calls]
        self.log_group = f"/gatehouse/{self.stack.name}/{name}"
        log = cloudwatch.LogGroup(
            name,
            name=self.log_group,
            retention_in_days=self.settings.log_days,
            kms_key_id=args.around.key_arn,
            opts=below(self),
        )
        self.ready = [log]
        self._doors(name, args)
        self.secrets = {key: self._secret(name, key, way) for key, way in self._secret_ways().items()}
        self.database_secret = self._database_secret(name) if self.entry.database else None
        self.task_role = role(
            name,
            RoleArgs(
                name=f"{self.stack.prefix}-{name}",
                trust=self.trust(),
                may=shell() if self.settings.shell_in_tasks else None,
            ),
            stack=self.stack,
            parent=self,
            ready=self.ready,
        )
        read = [*self.secrets.values(), *([self.database_secret] if self.database_secret else [])]
        self.start_role = self.starter(f"{name}-start", name, read)
        self.register_outputs({"group": self.group})

    def trust(self) -> dict[str, Any]:
        account, region = self.settings.account, self.stack.region
        return assumed_by(TASKS, account, f"arn:aws:ecs:{region}:{account}:*")

    def starter(self, name: str, image: str, secrets: list[pulumi.Output[str]]) -> iam.Role:
        """The role with which ECS starts a task of that image with these secrets."""
        account, region = self.settings.account, self.stack.region
        repository = f"arn:aws:ecr:{region}:{account}:repository/ghcr/{self.settings.repository}/{image}"
        may = execution(
            repositories=[repository],
            log_group=f"arn:aws:logs:{region}:{account}:log-group:{self.log_group}:log-stream:*",
            secrets=secrets,
            keys=[self.around.key_arn],
            region=region,
        )
        args = RoleArgs(name=f"{self.stack.prefix}-{name}", trust=self.trust(), may=may)
        return role(name, args, stack=self.stack, parent=self, ready=self.ready)

    def _doors(self, name: str, args: ServiceArgs) -> None:
        around = args.around
        group = ec2.SecurityGroup(
            name,
            name=f"{self.stack.prefix}-{name}",
            description=self.entry.summary.replace("'", ""),  # AWS refuses apostrophes in descriptions
            vpc_id=around.network.vpc_id,
            opts=below(self),
        )
        self.group = group.id
        self.ready += around.network.way_out(name, group.id, self)
        port = self.entry.port
        self.ready += passage(f"edge-to-{name}", source=around.edge.group, target=group.id, port=port, parent=self)
        if around.collector is not None:
            passage(f"collector-to-{name}", source=around.collector, target=group.id, port=port, parent=self)
        if self.entry.database is not None:
            target = around.database.group
            self.ready += passage(
                f"{name}-to-database", source=group.id, target=target, port=DATABASE_PORT, parent=self
            )
        for callee in args.calls:
            called = callee.entry
            self.ready += passage(
                f"{name}-to-{called.name}", source=group.id, target=callee.group, port=called.port, parent=self
            )

    def _secret_ways(self) -> dict[str, str]:
        return containers.secret_keys(self.entry, self.settings)

    def _secret(self, name: str, key: str, way: str) -> pulumi.Output[str]:
        secret = self._empty_secret(name, key, self.entry.settings[key].help)
        if way == "random":
            value = random.RandomPassword(f"{name}-{key}", length=48, special=False, opts=below(self))
            version = secretsmanager.SecretVersion(
                f"{name}-{key}",
                secret_id=secret.id,
                secret_string=value.result,
                # Whoever changes it later (rotate runbook) isn't overruled by the next up.
                opts=below(self, ignore_changes=["secretString"]),
            )
            self.ready.append(version)
        return secret.arn

    def _empty_secret(self, name: str, key: str, description: str) -> secretsmanager.Secret:
        return secretsmanager.Secret(
            f"{name}-{key}",
            name=f"{self.stack.prefix}/{name}/{key}",
            description=description[:2048],
            kms_key_id=self.around.key_arn,
            recovery_window_in_days=30 if self.settings.protect else 7,
            opts=below(self, protect=self.settings.protect),
        )

    def _database_secret(self, name: str) -> pulumi.Output[str]:
        """Its sign-in, as JSON: `url` for the service, `password` for the schema task that gives it to the role."""
        assert self.entry.database is not None
        secret = self._empty_secret(name, "database", "How it signs in to PostgreSQL")
        password = random.RandomPassword(f"{name}-database", length=40, special=False, opts=below(self))
        address = pulumi.Output.concat(
            f"postgresql://{self.entry.database.service_role}:",
            password.result,
            "@",
            self.around.database.address,
            f":{DATABASE_PORT}/{DATABASE_NAME}?{TLS}",
        )
        version = secretsmanager.SecretVersion(
            f"{name}-database",
            secret_id=secret.id,
            secret_string=pulumi.Output.secret(as_json({"password": password.result, "url": address})),
            opts=below(self),
        )
        self.ready.append(version)
        return secret.arn

    def container_secrets(self) -> dict[str, pulumi.Output[str]]:
        """Environment variable -> where ECS reads it."""
        found = {containers.setting_variable(key, secret=True): arn for key, arn in self.secrets.items()}
        if self.database_secret is not None:
            found["GATEHOUSE_DATABASE_URL"] = pulumi.Output.concat(self.database_secret, ":url::")
        return found

    def target_group(self, name: str) -> lb.TargetGroup:
        return lb.TargetGroup(
            name,
            # Six letters at most; the provider makes the rest, so that a changed port can replace it.
            name_prefix=self.entry.name[:5].rstrip("-") + "-",
            port=self.entry.port,
            protocol="HTTP",
            target_type="ip",
            vpc_id=self.around.network.vpc_id,
            deregistration_delay=containers.LONGEST_REQUEST_SECONDS,
            health_check=lb.TargetGroupHealthCheckArgs(
                path="/health/ready",
                matcher="200",
                interval=15,
                timeout=5,
                healthy_threshold=2,
                # Readiness asks the database. 10 x 15 s outlast its failover (RDS: 60 to 120 s); fewer, and a blip of
                # the database would have ECS replace every task.
                unhealthy_threshold=10,
            ),
            opts=below(self),
        )


def repository_image(stack: Stack, name: str, digest: str) -> str:
    settings = environment_of(stack)
    return containers.image(settings.account, stack.region, settings.repository, name, digest)


def release_of(stack: Stack, entry: Entry) -> Release | None:
    """What runs of a service here; None before its first promotion."""
    return environment_of(stack).releases.get(entry.name)
