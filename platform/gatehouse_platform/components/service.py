"""The resources of a service that need no image: its log group and its secrets, and what its tasks may do.

They exist as soon as the service's folder does, so that its secrets can be filled before its first release. What the
tasks of a group share is in `task_group.py`; what needs an image in `ecs_service.py` and `schema_migration.py`.
"""

from dataclasses import dataclass

import pulumi
import pulumi_random
from pulumi_aws import cloudwatch, secretsmanager

from gatehouse_catalog import Service
from gatehouse_catalog.releases import Release
from gatehouse_catalog.structs import PEER_KEY_VARIABLE, PERSON_KEYS_VARIABLE, SEALING_KEY_VARIABLE
from gatehouse_platform.components import containers
from gatehouse_platform.components.base import child_of, environment_of
from gatehouse_platform.components.cluster import Cluster
from gatehouse_platform.components.database import DATABASE_NAME, DATABASE_PORT, TLS, DatabaseInstance
from gatehouse_platform.components.edge import Edge
from gatehouse_platform.components.iam_documents import Statement
from gatehouse_platform.components.keys.history_keys import HistoryKeyBucket
from gatehouse_platform.components.keys.peer_key import PeerKey
from gatehouse_platform.components.keys.sealing_key import SealingKey
from gatehouse_platform.components.mail import MailSending
from gatehouse_platform.components.network import Network
from gatehouse_platform.config.settings import Stack


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


class ServiceSite(pulumi.ComponentResource):
    """What is a service's own, whichever task it runs in.

    Attributes:
        log_group: Name of the group that its containers log to.
        secrets: ARN by setting.
        sign_in: Its sign-in to PostgreSQL by key, if it has a database.
        sign_ins: ARN of the secret of its group that has it, which the group makes.
        dependencies: What a task needs although no property of it refers to it (values of secrets). Pulumi has to be
            told explicitly.
    """

    service: Service
    log_group: str
    secrets: dict[str, pulumi.Output[str]]
    sign_in: dict[str, pulumi.Output[str]]
    sign_ins: pulumi.Output[str] | None
    dependencies: list[pulumi.Resource]

    def __init__(
        self, service: Service, context: EnvironmentContext, role: str, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """`role`: the name of the role that its tasks have."""
        name = service.name
        super().__init__("gatehouse:platform:Service", name, None, opts)
        self.service, self._context = service, context
        self._history_keys = context.history_keys if service.database else None
        self._mail = context.mail if service.sends_mail else None
        self._peer_key = context.peer_key if service.has_events else None
        self._stack, self._settings = context.stack, environment_of(context.stack)
        self.log_group = f"/gatehouse/{self._stack.name}/{name}"
        log = cloudwatch.LogGroup(
            name,
            name=self.log_group,
            retention_in_days=self._settings.log_days,
            kms_key_id=context.key_arn,
            opts=child_of(self),
        )
        self.dependencies = [log, *(self._mail.dependencies if self._mail else [])]
        self._sealing_key = SealingKey(name, role, self._stack, child_of(self)) if service.seals_keys else None
        if self._sealing_key is not None:
            self.dependencies.append(self._sealing_key.alias)
        sources = containers.secret_sources(service, self._settings)
        self.secrets = {key: self._secret(name, key, source) for key, source in sources.items()}
        self.sign_in = self._sign_in(name) if service.database else {}
        self.sign_ins = None
        if self._peer_key is not None:
            self.dependencies.append(self._peer_key.value)
        self.register_outputs({"log_group": self.log_group})

    def statements(self) -> list[Statement]:
        """What the service itself may do in AWS."""
        statements = self._history_keys.statements(self.service.name) if self._history_keys else []
        if self._sealing_key is not None:
            statements += self._sealing_key.statements()
        return [*statements, *(self._mail.statements(self.service) if self._mail else [])]

    def read_to_start(self) -> list[pulumi.Output[str]]:
        """The secrets that ECS reads to start its container."""
        shared = [self._peer_key.arn] if self._peer_key else []
        return [*self.secrets.values(), *([self.sign_ins] if self.sign_ins else []), *shared]

    def variables(self) -> dict[str, str]:
        """What it is told of this environment's resources: where its history's keys are, how mails leave,
        what it seals keys with."""
        told = self._mail.variables(self.service) if self._mail else {}
        if self._sealing_key is not None:
            told |= {SEALING_KEY_VARIABLE: self._sealing_key.address}
        if self._history_keys is None:
            return told
        return {**told, PERSON_KEYS_VARIABLE: f"{self._history_keys.address}/{self.service.name}"}

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

    def _sign_in(self, name: str) -> dict[str, pulumi.Output[str]]:
        """How it signs in: `url` for the service, `password` for the schema task, which sets it in PostgreSQL."""
        assert self.service.database is not None
        password = pulumi_random.RandomPassword(f"{name}-database", length=40, special=False, opts=child_of(self))
        address = pulumi.Output.concat(
            f"postgresql://{self.service.database.service_role}:",
            password.result,
            "@",
            self._context.database.address,
            f":{DATABASE_PORT}/{DATABASE_NAME}?{TLS}",
        )
        return {f"{name}_password": password.result, f"{name}_url": address}

    def from_sign_ins(self, what: str) -> pulumi.Output[str]:
        """Where ECS reads its `url` or `password`."""
        assert self.sign_ins is not None
        return pulumi.Output.concat(self.sign_ins, f":{self.service.name}_{what}::")

    def container_secrets(self) -> dict[str, pulumi.Output[str]]:
        """Where ECS reads the value of each environment variable."""
        secrets = {containers.setting_variable(key, secret=True): arn for key, arn in self.secrets.items()}
        if self.sign_ins is not None:
            secrets["GATEHOUSE_DATABASE_URL"] = self.from_sign_ins("url")
        if self._peer_key is not None:
            secrets[PEER_KEY_VARIABLE] = self._peer_key.arn
        return secrets


def repository_image(stack: Stack, name: str, digest: str) -> str:
    settings = environment_of(stack)
    return containers.image(settings.account, stack.region, settings.repository, name, digest)


def release_of(stack: Stack, service: Service) -> Release | None:
    """What runs of a service in this environment; None before its first promotion."""
    return environment_of(stack).releases.get(service.name)
