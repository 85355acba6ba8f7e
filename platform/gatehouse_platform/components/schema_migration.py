"""A service's schema in an environment: the task definition of its database image, and the resource that runs it."""

import json

import pulumi

from gatehouse_catalog.releases import Release
from gatehouse_platform.components import containers
from gatehouse_platform.components.base import below
from gatehouse_platform.components.database import MASTER, TLS
from gatehouse_platform.components.database import NAME as DATABASE_NAME
from gatehouse_platform.components.database import PORT as DATABASE_PORT
from gatehouse_platform.components.ecs_service import task_definition
from gatehouse_platform.components.schema_resource import SchemaResource
from gatehouse_platform.components.schema_task import PATIENCE_SECONDS
from gatehouse_platform.components.service import ServiceSite, repository_image

CPU, MEMORY = 256, 512
# Enough for a step that holds no lock to end by itself; whatever is cut off is resumed by the next run.
STOP_SECONDS = 60


def migrate(place: ServiceSite, release: Release) -> SchemaResource | None:
    """The schema of a released service, brought to the state of its database image; None without a database."""
    entry, stack, database = place.entry, place.stack, place.around.database
    if entry.database is None or release.database_digest is None or place.database_secret is None:
        return None
    name = f"{entry.name}-database"
    role_variable = f"GATEHOUSE_PASSWORD_{entry.database.service_role.upper()}"
    secrets = {
        "PGPASSWORD": pulumi.Output.concat(database.master_secret, ":password::"),
        role_variable: pulumi.Output.concat(place.database_secret, ":password::"),
    }
    image = repository_image(stack, name, release.database_digest)

    def environment(address: str) -> dict[str, str]:
        return {
            "GATEHOUSE_ENVIRONMENT": stack.name,
            "GATEHOUSE_ADMIN_URL": f"postgresql://{MASTER}@{address}:{DATABASE_PORT}/{DATABASE_NAME}?{TLS}",
        }

    def definitions(values: dict[str, str]) -> str:
        address = values.pop("address")
        return containers.container_definitions(
            containers.Container(
                name=name,
                image=image,
                command=("apply",),
                log_group=place.log_group,
                region=stack.region,
                environment=environment(address),
                secrets=values,
                mounts={containers.SCRATCH: "/tmp"},  # noqa: S108 - in the container
                stop_seconds=STOP_SECONDS,
            )
        )

    task = task_definition(
        place,
        name,
        definitions=pulumi.Output.all(address=database.address, **secrets).apply(definitions),
        start_role=place.starter(f"{name}-start", name, [database.master_secret, place.database_secret]).arn,
        task_role=None,
        cpu=CPU,
        memory=MEMORY,
    )
    network = place.around.network
    return SchemaResource(
        name,
        {
            "digest": release.database_digest,
            "configuration": database.address.apply(lambda address: json.dumps(environment(address), sort_keys=True)),
            "region": stack.region,
            "cluster": place.around.cluster.name,
            "family": task.family,
            "task_definition": task.arn,
            "container": name,
            "subnets": network.task_subnets,
            "security_groups": [place.group],
            "public_address": network.tasks_have_public_addresses,
            "log_group": place.log_group,
            "patience_seconds": PATIENCE_SECONDS,
        },
        opts=below(place, depends_on=place.ready),
    )
