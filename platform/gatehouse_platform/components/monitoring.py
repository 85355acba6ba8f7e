"""Monitoring of an environment: Prometheus (AMP), its alert manager, the collector, and the probe beside it.

The rules and the collector's configuration come from `gatehouse_observability`.
"""

import inspect
import json
from dataclasses import dataclass

import msgspec
import pulumi
from pulumi_aws import amp, appautoscaling, cloudwatch, ec2, ecs, secretsmanager

from gatehouse_catalog import Catalog
from gatehouse_observability.alertmanager import WorkingHours, alertmanager_config
from gatehouse_observability.collector import FINE_BOUNDS, OTLP_PORT, PROBE_PORT, collector_config
from gatehouse_observability.dashboards import dashboards
from gatehouse_observability.grafana import data_source
from gatehouse_observability.objectives import threshold
from gatehouse_observability.panels import dashboard_json
from gatehouse_observability.probe import visit
from gatehouse_observability.prometheus import rule_groups
from gatehouse_observability.rules import rules_document
from gatehouse_platform.components import containers
from gatehouse_platform.components.base import RoleArgs, as_json, child_of, environment_of, role
from gatehouse_platform.components.cluster import Cluster, capacity_strategies, schedule_tasks
from gatehouse_platform.components.grafana import Dashboards
from gatehouse_platform.components.iam_documents import WRITE_TRACES, allow, assumed_by, document, execution, find_tasks
from gatehouse_platform.components.network import Network
from gatehouse_platform.components.service import release_of, repository_image
from gatehouse_platform.config.settings import Collector, Shutdown, Stack

CPU, MEMORY = 256, 512
NAME, PROBE = "collector", "probe"
FRONT = "/"  # the path of the service whose image has the Python that runs the probe


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    stack: Stack
    catalog: Catalog
    network: Network
    cluster: Cluster
    key_arn: pulumi.Input[str]
    alerts: pulumi.Input[str]
    heartbeat: pulumi.Input[str]


