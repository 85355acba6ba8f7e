"""The released services of a task group: task definition, ECS service and autoscaling; and for each of them a target
group, a listener rule and a rollback alarm.

ECS deploys and rolls back a group as one: a task is replaced when one of its containers ends, or one of its target
groups finds it unhealthy.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import pulumi
from pulumi_aws import appautoscaling, cloudwatch, ecs, iam, lb

from gatehouse_catalog import Service
from gatehouse_catalog.releases import Release
from gatehouse_observability.collector import labels
from gatehouse_platform.components import containers
from gatehouse_platform.components.base import RoleArgs, child_of, environment_of, role
from gatehouse_platform.components.cluster import capacity_strategies, schedule_tasks
from gatehouse_platform.components.edge import paths, priority
from gatehouse_platform.components.iam_documents import allow, document
from gatehouse_platform.components.service import EnvironmentContext, ServiceSite, repository_image
from gatehouse_platform.components.task_group import TaskGroupSite

# Start-up at 0.25 vCPU takes about 5 s (docs/figures.md), two health checks follow; the rest allows for a slow pull.
# Containers of a group are pulled and started beside one another, on the same processor.
GRACE_SECONDS, GRACE_SECONDS_FOR_EACH_OTHER = 90, 20
# The port of Service Connect's addresses (`containers.address`), whatever port the container has.
HTTP = 80
CPU_PER_CENT = 60
SERVICE_NAMESPACE, DIMENSION = "ecs", "ecs:service:DesiredCount"
BAKE_MINUTES = 10
BLUE_GREEN_POLICY = "arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers"


@dataclass(frozen=True, kw_only=True)
class ReleasedService:
    """A service, what is released of it, and whom it is told the addresses of."""

    site: ServiceSite
    release: Release
    callees: list[Service]

    @property
    def service(self) -> Service:
        return self.site.service


def run_group(
    context: EnvironmentContext,
    site: TaskGroupSite,
    released: Sequence[ReleasedService],
    *,
    after: list[pulumi.Resource],
) -> ecs.Service:
    """Runs the released services of a group once everything in `after` exists."""
    return _GroupResources(context, site, released).make(after)


@dataclass(frozen=True, kw_only=True)
class _Target:
    """How requests reach a service, and what tells that it fails."""

    group: lb.TargetGroup
    rule: lb.ListenerRule
    alarm: cloudwatch.MetricAlarm


class _GroupResources:
    """The resources of a group's released services: the group's, and below each service's site its own."""

    def __init__(self, context: EnvironmentContext, site: TaskGroupSite, released: Sequence[ReleasedService]) -> None:
        self.context, self.site, self.released = context, site, released
        self.group, self.stack, self.settings = site.group, context.stack, environment_of(context.stack)
        self.name, self.least, self.most = self.group.name, self.group.least, self.group.most
        self.blue_green = self.group.blue_green
        self.scales = self.most > self.least or self.settings.shutdown is not None

    def make(self, after: list[pulumi.Resource]) -> ecs.Service:
        targets = {each.service.name: self._target(each.site) for each in self.released}
        balancing = [self._load_balancer(each.site, targets[each.service.name]) for each in self.released]
        rules = [target.rule for target in targets.values()]
        alarms = [target.alarm for target in targets.values()]
        service = self._service(balancing, alarms, [*after, *self.site.dependencies, *rules])
        if self.scales:
            self._scale(service, targets)
        return service

    def _target(self, site: ServiceSite) -> _Target:
        group, rule = self._listener_rule(site)
        return _Target(group=group, rule=rule, alarm=self._error_alarm(site, group))

    def _listener_rule(self, site: ServiceSite) -> tuple[lb.TargetGroup, lb.ListenerRule]:
        service = site.service
        group = self._target_group(site, service.name)
        rule = lb.ListenerRule(
            service.name,
            listener_arn=self.context.edge.listener,
            priority=priority(service),
            conditions=[
                lb.ListenerRuleConditionArgs(
                    path_pattern=lb.ListenerRuleConditionPathPatternArgs(values=paths(service))
                )
            ],
            actions=[lb.ListenerRuleActionArgs(type="forward", target_group_arn=group.arn)],
            # A blue/green deployment moves the rule to the other target group by itself.
            opts=child_of(site, ignore_changes=["actions"] if self.blue_green else None),
        )
        return group, rule

    def _target_group(self, site: ServiceSite, name: str) -> lb.TargetGroup:
        return lb.TargetGroup(
            name,
            # At most six characters; the provider adds the rest, so that a changed port can replace the group.
            name_prefix=site.service.name[:5].rstrip("-") + "-",
            port=site.service.port,
            protocol="HTTP",
            target_type="ip",
            vpc_id=self.context.network.vpc_id,
            deregistration_delay=containers.LONGEST_REQUEST_SECONDS,
            health_check=lb.TargetGroupHealthCheckArgs(
                path="/health/ready",
                matcher="200",
                interval=15,
                timeout=5,
                healthy_threshold=2,
                # Readiness depends on the database. 10 x 15 s outlast its failover (RDS: 60 to 120 s); with fewer, a
                # failover would make ECS replace every task.
                unhealthy_threshold=10,
            ),
            opts=child_of(site),
        )

    def _load_balancer(self, site: ServiceSite, target: _Target) -> ecs.ServiceLoadBalancerArgs:
        advanced = None
        if self.blue_green:
            other = self._target_group(site, f"{site.service.name}-other")
            advanced = ecs.ServiceLoadBalancerAdvancedConfigurationArgs(
                alternate_target_group_arn=other.arn,
                production_listener_rule=target.rule.arn,
                role_arn=self._switching_role().arn,
            )
        return ecs.ServiceLoadBalancerArgs(
            container_name=site.service.name,
            container_port=site.service.port,
            target_group_arn=target.group.arn,
            advanced_configuration=advanced,
        )

    def _switching_role(self) -> iam.Role:
        """With it ECS moves the listener rule from blue to green. AWS documents no condition for its trust policy."""
        name = f"{self.name}-switch"
        trust = document(allow("Assume", ["sts:AssumeRole"], [], principal={"Service": "ecs.amazonaws.com"}))
        args = RoleArgs(name=f"{self.stack.prefix}-{name}", trust=trust)
        switch_role = role(name, args, stack=self.stack, parent=self.site)
        iam.RolePolicyAttachment(name, role=switch_role.name, policy_arn=BLUE_GREEN_POLICY, opts=child_of(self.site))
        return switch_role

    def _error_alarm(self, site: ServiceSite, group: lb.TargetGroup) -> cloudwatch.MetricAlarm:
        """Rolls back a running deployment; at other times it notifies the owners."""
        name = site.service.name
        return cloudwatch.MetricAlarm(
            f"{name}-errors",
            name=f"{self.stack.prefix}-{name}-errors",
            alarm_description=f"{name} answers with 5xx. Runbook: platform/runbooks/rollback.md",
            namespace="AWS/ApplicationELB",
            metric_name="HTTPCode_Target_5XX_Count",
            dimensions={"LoadBalancer": self.context.edge.balancer_suffix, "TargetGroup": group.arn_suffix},
            statistic="Sum",
            period=60,
            evaluation_periods=3,
            datapoints_to_alarm=2,
            threshold=5,
            comparison_operator="GreaterThanOrEqualToThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=[self.context.alerts],
            ok_actions=[self.context.alerts],
            opts=child_of(site),
        )

    def _task_definition(self) -> ecs.TaskDefinition:
        prepared = [self._container(each) for each in self.released]
        secrets = [arn for _, arns in prepared for arn in arns.values()]

        def definitions(known: list[str]) -> str:
            values = iter(known)
            return containers.container_definitions(
                *(
                    msgspec.structs.replace(container, secrets={variable: next(values) for variable in arns})
                    for container, arns in prepared
                )
            )

        return task_definition(
            self.site,
            self.name,
            volumes=[volume for each in self.released for volume in self._volumes(each.service)],
            definitions=pulumi.Output.all(*secrets).apply(definitions),
            family=f"{self.stack.prefix}-{self.name}",
            execution_role=self.site.execution_role.arn,
            task_role=self.site.task_role.arn,
            cpu=self.group.cpu,
            memory=self.group.memory,
        )

    def _volumes(self, service: Service) -> dict[str, str]:
        return containers.volumes(self.settings, service.name if len(self.group.services) > 1 else "")

    def _container(self, released: ReleasedService) -> tuple[containers.Container, dict[str, pulumi.Output[str]]]:
        """A service's container, and where ECS reads its secrets."""
        site, service, release = released.site, released.service, released.release
        environment = containers.service_environment(
            service, released.callees, release, environment=self.stack.name, settings=self.settings
        )
        container = containers.Container(
            name=service.name,
            image=repository_image(self.stack, service.name, release.digest),
            log_group=site.log_group,
            region=self.stack.region,
            environment=environment | site.variables(),
            ports={service.name: service.port},
            labels=labels(service),
            mounts=self._volumes(service),
            stop_seconds=containers.stop_seconds(self.settings),
        )
        return container, site.container_secrets()

    def _service(
        self,
        balancing: list[ecs.ServiceLoadBalancerArgs],
        alarms: list[cloudwatch.MetricAlarm],
        after: list[pulumi.Resource],
    ) -> ecs.Service:
        context = self.context
        rolling = ecs.ServiceDeploymentConfigurationArgs(strategy="ROLLING")
        switching = ecs.ServiceDeploymentConfigurationArgs(
            strategy="BLUE_GREEN",
            bake_time_in_minutes=str(BAKE_MINUTES),  # the provider wants a string
        )
        return ecs.Service(
            self.name,
            name=self.name,
            cluster=context.cluster.arn,
            task_definition=self._task_definition().arn,
            desired_count=self.least,
            capacity_provider_strategies=capacity_strategies(self.stack),
            force_new_deployment=True,  # or a change of the strategies is refused (policies/combinations.py)
            platform_version="1.4.0",
            deployment_configuration=switching if self.blue_green else rolling,
            deployment_minimum_healthy_percent=100,
            deployment_maximum_percent=200,
            # Pulumi reports a rollback by the breaker as success (pulumi-aws #4487): compare what runs with what was
            # released after each `up` (runbooks/rollback.md).
            deployment_circuit_breaker=ecs.ServiceDeploymentCircuitBreakerArgs(enable=True, rollback=True),
            alarms=ecs.ServiceAlarmsArgs(alarm_names=[alarm.name for alarm in alarms], enable=True, rollback=True),
            wait_for_steady_state=True,
            availability_zone_rebalancing="DISABLED" if self.blue_green else "ENABLED",
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            enable_execute_command=self.settings.shell_in_tasks,
            health_check_grace_period_seconds=GRACE_SECONDS
            + GRACE_SECONDS_FOR_EACH_OTHER * (len(self.group.services) - 1),
            load_balancers=balancing,
            network_configuration=ecs.ServiceNetworkConfigurationArgs(
                subnets=context.network.task_subnets,
                security_groups=[self.site.security_group],
                assign_public_ip=context.network.tasks_have_public_addresses,
            ),
            service_connect_configuration=self._service_connect(),
            # Application Auto Scaling sets the count; `up` must not reset it.
            opts=child_of(self.site, depends_on=after, ignore_changes=["desiredCount"] if self.scales else None),
        )

    def _service_connect(self) -> ecs.ServiceServiceConnectConfigurationArgs:
        services = [
            ecs.ServiceServiceConnectConfigurationServiceArgs(
                port_name=each.service.name,
                discovery_name=each.service.name,
                client_alias=[
                    ecs.ServiceServiceConnectConfigurationServiceClientAliasArgs(
                        dns_name=each.service.name,
                        port=HTTP,
                    )
                ],
            )
            for each in self.released
        ]
        return ecs.ServiceServiceConnectConfigurationArgs(
            enabled=True,
            namespace=self.context.cluster.connect_namespace,
            services=services,
        )

    def _scale(self, service: ecs.Service, targets: Mapping[str, _Target]) -> None:
        target = appautoscaling.Target(
            self.name,
            service_namespace=SERVICE_NAMESPACE,
            scalable_dimension=DIMENSION,
            resource_id=pulumi.Output.concat("service/", self.context.cluster.name, "/", service.name),
            min_capacity=self.least,
            max_capacity=self.most,
            # The schedules change both at night, and set them to these values in the morning.
            opts=child_of(self.site, ignore_changes=["minCapacity", "maxCapacity"] if self.settings.shutdown else None),
        )
        if self.most > self.least:
            self._target_tracking(target, f"{self.name}-cpu", "ECSServiceAverageCPUUtilization", CPU_PER_CENT)
            for each in self.released:
                name, wanted = each.service.name, each.service.scaling.requests_per_task
                label = pulumi.Output.concat(self.context.edge.balancer_suffix, "/", targets[name].group.arn_suffix)
                self._target_tracking(target, f"{name}-requests", "ALBRequestCountPerTarget", wanted, label)
        if self.settings.shutdown is not None:
            schedule_tasks(
                self.name,
                target,
                self.settings.shutdown,
                prefix=self.stack.prefix,
                least=self.least,
                most=self.most,
                parent=self.site,
            )

    def _target_tracking(
        self,
        target: appautoscaling.Target,
        what: str,
        metric: str,
        wanted: float,
        label: pulumi.Output[str] | None = None,
    ) -> None:
        appautoscaling.Policy(
            what,
            name=f"{self.stack.prefix}-{what}",
            policy_type="TargetTrackingScaling",
            service_namespace=target.service_namespace,
            scalable_dimension=target.scalable_dimension,
            resource_id=target.resource_id,
            target_tracking_scaling_policy_configuration=appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs(
                target_value=wanted,
                # Scale out quickly, scale in slowly.
                scale_out_cooldown=60,
                scale_in_cooldown=300,
                predefined_metric_specification=appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs(
                    predefined_metric_type=metric, resource_label=label
                ),
            ),
            opts=child_of(self.site),
        )


def task_definition(
    parent: pulumi.Resource,
    name: str,
    *,
    volumes: Iterable[str],
    family: str,
    definitions: pulumi.Input[str],
    execution_role: pulumi.Input[str],
    task_role: pulumi.Input[str] | None,
    cpu: int,
    memory: int,
) -> ecs.TaskDefinition:
    """A Fargate task definition on ARM. Earlier revisions are kept, so that ECS can roll back to them."""
    return ecs.TaskDefinition(
        name,
        family=family,
        requires_compatibilities=["FARGATE"],
        network_mode="awsvpc",
        cpu=str(cpu),
        memory=str(memory),
        runtime_platform=ecs.TaskDefinitionRuntimePlatformArgs(
            operating_system_family="LINUX", cpu_architecture="ARM64"
        ),
        execution_role_arn=execution_role,
        task_role_arn=task_role,
        container_definitions=definitions,
        volumes=[ecs.TaskDefinitionVolumeArgs(name=volume) for volume in sorted(volumes)],
        skip_destroy=True,
        opts=child_of(parent),
    )
