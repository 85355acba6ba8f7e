"""The schema of a service: the task definition of its database image, and the resource that runs it."""

import json

import pulumi

from gatehouse_catalog import Service
from gatehouse_catalog.releases import Release
from gatehouse_platform.components import containers
from gatehouse_platform.components.base import child_of, environment_of
from gatehouse_platform.components.database import DATABASE_NAME, DATABASE_PORT, MASTER_USER, TLS
from gatehouse_platform.components.ecs_service import task_definition
from gatehouse_platform.components.schema_resource import SchemaResource
from gatehouse_platform.components.schema_task import PATIENCE_SECONDS
from gatehouse_platform.components.service import EnvironmentContext, repository_image
from gatehouse_platform.components.task_group import ExecutionArgs, TaskGroupSite, execution_role

CPU, MEMORY = 256, 512
# Enough for a step that holds no lock to finish; the next run resumes whatever is cut off.
STOP_SECONDS = 60


def migrate(
    context: EnvironmentContext, group: TaskGroupSite, service: Service, release: Release
) -> SchemaResource | None:
    """Migrates the schema of a released service to the state of its database image; None without a database."""
    site, stack, database = group.sites[service.name], context.stack, context.database
    if service.database is None or release.database_digest is None or site.sign_ins is None:
        return None
    name = f"{service.name}-database"
    role_variable = f"GATEHOUSE_PASSWORD_{service.database.service_role.upper()}"
    secrets = {
        "PGPASSWORD": pulumi.Output.concat(database.master_secret, ":password::"),
        role_variable: site.from_sign_ins("password"),
    }
    approved = environment_of(stack).approved_plans.get(service.name, "").split()
    image = repository_image(stack, name, release.database_digest)
    dependencies = [*group.dependencies]

    def environment(address: str) -> dict[str, str]:
        return {
            "GATEHOUSE_ENVIRONMENT": stack.name,
            "GATEHOUSE_ADMIN_URL": f"postgresql://{MASTER_USER}@{address}:{DATABASE_PORT}/{DATABASE_NAME}?{TLS}",
        }

    def definitions(values: dict[str, str]) -> str:
        address = values.pop("address")
        return containers.container_definitions(
            containers.Container(
                name=name,
                image=image,
                command=("apply", *(word for fingerprint in approved for word in ("--approve", fingerprint))),
                log_group=site.log_group,
                region=stack.region,
                environment=environment(address),
                secrets=values,
                mounts={containers.SCRATCH: "/tmp"},  # noqa: S108 - in the container
                stop_seconds=STOP_SECONDS,
            )
        )

    task = task_definition(
        site,
        name,
        volumes=containers.volumes(environment_of(stack)),
        family=f"{stack.prefix}-{name}",
        definitions=pulumi.Output.all(address=database.address, **secrets).apply(definitions),
        # Its own: no task of the group may read the master's password.
        execution_role=execution_role(
            f"{name}-start",
            ExecutionArgs(
                context=context,
                images=[name],
                log_groups=[site.log_group],
                secrets=[database.master_secret, site.sign_ins],
            ),
            parent=site,
            policies=dependencies,
        ).arn,
        task_role=None,
        cpu=CPU,
        memory=MEMORY,
    )
    network = context.network
    return SchemaResource(
        name,
        {
            "digest": release.database_digest,
            "configuration": database.address.apply(lambda address: json.dumps(environment(address), sort_keys=True)),
            "region": stack.region,
            "cluster": context.cluster.name,
            "family": task.family,
            "task_definition": task.arn,
            "container": name,
            "subnets": network.task_subnets,
            "security_groups": [group.security_group],
            "public_address": network.tasks_have_public_addresses,
            "log_group": site.log_group,
            "patience_seconds": PATIENCE_SECONDS,
        },
        opts=child_of(site, depends_on=dependencies),
    )
