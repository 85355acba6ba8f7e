"""The resources of a service that need no image: security group, roles, log group and secrets.

They exist as soon as the service's folder does, so that its secrets can be filled before its first release. What needs
an image is in `ecs_service.py` and `schema_migration.py`.
"""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_random
from pulumi_aws import cloudwatch, ec2, iam, secretsmanager

from gatehouse_catalog import Service
from gatehouse_catalog.releases import Release
from gatehouse_catalog.structs import PEER_KEY_VARIABLE, PERSON_KEYS_VARIABLE
from gatehouse_observability.collector import OTLP_PORT
from gatehouse_platform.components import containers
from gatehouse_platform.components.base import RoleArgs, as_json, child_of, environment_of, role
from gatehouse_platform.components.cluster import Cluster
from gatehouse_platform.components.database import DATABASE_NAME, DATABASE_PORT, TLS, DatabaseInstance
from gatehouse_platform.components.edge import Edge
from gatehouse_platform.components.history_keys import HistoryKeyBucket
from gatehouse_platform.components.iam_documents import Document, assumed_by, document, execution, shell
from gatehouse_platform.components.mail import MailSending
from gatehouse_platform.components.network import Network
from gatehouse_platform.components.peer_key import PeerKey
from gatehouse_platform.components.security_group_rules import allow_traffic
from gatehouse_platform.config.settings import Stack

TASKS = "ecs-tasks.amazonaws.com"


@dataclass(frozen=True, kw_only=True)
class EnvironmentContext:
    """What all services of an environment share."""

    stack: Stack
    network: Network
    cluster: Cluster
    edge: Edge
    database: DatabaseInstance
    key_arn: pulumi.Input[str]
    alerts: pulumi.Input[str]
    # The collector's security group, where there is a collector.
    collector: pulumi.Input[str] | None
    # Where a service has events.
    peer_key: PeerKey | None
    # Where a service has a database, and so may keep a history.
    history_keys: HistoryKeyBucket | None
    # Where a service sends mails.
    mail: MailSending | None


@dataclass(frozen=True, kw_only=True)
class ServiceArgs:
    service: Service
    context: EnvironmentContext
    # The sites of the services it calls.
    callees: "list[ServiceSite]"