class Monitoring(pulumi.ComponentResource):
    """`collector` is the id of the collector's security group; None until the stack file names an image."""

    workspace: pulumi.Output[str]
    collector: pulumi.Output[str] | None

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gatehouse:platform:Monitoring", name, None, opts)
        self._args = args
        workspace = amp.Workspace(name, alias=args.stack.prefix, kms_key_arn=args.key_arn, opts=child_of(self))
        self.workspace = workspace.id
        settings = environment_of(args.stack)
        shutdown = settings.shutdown
        hours = WorkingHours(shutdown.start, shutdown.stop, shutdown.timezone) if shutdown else None
        alerting = alertmanager_config(
            topic=args.alerts, heartbeat=args.heartbeat, region=args.stack.region, hours=hours
        )
        amp.AlertManagerDefinition(
            name,
            workspace_id=workspace.id,
            # JSON is YAML too.
            definition=as_json({"alertmanager_config": pulumi.Output.json_dumps(alerting, sort_keys=True)}),
            opts=child_of(self),
        )
        files = f"https://github.com/{settings.repository}/blob/main/"
        # One namespace for each group: a new service adds its own, and none approaches AMP's limit of 1 MB.
        for group in () if settings.parked else rule_groups(args.catalog):
            amp.RuleGroupNamespace(
                f"rules-{group.name.removeprefix('gatehouse-')}",
                name=group.name,
                workspace_id=workspace.id,
                data=json.dumps(rules_document([group], repository_url=files), sort_keys=True),  # JSON is YAML too
                opts=child_of(self),
            )
        self.collector = None
        if settings.collector and not settings.parked:
            self.collector = self._collector(workspace, settings.collector)
        if settings.grafana_workspace:
            self._dashboards(workspace, settings.grafana_workspace)
        self.register_outputs({"workspace": self.workspace})

    def _dashboards(self, workspace: amp.Workspace, grafana_workspace: str) -> None:
        """Each environment has its own data source and dashboards, which change with its rules."""
        stack = self._args.stack
        source = stack.prefix
        Dashboards(
            "dashboards",
            {
                "region": stack.region,
                "workspace": grafana_workspace,
                "folder": stack.name,
                "data_source": workspace.prometheus_endpoint.apply(
                    lambda endpoint: data_source(
                        source,
                        endpoint,
                        scrape_seconds=environment_of(stack).scrape_seconds,
                        sigV4Auth=True,
                        sigV4AuthType="ec2_iam_role",  # the workspace's own role
                        sigV4Region=stack.region,
                    )
                ),
                "dashboards": {board.uid: dashboard_json(board, source=source) for board in dashboards()},
            },
            opts=child_of(self),
        )

    def _collector(self, workspace: amp.Workspace, image: Collector) -> pulumi.Output[str]:
        args, stack, settings = self._args, self._args.stack, environment_of(self._args.stack)
        group = ec2.SecurityGroup(
            NAME,
            name=f"{stack.prefix}-{NAME}",
            description="Reads the metrics of every task",
            vpc_id=args.network.vpc_id,
            opts=child_of(self),
        )
        dependencies = args.network.egress_rules(NAME, group.id, self)
        log_group = f"/gatehouse/{stack.name}/{NAME}"
        log = cloudwatch.LogGroup(
            NAME,
            name=log_group,
            retention_in_days=settings.log_days,
            kms_key_id=args.key_arn,
            opts=child_of(self),
        )
        dependencies.append(log)
        task = self._task(workspace, image, log_group, dependencies)
        service = ecs.Service(
            NAME,
            name=NAME,
            cluster=args.cluster.arn,
            task_definition=task.arn,
            desired_count=1,
            # As the first task of each group: on demand where metrics must not stop while something else fails.
            capacity_provider_strategies=capacity_strategies(stack),
            force_new_deployment=True,  # or a change of the strategies is refused (policies/combinations.py)
            platform_version="1.4.0",
            deployment_configuration=ecs.ServiceDeploymentConfigurationArgs(strategy="ROLLING"),
            # Never two at a time: they would write the same series.
            deployment_minimum_healthy_percent=0,
            deployment_maximum_percent=100,
            deployment_circuit_breaker=ecs.ServiceDeploymentCircuitBreakerArgs(enable=True, rollback=True),
            availability_zone_rebalancing="DISABLED",
            wait_for_steady_state=True,
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            network_configuration=ecs.ServiceNetworkConfigurationArgs(
                subnets=args.network.task_subnets,
                security_groups=[group.id],
                assign_public_ip=args.network.tasks_have_public_addresses,
            ),
            service_connect_configuration=self._service_connect() if settings.traces else None,
            # The schedules set the count.
            opts=child_of(
                self, depends_on=dependencies, ignore_changes=["desiredCount"] if settings.shutdown else None
            ),
        )
        if settings.shutdown is not None:
            self._sleep(service, settings.shutdown)
        return group.id

    def _sleep(self, service: ecs.Service, shutdown: Shutdown) -> None:
        """With the tasks that it reads: there is nothing to collect then, and the alert manager tells nobody."""
        prefix = self._args.stack.prefix
        target = appautoscaling.Target(
            NAME,
            service_namespace="ecs",
            scalable_dimension="ecs:service:DesiredCount",
            resource_id=pulumi.Output.concat("service/", self._args.cluster.name, "/", service.name),
            min_capacity=1,
            max_capacity=1,
            opts=child_of(self, ignore_changes=["minCapacity", "maxCapacity"]),
        )
        schedule_tasks(NAME, target, shutdown, prefix=prefix, least=1, most=1, parent=self)

    def _service_connect(self) -> ecs.ServiceServiceConnectConfigurationArgs:
        """The address at which services deliver their spans (containers.TRACES)."""
        alias = ecs.ServiceServiceConnectConfigurationServiceClientAliasArgs(dns_name=NAME, port=OTLP_PORT)
        return ecs.ServiceServiceConnectConfigurationArgs(
            enabled=True,
            namespace=self._args.cluster.connect_namespace,
            services=[
                ecs.ServiceServiceConnectConfigurationServiceArgs(
                    port_name=NAME, discovery_name=NAME, client_alias=[alias]
                )
            ],
        )

    def _task(
        self, workspace: amp.Workspace, image: Collector, log_group: str, dependencies: list[pulumi.Resource]
    ) -> ecs.TaskDefinition:
        args, stack = self._args, self._args.stack
        account, region = stack.settings.account, stack.region
        trust = assumed_by("ecs-tasks.amazonaws.com", account, f"arn:aws:ecs:{region}:{account}:*")
        # Made from the name: the ARN is an Output, which can't be split here.
        cluster = f"arn:aws:ecs:{region}:{account}:cluster/{args.cluster.name}"
        settings = environment_of(stack)
        traces = allow("WriteTraces", WRITE_TRACES, ["*"])
        write = document(
            allow("WriteMetrics", ["aps:RemoteWrite"], [workspace.arn]),
            *find_tasks(cluster),
            *([traces] if settings.traces else []),
        )
        stream = f"arn:aws:logs:{region}:{account}:log-group:{log_group}:log-stream:*"
        log = document(allow("WriteLog", ["logs:CreateLogStream", "logs:PutLogEvents"], [stream]))
        probe = self._probe(log_group)
        secrets = self._probe_secret() if probe is not None else {}
        if probe is not None:
            repository = probe.image.partition("/")[2].partition("@")[0]
            log = execution(
                repositories=[f"arn:aws:ecr:{region}:{account}:repository/{repository}"],
                log_groups=[stream],
                secrets=[*secrets.values()],
                keys=[args.key_arn],
                region=region,
            )
        task_role = role(
            NAME,
            RoleArgs(name=f"{stack.prefix}-{NAME}", trust=trust, policy=write),
            stack=stack,
            parent=self,
            policies=dependencies,
        )
        starting = f"{NAME}-start"
        execution_role = role(
            starting,
            RoleArgs(name=f"{stack.prefix}-{starting}", trust=trust, policy=log),
            stack=stack,
            parent=self,
            policies=dependencies,
        )

        def definitions(known: list[str]) -> str:
            endpoint, *arns = known
            given = dict(zip(secrets, arns, strict=True))
            config = collector_config(
                environment=stack.name,
                cluster=args.cluster.name,
                remote_write=f"{endpoint}api/v1/remote_write",
                region=region,
                traces=settings.traces,
                scrape_seconds=settings.scrape_seconds,
                without_bounds=self._without_bounds(),
            )
            return containers.container_definitions(
                containers.Container(
                    name=NAME,
                    image=containers.collector_image(image),
                    log_group=log_group,
                    region=region,
                    environment={"AOT_CONFIG_CONTENT": json.dumps(config, sort_keys=True)},
                    ports={NAME: OTLP_PORT} if settings.traces else {},
                    mounts={containers.SCRATCH: "/tmp"},  # noqa: S108 - in the container
                ),
                *([msgspec.structs.replace(probe, secrets=given)] if probe else []),
            )

        return ecs.TaskDefinition(
            NAME,
            family=f"{stack.prefix}-{NAME}",
            requires_compatibilities=["FARGATE"],
            network_mode="awsvpc",
            cpu=str(CPU),
            memory=str(MEMORY),
            runtime_platform=ecs.TaskDefinitionRuntimePlatformArgs(
                operating_system_family="LINUX", cpu_architecture="ARM64"
            ),
            execution_role_arn=execution_role.arn,
            task_role_arn=task_role.arn,
            container_definitions=pulumi.Output.all(workspace.prometheus_endpoint, *secrets.values()).apply(
                definitions
            ),
            volumes=[ecs.TaskDefinitionVolumeArgs(name=containers.SCRATCH)],
            skip_destroy=True,
            opts=child_of(self),
        )

    def _without_bounds(self) -> list[str]:
        """Of the latencies' histogram: all fine ones, but for those that are a service's objective."""
        if environment_of(self._args.stack).fine_latencies:
            return []
        meant = {threshold(service) for service in self._args.catalog}
        return [each for each in FINE_BOUNDS if each not in meant]

    def _probe(self, log_group: str) -> containers.Container | None:
        """Visits the environment by its public address, beside the collector, which scrapes it: no further task.

        None before the front's first release, whose Python it runs on (the program is one file without dependencies),
        and where tasks reach AWS only.
        """
        stack, settings = self._args.stack, environment_of(self._args.stack)
        front = next((service for service in self._args.catalog if service.path == FRONT), None)
        release = release_of(stack, front) if front else None
        if front is None or release is None or settings.network.egress == "endpoints":
            return None
        return containers.Container(
            name=PROBE,
            image=repository_image(stack, front.name, release.digest),
            log_group=log_group,
            region=stack.region,
            entry_point=("python3", "-c"),
            command=(inspect.getsource(visit), f"https://{settings.dns.name}", f"--listen={PROBE_PORT}"),
            environment={visit.CLIENT_ID: settings.probe_client} if settings.probe_client else {},
        )

    def _probe_secret(self) -> dict[str, pulumi.Output[str]]:
        """What the probe signs in with. You put its value there when you make the client (observability/README.md)."""
        stack, settings = self._args.stack, environment_of(self._args.stack)
        if not settings.probe_client:
            return {}
        secret = secretsmanager.Secret(
            PROBE,
            name=f"{stack.prefix}/{PROBE}",
            description="The secret of the service client that the probe signs in as",
            kms_key_id=self._args.key_arn,
            recovery_window_in_days=30 if settings.protect else 7,
            opts=child_of(self, protect=settings.protect),
        )
        return {visit.CLIENT_SECRET: secret.arn}
