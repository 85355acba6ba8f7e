"""One environment: the shared components, then every service of the catalog. The only loop over services."""

import pulumi

from gatehouse_catalog import Catalog
from gatehouse_platform.components.base import child_of, environment_of
from gatehouse_platform.components.cluster import Cluster, ClusterArgs
from gatehouse_platform.components.database import DatabaseArgs, DatabaseInstance
from gatehouse_platform.components.ecs_service import run_service
from gatehouse_platform.components.edge import Edge, EdgeArgs, check_priorities
from gatehouse_platform.components.governance import Governance, OffHours, OffHoursArgs
from gatehouse_platform.components.history_keys import HistoryKeyBucket
from gatehouse_platform.components.mail import MailSending
from gatehouse_platform.components.monitoring import Monitoring, MonitoringArgs
from gatehouse_platform.components.network import Network, NetworkArgs
from gatehouse_platform.components.peer_key import PeerKey
from gatehouse_platform.components.schema_migration import migrate
from gatehouse_platform.components.security_group_rules import FOLLOWS, allow_traffic
from gatehouse_platform.components.service import EnvironmentContext, ServiceArgs, ServiceSite, release_of
from gatehouse_platform.config.settings import Stack


class Environment(pulumi.ComponentResource):
    """Everything of one environment."""

    def __init__(self, stack: Stack, catalog: Catalog, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gatehouse:platform:Environment", "environment", None, opts)
        check_priorities(catalog)
        context = self._context(stack, catalog)
        sites: dict[str, ServiceSite] = {}
        for service in catalog.start_order():
            callees = catalog.uses(service)
            args = ServiceArgs(service=service, context=context, callees=[sites[callee.name] for callee in callees])
            site = sites[service.name] = ServiceSite(service.name, args, child_of(self))
            release = release_of(stack, service)
            if release is None:
                pulumi.log.info(f"{service.name} has no release in {stack.name}: only its site is created")
                continue
            schema = migrate(context, site, release)
            called = list(catalog.callees(service))
            running = run_service(context, site, release, callees=called, after=[schema] if schema else [])
            if service.sends_mail and context.mail is not None:
                context.mail.tell(service, running)
        self._let_follow(catalog, sites)
        url = f"https://{environment_of(stack).dns.name}"
        pulumi.export("url", url)
        self.register_outputs({"url": url})

    def _let_follow(self, catalog: Catalog, sites: dict[str, ServiceSite]) -> None:
        """Who handles another's events reads its feed. It is after all sites: following makes no order of them."""
        for service in catalog:
            used = {other.name for other in catalog.uses(service)}
            for followed in catalog.follows(service):
                if followed.name not in used:
                    allow_traffic(
                        f"{service.name}{FOLLOWS}{followed.name}",
                        source=sites[service.name].security_group,
                        target=sites[followed.name].security_group,
                        port=followed.port,
                        parent=sites[service.name],
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
        if settings.shutdown is not None:
            OffHours(
                "nights",
                OffHoursArgs(
                    stack=stack,
                    shutdown=settings.shutdown,
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