class ServiceSite(pulumi.ComponentResource):
    """Where the tasks of a service run.

    Attributes:
        security_group: Id of the group that its tasks belong to.
        log_group: Name of the group that its tasks log to.
        secrets: ARN by setting.
        database_secret: ARN of its sign-in to PostgreSQL, if it has a database.
        task_role: What its tasks may do.
        execution_role: What ECS may do to start its tasks.
        dependencies: What a task needs although no property of it refers to it (values of secrets, permissions,
            security group rules). Pulumi has to be told explicitly.
    """

    service: Service
    security_group: pulumi.Output[str]
    log_group: str
    secrets: dict[str, pulumi.Output[str]]
    database_secret: pulumi.Output[str] | None
    task_role: iam.Role
    execution_role: iam.Role
    dependencies: list[pulumi.Resource]

    def __init__(self, name: str, args: ServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gatehouse:platform:Service", name, None, opts)
        self.service, self._context = args.service, args.context
        self._history_keys = args.context.history_keys if self.service.database else None
        self._mail = args.context.mail if self.service.sends_mail else None
        self._stack, self._settings = args.context.stack, environment_of(args.context.stack)
        self.log_group = f"/gatehouse/{self._stack.name}/{name}"
        log = cloudwatch.LogGroup(
            name,
            name=self.log_group,
            retention_in_days=self._settings.log_days,
            kms_key_id=args.context.key_arn,
            opts=child_of(self),
        )
        self.dependencies = [log, *(self._mail.dependencies if self._mail else [])]
        self.security_group = self._security_group(name, args)
        sources = containers.secret_sources(self.service, self._settings)
        self.secrets = {key: self._secret(name, key, source) for key, source in sources.items()}
        self.database_secret = self._database_secret(name) if self.service.database else None
        self.task_role = role(
            name,
            RoleArgs(
                name=f"{self._stack.prefix}-{name}",
                trust=self._trust(),
                policy=self._task_policy(name),
            ),
            stack=self._stack,
            parent=self,
            policies=self.dependencies,
        )
        self._peer_key = args.context.peer_key if self.service.has_events else None
        read = [*self.secrets.values(), *([self.database_secret] if self.database_secret else [])]
        if self._peer_key is not None:
            read.append(self._peer_key.arn)
            self.dependencies.append(self._peer_key.value)
        self.execution_role = self.make_execution_role(f"{name}-start", name, read)
        self.register_outputs({"group": self.security_group})

    def _task_policy(self, name: str) -> Document | None:
        """What the service itself may do in AWS."""
        statements = shell()["Statement"] if self._settings.shell_in_tasks else []
        if self._history_keys is not None:
            statements = [*statements, *self._history_keys.statements(name)]
        if self._mail is not None:
            statements = [*statements, *self._mail.statements(self.service)]
        return document(*statements) if statements else None

    def variables(self) -> dict[str, str]:
        """What it is told of this environment's resources: where its history's keys are, how mails leave."""
        mail = self._mail.variables(self.service) if self._mail else {}
        if self._history_keys is None:
            return mail
        return {**mail, PERSON_KEYS_VARIABLE: f"{self._history_keys.address}/{self.service.name}"}

    def _trust(self) -> dict[str, Any]:
        account, region = self._settings.account, self._stack.region
        return assumed_by(TASKS, account, f"arn:aws:ecs:{region}:{account}:*")

    def make_execution_role(self, name: str, image: str, secrets: list[pulumi.Output[str]]) -> iam.Role:
        """The role with which ECS starts a task: it may pull `image`, write the log and read `secrets`."""
        account, region = self._settings.account, self._stack.region
        repository = f"arn:aws:ecr:{region}:{account}:repository/ghcr/{self._settings.repository}/{image}"
        policy = execution(
            repositories=[repository],
            log_group=f"arn:aws:logs:{region}:{account}:log-group:{self.log_group}:log-stream:*",
            secrets=secrets,
            keys=[self._context.key_arn],
            region=region,
        )
        args = RoleArgs(name=f"{self._stack.prefix}-{name}", trust=self._trust(), policy=policy)
        return role(name, args, stack=self._stack, parent=self, policies=self.dependencies)

    def _security_group(self, name: str, args: ServiceArgs) -> pulumi.Output[str]:
        context = args.context
        group = ec2.SecurityGroup(
            name,
            name=f"{self._stack.prefix}-{name}",
            description=self.service.summary.replace("'", ""),  # AWS refuses apostrophes in descriptions
            vpc_id=context.network.vpc_id,
            opts=child_of(self),
        )
        self.dependencies += context.network.egress_rules(name, group.id, self)
        port = self.service.port
        self.dependencies += allow_traffic(
            f"edge-to-{name}", source=context.edge.group, target=group.id, port=port, parent=self
        )
        if context.collector is not None:
            allow_traffic(f"collector-to-{name}", source=context.collector, target=group.id, port=port, parent=self)
        if context.collector is not None and self._settings.traces:
            allow_traffic(
                f"{name}-to-collector", source=group.id, target=context.collector, port=OTLP_PORT, parent=self
            )
        if self.service.database is not None:
            target = context.database.group
            self.dependencies += allow_traffic(
                f"{name}-to-database", source=group.id, target=target, port=DATABASE_PORT, parent=self
            )
        for callee in args.callees:
            called = callee.service
            self.dependencies += allow_traffic(
                f"{name}-to-{called.name}", source=group.id, target=callee.security_group, port=called.port, parent=self
            )
        return group.id

    def _secret(self, name: str, key: str, source: str) -> pulumi.Output[str]:
        secret = self._empty_secret(name, key, self.service.settings[key].help)
        if source == "random":
            value = pulumi_random.RandomPassword(f"{name}-{key}", length=48, special=False, opts=child_of(self))
            version = secretsmanager.SecretVersion(
                f"{name}-{key}",
                secret_id=secret.id,
                secret_string=value.result,
                # The next `up` keeps a value that was put there later (runbooks/rotate.md).
                opts=child_of(self, ignore_changes=["secretString"]),
            )
            self.dependencies.append(version)
        return secret.arn

    def _empty_secret(self, name: str, key: str, description: str) -> secretsmanager.Secret:
        return secretsmanager.Secret(
            f"{name}-{key}",
            name=f"{self._stack.prefix}/{name}/{key}",
            description=description[:2048],
            kms_key_id=self._context.key_arn,
            recovery_window_in_days=30 if self._settings.protect else 7,
            opts=child_of(self, protect=self._settings.protect),
        )

    def _database_secret(self, name: str) -> pulumi.Output[str]:
        """The sign-in as JSON: `url` for the service, `password` for the schema task, which sets it in PostgreSQL."""
        assert self.service.database is not None
        secret = self._empty_secret(name, "database", "How it signs in to PostgreSQL")
        password = pulumi_random.RandomPassword(f"{name}-database", length=40, special=False, opts=child_of(self))
        address = pulumi.Output.concat(
            f"postgresql://{self.service.database.service_role}:",
            password.result,
            "@",
            self._context.database.address,
            f":{DATABASE_PORT}/{DATABASE_NAME}?{TLS}",
        )
        version = secretsmanager.SecretVersion(
            f"{name}-database",
            secret_id=secret.id,
            secret_string=pulumi.Output.secret(as_json({"password": password.result, "url": address})),
            opts=child_of(self),
        )
        self.dependencies.append(version)
        return secret.arn

    def container_secrets(self) -> dict[str, pulumi.Output[str]]:
        """Where ECS reads the value of each environment variable."""
        secrets = {containers.setting_variable(key, secret=True): arn for key, arn in self.secrets.items()}
        if self.database_secret is not None:
            secrets["GATEHOUSE_DATABASE_URL"] = pulumi.Output.concat(self.database_secret, ":url::")
        if self._peer_key is not None:
            secrets[PEER_KEY_VARIABLE] = self._peer_key.arn
        return secrets


def repository_image(stack: Stack, name: str, digest: str) -> str:
    settings = environment_of(stack)
    return containers.image(settings.account, stack.region, settings.repository, name, digest)


def release_of(stack: Stack, service: Service) -> Release | None:
    """What runs of a service in this environment; None before its first promotion."""
    return environment_of(stack).releases.get(service.name)
