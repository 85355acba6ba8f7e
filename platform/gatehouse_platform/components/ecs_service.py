"""A released service: task definition, ECS service, its way in, its scaling and its rollback alarms."""

import pulumi
from pulumi_aws import appautoscaling, cloudwatch, ecs, iam, lb

from gatehouse_catalog.releases import Release
from gatehouse_observability.collector import labels
from gatehouse_platform.components import containers
from gatehouse_platform.components.base import RoleArgs, below, role
from gatehouse_platform.components.cluster import strategies
from gatehouse_platform.components.edge import paths, priority
from gatehouse_platform.components.governance import cron
from gatehouse_platform.components.iam_documents import allow, document
from gatehouse_platform.components.service import ServiceSite, repository_image

# Start-up at 0.25 vCPU takes about 5 s (docs/figures.md); two health checks follow. The rest is for a slow image pull.
GRACE_SECONDS = 90
# Where Service Connect answers for every service, whatever port its container has: what `containers.address` says.
HTTP = 80
CPU_PER_CENT = 60
SERVICE_NAMESPACE, DIMENSION = "ecs", "ecs:service:DesiredCount"
BAKE_MINUTES = 10
BLUE_GREEN_POLICY = "arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers"


def run(place: ServiceSite, release: Release, after: list[pulumi.Resource]) -> None:
    """Runs `release` at a service's place, once what stands in `after` is done."""
    _ServiceResources(place, release).make(after)


