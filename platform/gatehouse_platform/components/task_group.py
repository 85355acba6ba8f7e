"""What the tasks of a group share: security group, roles, and the sites of their services.

A service that is in no group of the stack file is a group of its own name.
"""

from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import ec2, iam, secretsmanager

from gatehouse_observability.collector import OTLP_PORT
from gatehouse_platform.components.base import RoleArgs, as_json, child_of, environment_of, role
from gatehouse_platform.components.database import DATABASE_PORT
from gatehouse_platform.components.iam_documents import assumed_by, document, execution, merged, shell
from gatehouse_platform.components.security_group_rules import allow_traffic
from gatehouse_platform.components.service import EnvironmentContext, ServiceSite, release_of
from gatehouse_platform.config.settings import Stack
from gatehouse_platform.config.task_groups import TaskGroup

TASKS = "ecs-tasks.amazonaws.com"


class TaskGroupSite(pulumi.ComponentResource):
    """Where the tasks of a group run.

    Attributes:
        group: Its services and its size.
        sites: What each service has for itself, by name.
        security_group: Id of the security group that its tasks belong to.
        task_role: What its tasks may do.
        execution_role: What ECS may do to start its tasks.
        dependencies: What a task needs although no property of it refers to it (values of secrets, permissions,
            security group rules). Pulumi has to be told explicitly.
    """

    group: TaskGroup
    sites: dict[str, ServiceSite]
    security_group: pulumi.Output[str]
    task_role: iam.Role
    execution_role: iam.Role
    dependencies: list[pulumi.Resource]

    def __init__(
        self, group: TaskGroup, context: EnvironmentContext, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        members = [service.name for service in group.services]
        super().__init__("gatehouse:platform:TaskGroup", group.name, {"services": members}, opts)
        self.group, self._context, self._stack = group, context, context.stack
        self._settings = environment_of(self._stack)
        role_name = f"{self._stack.prefix}-{group.name}"
        self.sites = {each.name: ServiceSite(each, context, role_name, child_of(self)) for each in group.services}
        self.dependencies = [resource for site in self.sites.values() for resource in site.dependencies]
        if any(site.sign_in for site in self.sites.values()):
            self._sign_ins()
        self.security_group = self._security_group()
        statements = shell()["Statement"] if self._settings.shell_in_tasks else []
        statements = merged([*statements, *(each for site in self.sites.values() for each in site.statements())])
        self.task_role = role(
            group.name,
            RoleArgs(
                name=role_name,
                trust=task_trust(self._stack),
                policy=document(*statements) if statements else None,
            ),
            stack=self._stack,
            parent=self,
            policies=self.dependencies,
        )
        # Only of what is released: a task names no secret of a service whose container it hasn't got yet.
        released = [site for site in self.sites.values() if release_of(self._stack, site.service)]
        self.execution_role = execution_role(
            f"{group.name}-start",
            ExecutionArgs(
                context=context,
                images=members,
                log_groups=[site.log_group for site in self.sites.values()],
                secrets=_each_once([each for site in released or self.sites.values() for each in site.read_to_start()]),
            ),
            parent=self,
            policies=self.dependencies,
        )
        self.register_outputs({"group": self.security_group})

    def call(self, name: str, callee: "TaskGroupSite", port: int) -> None:
        """Lets the group's tasks call a service in `callee`; which may be this group: Service Connect may choose
        another of its tasks."""
        self.dependencies += allow_traffic(
            name, source=self.security_group, target=callee.security_group, port=port, parent=self
        )

    def _sign_ins(self) -> None:
        """One secret for the sign-ins of the group, as JSON: each costs by the month, and ECS reads all of them for a
        task anyway. A container gets its own only."""
        name = f"{self.group.name}-databases"
        secret = secretsmanager.Secret(
            name,
            name=f"{self._stack.prefix}/{self.group.name}/databases",
            description="How its services sign in to PostgreSQL",
            kms_key_id=self._context.key_arn,
            recovery_window_in_days=30 if self._settings.protect else 7,
            opts=child_of(self, protect=self._settings.protect),
        )
        every = {key: value for site in self.sites.values() for key, value in site.sign_in.items()}
        version = secretsmanager.SecretVersion(
            name, secret_id=secret.id, secret_string=pulumi.Output.secret(as_json(every)), opts=child_of(self)
        )
        self.dependencies.append(version)
        for site in self.sites.values():
            site.sign_ins = secret.arn if site.sign_in else None

    def _security_group(self) -> pulumi.Output[str]:
        context, name = self._context, self.group.name
        summary = self.group.services[0].summary if len(self.sites) == 1 else f"Tasks of {', '.join(self.sites)}"
        group = ec2.SecurityGroup(
            name,
            name=f"{self._stack.prefix}-{name}",
            description=summary.replace("'", ""),  # AWS refuses apostrophes in descriptions
            vpc_id=context.network.vpc_id,
            opts=child_of(self),
        )
        self.dependencies += context.network.egress_rules(name, group.id, self)
        for service in self.group.services:
            self.dependencies += allow_traffic(
                f"edge-to-{service.name}", source=context.edge.group, target=group.id, port=service.port, parent=self
            )
            if context.collector is not None:
                allow_traffic(
                    f"collector-to-{service.name}",
                    source=context.collector,
                    target=group.id,
                    port=service.port,
                    parent=self,
                )
        if context.collector is not None and self._settings.traces:
            allow_traffic(
                f"{name}-to-collector", source=group.id, target=context.collector, port=OTLP_PORT, parent=self
            )
        if any(service.database is not None for service in self.group.services):
            target = context.database.group
            self.dependencies += allow_traffic(
                f"{name}-to-database", source=group.id, target=target, port=DATABASE_PORT, parent=self
            )
        return group.id


def task_trust(stack: Stack) -> dict[str, Any]:
    """Who may assume the roles of a task."""
    account, region = stack.settings.account, stack.region
    return assumed_by(TASKS, account, f"arn:aws:ecs:{region}:{account}:*")


@dataclass(frozen=True, kw_only=True)
class ExecutionArgs:
    """What ECS needs to start a task."""

    context: EnvironmentContext
    images: list[str]
    log_groups: list[str]
    secrets: list[pulumi.Output[str]]


def execution_role(
    name: str, args: ExecutionArgs, *, parent: pulumi.Resource, policies: list[pulumi.Resource]
) -> iam.Role:
    """The role with which ECS starts a task: it may pull its images, write its logs and read its secrets. Its policy
    is appended to `policies`.
    """
    stack = args.context.stack
    settings = environment_of(stack)
    account, region = settings.account, stack.region
    policy = execution(
        repositories=[
            f"arn:aws:ecr:{region}:{account}:repository/ghcr/{settings.repository}/{image}" for image in args.images
        ],
        log_groups=[f"arn:aws:logs:{region}:{account}:log-group:{each}:log-stream:*" for each in args.log_groups],
        secrets=args.secrets,
        keys=[args.context.key_arn],
        region=region,
    )
    made = RoleArgs(name=f"{stack.prefix}-{name}", trust=task_trust(stack), policy=policy)
    return role(name, made, stack=stack, parent=parent, policies=policies)


def _each_once(outputs: list[pulumi.Output[str]]) -> list[pulumi.Output[str]]:
    """Outputs can't be compared: the same object is the same value."""
    return list({id(each): each for each in outputs}.values())
