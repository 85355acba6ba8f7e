"""A service's schema as a resource: runs its database image as a task when the image or its configuration has changed.

A dynamic provider of Pulumi; the calls to ECS are in `schema_task.py`. When the task fails, so does the update, with
the task's last log lines; the service waits for the schema.
"""

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from gatehouse_platform.components.schema_task import TaskRun, run_to_end

# A change of these runs the task again; a change of where it runs (subnets, groups, revision) doesn't.
TRIGGERS = ("digest", "configuration")


class SchemaProvider(ResourceProvider):
    """Runs the task. There is no read and no delete: a schema isn't dropped with its service."""

    # The provider holds no secret; as a secret, it would appear as changed in every preview.
    serialize_as_secret_always = False

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=any(_olds.get(key) != _news.get(key) for key in TRIGGERS))

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(id_=f"{props['cluster']}/{props['family']}", outs={**props, "task": _run(props)})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(outs={**_news, "task": _run(_news)})


def _run(props: dict[str, Any]) -> str:
    return run_to_end(
        TaskRun(
            region=props["region"],
            cluster=props["cluster"],
            task_definition=props["task_definition"],
            container=props["container"],
            subnets=tuple(props["subnets"]),
            security_groups=tuple(props["security_groups"]),
            public_address=bool(props["public_address"]),
            log_group=props["log_group"],
            patience_seconds=float(props["patience_seconds"]),
        )
    )


class SchemaResource(Resource, module="gatehouse", name="Schema"):
    """The schema in the state of its database image. `task` is the ARN of the task that migrated it."""

    task: pulumi.Output[str]

    def __init__(
        self, name: str, props: dict[str, pulumi.Input[Any]], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(SchemaProvider(), name, {**props, "task": None}, opts)
