"""One environment: the shared components, then every service of the catalog. The only loops over services."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import pulumi

from gatehouse_catalog import Catalog, Service
from gatehouse_platform.components.base import child_of, environment_of
from gatehouse_platform.components.cluster import Cluster, ClusterArgs
from gatehouse_platform.components.database import DatabaseArgs, DatabaseInstance
from gatehouse_platform.components.ecs_service import ReleasedService, run_group
from gatehouse_platform.components.edge import Edge, EdgeArgs, check_priorities
from gatehouse_platform.components.governance import Governance, OffHours, OffHoursArgs
from gatehouse_platform.components.keys.history_keys import HistoryKeyBucket
from gatehouse_platform.components.keys.peer_key import PeerKey
from gatehouse_platform.components.mail import MailSending
from gatehouse_platform.components.monitoring import Monitoring, MonitoringArgs
from gatehouse_platform.components.network import Network, NetworkArgs
from gatehouse_platform.components.rehearsal import RestoreRehearsal, RestoreRehearsalArgs
from gatehouse_platform.components.schema_migration import migrate
from gatehouse_platform.components.security_group_rules import FOLLOWS, allow_traffic
from gatehouse_platform.components.service import EnvironmentContext, release_of
from gatehouse_platform.components.task_group import TaskGroupSite
from gatehouse_platform.config.settings import Shutdown, Stack
from gatehouse_platform.config.task_groups import task_groups


class Environment(pulumi.ComponentResource):
    """Everything of one environment."""

    def __init__(self, stack: Stack, catalog: Catalog, opts: pulumi.ResourceOptions | None = None) -> None:
        # Policies ask whether production is meant to run only once.
        lean = {"lean": environment_of(stack).lean}
        super().__init__("gatehouse:platform:Environment", "environment", lean, opts)
        check_priorities(catalog)
        context = self._context(stack, catalog)
        groups = task_groups(catalog.start_order(), environment_of(stack))
        sites = [TaskGroupSite(group, context, child_of(self)) for group in groups]
        of = {name: site for site in sites for name in site.sites}
        self._let_call(catalog, of)
        for site in sites:
            self._run(context, catalog, site)
        self._let_follow(catalog, of)
        self._rehearse(context, catalog)
        url = f"https://{environment_of(stack).dns.name}"
        pulumi.export("url", url)
        self.register_outputs({"url": url})

    def _run(self, context: EnvironmentContext, catalog: Catalog, site: TaskGroupSite) -> None:
        """Runs what is released of a group, after the schemas of all of it."""
        if environment_of(context.stack).parked:
            return
        released, schemas = [], []
        for service in site.group.services:
            release = release_of(context.stack, service)
            if release is None:
                pulumi.log.info(f"{service.name} has no release in {context.stack.name}: only its site is created")
                continue
            callees = list(catalog.callees(service))
            released.append(ReleasedService(site=site.sites[service.name], release=release, callees=callees))
            schemas.append(migrate(context, site, service, release))
        if not released:
            return
        running = run_group(context, site, released, after=[each for each in schemas if each])
        for each in released:
            if each.service.sends_mail and context.mail is not None:
                context.mail.tell(each.service, running)

    def _rehearse(self, context: EnvironmentContext, catalog: Catalog) -> None:
        """Nothing before the first release of the service whose image does it."""
        service = next((each for each in catalog if each.replays_log), None)
        settings = environment_of(context.stack)
        wanted = settings.restore_rehearsal and not settings.parked
        if wanted and service is not None and release_of(context.stack, service) is not None:
            RestoreRehearsal("rehearsal", RestoreRehearsalArgs(context=context, service=service), child_of(self))

    def _let_call(self, catalog: Catalog, of: dict[str, TaskGroupSite]) -> None:
        """After all sites: groups may call one another in a circle, though no service does. A group's services share
        its security group, so it is let in once where several of them call one service."""
        for name, port, caller, callee in _ways(catalog, of, catalog.uses):
            caller.call(f"{caller.group.name}-to-{name}", callee, port)

    def _let_follow(self, catalog: Catalog, of: dict[str, TaskGroupSite]) -> None:
        """Who handles another's events reads its feed. It is after all sites: following makes no order of them."""
        called = {(caller, name) for name, _, caller, _ in _ways(catalog, of, catalog.uses)}
        for name, port, caller, followed in _ways(catalog, of, catalog.follows):
            if (caller, name) not in called:
                allow_traffic(
                    f"{caller.group.name}{FOLLOWS}{name}",
                    source=caller.security_group,
                    target=followed.security_group,
                    port=port,
                    parent=caller,
                )

    def _context(self, stack: Stack, catalog: Catalog) -> EnvironmentContext:
        settings = environment_of(stack)
        governance = Governance("governance", stack, child_of(self))
        network = Network(
            "network",
            NetworkArgs(
                prefix=stack.prefix,
                region=stack.region,
                settings=settings.network,
                flow_logs=governance.log_bucket_arn,
            ),
            child_of(self),
        )
        has_events = any(service.has_events for service in catalog)
        sends_mail = any(service.sends_mail for service in catalog)
        has_databases = any(service.database for service in catalog)
        vpc_id, key_arn = network.vpc_id, governance.key_arn
        cluster = Cluster("cluster", ClusterArgs(stack=stack, key_arn=key_arn), child_of(self))
        database = DatabaseInstance(
            "database",
            DatabaseArgs(
                stack=stack,
                vpc_id=vpc_id,
                subnets=network.isolated_subnets,
                key_arn=key_arn,
                alerts=governance.alerts,
            ),
            child_of(self),
        )
        edge = Edge(
            "edge",
            EdgeArgs(stack=stack, vpc_id=vpc_id, subnets=network.public_subnets, log_bucket=governance.log_bucket),
            child_of(self),
        )
        monitoring = Monitoring(
            "monitoring",
            MonitoringArgs(
                stack=stack,
                catalog=catalog,
                network=network,
                cluster=cluster,
                key_arn=key_arn,
                alerts=governance.alerts,
                heartbeat=governance.heartbeat,
            ),
            child_of(self),
        )
        if settings.shutdown is not None or settings.parked:
            OffHours(
                "nights",
                OffHoursArgs(
                    stack=stack,
                    shutdown=settings.shutdown or Shutdown(),
                    starts=not settings.parked,
                    database=database.identifier,
                    database_arn=database.arn,
                ),
                child_of(self),
            )
        return EnvironmentContext(
            stack=stack,
            network=network,
            cluster=cluster,
            edge=edge,
            database=database,
            key_arn=key_arn,
            alerts=governance.alerts,
            collector=monitoring.collector,
            peer_key=PeerKey("peer-key", stack, key_arn, child_of(self)) if has_events else None,
            history_keys=HistoryKeyBucket("history-keys", stack, child_of(self)) if has_databases else None,
            mail=MailSending("mail", stack, key_arn, child_of(self)) if sends_mail else None,
        )


def _ways(
    catalog: Catalog, of: Mapping[str, TaskGroupSite], others: Callable[[Service], Iterable[Service]]
) -> Iterator[tuple[str, int, TaskGroupSite, TaskGroupSite]]:
    """(a service, its port, a group that has to do with it, the group in which it runs), each pair once."""
    seen = set()
    for service in catalog.start_order():
        for other in others(service):
            caller = of[service.name]
            if (caller, other.name) not in seen:
                seen.add((caller, other.name))
                yield other.name, other.port, caller, of[other.name]