class _ServiceResources:
    """The resources of one running service, all below its place."""

    def __init__(self, place: ServiceSite, release: Release) -> None:
        self.place, self.release = place, release
        self.entry, self.stack, self.settings = place.entry, place.stack, place.settings
        self.name = place.entry.name
        choice = self.settings.services.get(self.name)
        least = max(self.entry.scaling.min, self.settings.minimum_tasks)
        self.least: int = choice.min if choice and choice.min is not None else least
        self.most = max(self.least, choice.max if choice and choice.max else self.entry.scaling.max)
        self.cpu = choice.cpu if choice and choice.cpu else self.entry.compute.cpu
        self.memory = choice.memory if choice and choice.memory else self.entry.compute.memory
        self.blue_green = bool(choice and choice.deployment == "blue_green")
        self.scales = self.most > self.least or self.settings.shutdown is not None

    def make(self, after: list[pulumi.Resource]) -> None:
        group, rule = self._way_in()
        service = self._service([self._balanced(group, rule)], [self._errors(group)], [*after, *self.place.ready, rule])
        if self.scales:
            self._scale(service, group)

    def _way_in(self) -> tuple[lb.TargetGroup, lb.ListenerRule]:
        group = self.place.target_group(self.name)
        rule = lb.ListenerRule(
            self.name,
            listener_arn=self.place.around.edge.listener,
            priority=priority(self.entry),
            conditions=[
                lb.ListenerRuleConditionArgs(
                    path_pattern=lb.ListenerRuleConditionPathPatternArgs(values=paths(self.entry))
                )
            ],
            actions=[lb.ListenerRuleActionArgs(type="forward", target_group_arn=group.arn)],
            # A blue/green deployment moves the rule to the other target group by itself.
            opts=below(self.place, ignore_changes=["actions"] if self.blue_green else None),
        )
        return group, rule

    def _balanced(self, group: lb.TargetGroup, rule: lb.ListenerRule) -> ecs.ServiceLoadBalancerArgs:
        advanced = None
        if self.blue_green:
            other = self.place.target_group(f"{self.name}-other")
            advanced = ecs.ServiceLoadBalancerAdvancedConfigurationArgs(
                alternate_target_group_arn=other.arn,
                production_listener_rule=rule.arn,
                role_arn=self._switching_role().arn,
            )
        return ecs.ServiceLoadBalancerArgs(
            container_name=self.name,
            container_port=self.entry.port,
            target_group_arn=group.arn,
            advanced_configuration=advanced,
        )

    def _switching_role(self) -> iam.Role:
        """ECS moves the listener rule from blue to green with it. Its trust has no condition: AWS documents none."""
        name = f"{self.name}-switch"
        trust = document(allow("Assume", ["sts:AssumeRole"], [], principal={"Service": "ecs.amazonaws.com"}))
        args = RoleArgs(name=f"{self.stack.prefix}-{name}", trust=trust)
        made = role(name, args, stack=self.stack, parent=self.place)
        iam.RolePolicyAttachment(name, role=made.name, policy_arn=BLUE_GREEN_POLICY, opts=below(self.place))
        return made

    def _errors(self, group: lb.TargetGroup) -> cloudwatch.MetricAlarm:
        """While a deployment runs, this rolls it back; at other times it tells people."""
        return cloudwatch.MetricAlarm(
            f"{self.name}-errors",
            name=f"{self.stack.prefix}-{self.name}-errors",
            alarm_description=f"{self.name} answers with 5xx. Runbook: platform/runbooks/rollback.md",
            namespace="AWS/ApplicationELB",
            metric_name="HTTPCode_Target_5XX_Count",
            dimensions={"LoadBalancer": self.place.around.edge.balancer_suffix, "TargetGroup": group.arn_suffix},
            statistic="Sum",
            period=60,
            evaluation_periods=3,
            datapoints_to_alarm=2,
            threshold=5,
            comparison_operator="GreaterThanOrEqualToThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=[self.place.around.alerts],
            ok_actions=[self.place.around.alerts],
            opts=below(self.place),
        )

    def _task_definition(self) -> ecs.TaskDefinition:
        place = self.place
        environment = containers.service_environment(
            self.entry, place.calls, self.release, environment=self.stack.name, settings=self.settings
        )
        image = repository_image(self.stack, self.name, self.release.digest)
        mounts = containers.volumes(self.settings)
        secrets = place.container_secrets()

        def definitions(arns: list[str]) -> str:
            return containers.container_definitions(
                containers.Container(
                    name=self.name,
                    image=image,
                    log_group=place.log_group,
                    region=self.stack.region,
                    environment=environment,
                    secrets=dict(zip(secrets, arns, strict=True)),
                    ports={self.name: self.entry.port},
                    labels=labels(self.entry),
                    mounts=mounts,
                    stop_seconds=containers.stop_seconds(self.settings),
                )
            )

        return task_definition(
            place,
            self.name,
            definitions=pulumi.Output.all(*secrets.values()).apply(definitions),
            start_role=place.start_role.arn,
            task_role=place.task_role.arn,
            cpu=self.cpu,
            memory=self.memory,
        )

    def _service(
        self,
        balancing: list[ecs.ServiceLoadBalancerArgs],
        alarms: list[cloudwatch.MetricAlarm],
        after: list[pulumi.Resource],
    ) -> ecs.Service:
        around = self.place.around
        rolling = ecs.ServiceDeploymentConfigurationArgs(strategy="ROLLING")
        switching = ecs.ServiceDeploymentConfigurationArgs(
            strategy="BLUE_GREEN",
            bake_time_in_minutes=str(BAKE_MINUTES),  # the provider wants a string
        )
        return ecs.Service(
            self.name,
            name=self.name,
            cluster=around.cluster.arn,
            task_definition=self._task_definition().arn,
            desired_count=self.least,
            capacity_provider_strategies=strategies(self.stack),
            platform_version="1.4.0",
            deployment_configuration=switching if self.blue_green else rolling,
            deployment_minimum_healthy_percent=100,
            deployment_maximum_percent=200,
            # A rollback of the breaker looks like a success to Pulumi (pulumi-aws #4487): whoever runs `up` compares
            # afterwards what runs with what was meant (runbooks/rollback.md).
            deployment_circuit_breaker=ecs.ServiceDeploymentCircuitBreakerArgs(enable=True, rollback=True),
            alarms=ecs.ServiceAlarmsArgs(alarm_names=[alarm.name for alarm in alarms], enable=True, rollback=True)
            if alarms
            else None,
            wait_for_steady_state=True,
            availability_zone_rebalancing="DISABLED" if self.blue_green else "ENABLED",
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            enable_execute_command=self.settings.shell_in_tasks,
            health_check_grace_period_seconds=GRACE_SECONDS if balancing else None,
            load_balancers=balancing,
            network_configuration=ecs.ServiceNetworkConfigurationArgs(
                subnets=around.network.task_subnets,
                security_groups=[self.place.group],
                assign_public_ip=around.network.tasks_have_public_addresses,
            ),
            service_connect_configuration=self._connected(),
            # Application Auto Scaling counts where there is any; up must not count against it.
            opts=below(self.place, depends_on=after, ignore_changes=["desiredCount"] if self.scales else None),
        )

    def _connected(self) -> ecs.ServiceServiceConnectConfigurationArgs:
        services = [
            ecs.ServiceServiceConnectConfigurationServiceArgs(
                port_name=self.name,
                discovery_name=self.name,
                client_alias=[
                    ecs.ServiceServiceConnectConfigurationServiceClientAliasArgs(
                        dns_name=self.name,
                        port=HTTP,
                    )
                ],
            )
        ]
        return ecs.ServiceServiceConnectConfigurationArgs(
            enabled=True,
            namespace=self.place.around.cluster.connect_namespace,
            services=services,
        )

    def _scale(self, service: ecs.Service, group: lb.TargetGroup) -> None:
        target = appautoscaling.Target(
            self.name,
            service_namespace=SERVICE_NAMESPACE,
            scalable_dimension=DIMENSION,
            resource_id=pulumi.Output.concat("service/", self.place.around.cluster.name, "/", service.name),
            min_capacity=self.least,
            max_capacity=self.most,
            # The nightly schedule changes both; by day they are what stands here again.
            opts=below(self.place, ignore_changes=["minCapacity", "maxCapacity"] if self.settings.shutdown else None),
        )
        if self.most > self.least:
            self._track(target, "cpu", "ECSServiceAverageCPUUtilization", CPU_PER_CENT)
        if self.most > self.least:
            label = pulumi.Output.concat(self.place.around.edge.balancer_suffix, "/", group.arn_suffix)
            wanted = self.entry.scaling.requests_per_task
            self._track(target, "requests", "ALBRequestCountPerTarget", wanted, label)
        if self.settings.shutdown is not None:
            self._nights(target)

    def _track(
        self,
        target: appautoscaling.Target,
        what: str,
        metric: str,
        wanted: float,
        label: pulumi.Output[str] | None = None,
    ) -> None:
        appautoscaling.Policy(
            f"{self.name}-{what}",
            name=f"{self.stack.prefix}-{self.name}-{what}",
            policy_type="TargetTrackingScaling",
            service_namespace=target.service_namespace,
            scalable_dimension=target.scalable_dimension,
            resource_id=target.resource_id,
            target_tracking_scaling_policy_configuration=appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs(
                target_value=wanted,
                # More at once, fewer slowly.
                scale_out_cooldown=60,
                scale_in_cooldown=300,
                predefined_metric_specification=appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs(
                    predefined_metric_type=metric, resource_label=label
                ),
            ),
            opts=below(self.place),
        )

    def _nights(self, target: appautoscaling.Target) -> None:
        shutdown = self.settings.shutdown
        assert shutdown is not None
        counts = {"start": (self.least, self.most, shutdown.start), "stop": (0, 0, shutdown.stop)}
        for what, (least, most, clock) in counts.items():
            appautoscaling.ScheduledAction(
                f"{self.name}-{what}",
                name=f"{self.stack.prefix}-{self.name}-{what}",
                service_namespace=target.service_namespace,
                scalable_dimension=target.scalable_dimension,
                resource_id=target.resource_id,
                schedule=cron(clock),
                timezone=shutdown.timezone,
                scalable_target_action=appautoscaling.ScheduledActionScalableTargetActionArgs(
                    min_capacity=least, max_capacity=most
                ),
                opts=below(self.place),
            )


def task_definition(
    place: ServiceSite,
    name: str,
    *,
    definitions: pulumi.Input[str],
    start_role: pulumi.Input[str],
    task_role: pulumi.Input[str] | None,
    cpu: int,
    memory: int,
) -> ecs.TaskDefinition:
    """A Fargate task definition on ARM. Its earlier revisions stay, or a rollback would have nothing to go back to."""
    return ecs.TaskDefinition(
        name,
        family=f"{place.stack.prefix}-{name}",
        requires_compatibilities=["FARGATE"],
        network_mode="awsvpc",
        cpu=str(cpu),
        memory=str(memory),
        runtime_platform=ecs.TaskDefinitionRuntimePlatformArgs(
            operating_system_family="LINUX", cpu_architecture="ARM64"
        ),
        execution_role_arn=start_role,
        task_role_arn=task_role,
        container_definitions=definitions,
        volumes=[ecs.TaskDefinitionVolumeArgs(name=volume) for volume in sorted(containers.volumes(place.settings))],
        skip_destroy=True,
        opts=below(place),
    )
