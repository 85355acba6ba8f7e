"""One environment: the shared parts, then every service of the catalog. The only loop over services."""

import pulumi

from gatehouse_catalog import Catalog
from gatehouse_platform.components.base import below, environment_of
from gatehouse_platform.components.cluster import Cluster, ClusterArgs
from gatehouse_platform.components.database import DatabaseArgs, DatabaseInstance
from gatehouse_platform.components.ecs_service import run
from gatehouse_platform.components.edge import Edge, EdgeArgs, check_priorities
from gatehouse_platform.components.governance import Governance, Nights, NightsArgs
from gatehouse_platform.components.monitoring import Monitoring, MonitoringArgs
from gatehouse_platform.components.network import Network, NetworkArgs
from gatehouse_platform.components.schema_migration import migrate
from gatehouse_platform.components.service import EnvironmentContext, ServiceArgs, ServiceSite, release_of
from gatehouse_platform.config.settings import Stack


class Environment(pulumi.ComponentResource):
    """Everything of one environment."""

    def __init__(self, stack: Stack, catalog: Catalog, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gatehouse:platform:Environment", "environment", None, opts)
        check_priorities(catalog)
        around = self._surroundings(stack, catalog)
        places: dict[str, ServiceSite] = {}
        for entry in catalog.start_order():
            calls = [places[used.name] for used in catalog.uses(entry)]
            args = ServiceArgs(entry=entry, around=around, calls=calls)
            place = places[entry.name] = ServiceSite(entry.name, args, below(self))
            release = release_of(stack, entry)
            if release is None:
                pulumi.log.info(f"{entry.name} has no release here: its place is made, nothing of it runs yet")
                continue
            schema = migrate(place, release)
            run(place, release, after=[schema] if schema else [])
        url = f"https://{environment_of(stack).dns.name}"
        pulumi.export("url", url)
        self.register_outputs({"url": url})

    def _surroundings(self, stack: Stack, catalog: Catalog) -> EnvironmentContext:
        settings = environment_of(stack)
        governance = Governance("governance", stack, below(self))
        network = Network(
            "network",
            NetworkArgs(
                prefix=stack.prefix,
                region=stack.region,
                settings=settings.network,
                flow_logs=governance.log_bucket_arn,
            ),
            below(self),
        )
        vpc_id, key_arn = network.vpc_id, governance.key_arn
        cluster = Cluster("cluster", ClusterArgs(stack=stack, key_arn=key_arn), below(self))
        database = DatabaseInstance(
            "database",
            DatabaseArgs(stack=stack, vpc_id=vpc_id, subnets=network.isolated_subnets, key_arn=key_arn),
            below(self),
        )
        edge = Edge(
            "edge",
            EdgeArgs(stack=stack, vpc_id=vpc_id, subnets=network.public_subnets, log_bucket=governance.log_bucket),
            below(self),
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
            ),
            below(self),
        )
        if settings.shutdown is not None:
            Nights(
                "nights",
                NightsArgs(
                    stack=stack,
                    shutdown=settings.shutdown,
                    database=database.identifier,
                    database_arn=database.arn,
                ),
                below(self),
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
        )
