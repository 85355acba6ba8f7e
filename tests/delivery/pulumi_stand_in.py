"""Stands for Pulumi's engine where it can't be had: what the stack file says of releases comes to be in moto's ECS.

It is no Pulumi: no plan, no state, no other resource. It reads the folder that is deployed as the program does, so that
what the program refuses is refused here, too. Then it does what the tests need of an `up`: a new revision of each
changed service's task definition, the service moved to it, and tasks of it in the place of the old ones. As the real
one does, it reports success when the breaker has rolled back (pulumi-aws #4487).

`pulumi` on PATH is a shell script that hands the stack file to the engine here, in the test's process, by HTTP: a
Python for each update would take most of the tests' time.
"""

import contextlib
import http.server
import shlex
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from gatehouse_catalog import CatalogError
from gatehouse_platform.config.environment_catalog import environment_catalog
from gatehouse_platform.config.stack_config import read_config, read_stack, releases_of
from gatehouse_platform.config.task_groups import group_of
from gatehouse_release.testing.checkout import write
from gatehouse_release.testing.ecs import DIGEST_VARIABLE, backend

TASKS = 2
# Refuses what would wait for an answer, and what believes that a rolled back service runs.
PULUMI = """#!/bin/sh
[ "$1" = install ] && exit 0
case "$*" in "up --stack $3 --refresh --yes --non-interactive "*) ;; *) echo "unexpected: $*" >&2; exit 1 ;; esac
exec curl --silent --show-error --fail-with-body --data-binary "$PWD" {address}/"$3"
"""


class Engine:
    """What goes wrong: `breaks` is a service (ENVIRONMENT/SERVICE) whose next update the breaker rolls back, `fails`
    what an update says that fails, `locked` whether the next one finds another running.

    `migrate` runs a service's db-manager task (environment, service, commit, approved fingerprints) when its database
    image changed, and gives what it says when it refuses; by default there is no database.
    """

    def __init__(self) -> None:
        self.migrate: Callable[[str, str, str, list[str]], str] = lambda *_: ""
        self._migrated: dict[tuple[str, str], str] = {}
        self.fix()

    def fix(self) -> None:
        self.breaks, self.fails, self.locked = "", "", False

    def up(self, environment: str, folder: Path) -> tuple[bool, str]:
        """(whether it succeeded, what it says)"""
        if self.fails:
            return False, f"error: update failed\n{self.fails}\n"
        if self.locked:
            self.locked = False
            return False, "error: the stack is currently locked by 1 lock(s).\n"
        try:
            config = read_config(folder, environment)
            releases = releases_of(config)
            catalog = environment_catalog(folder, environment, releases)
            settings = read_stack(environment, config, catalog, former_choices=True).settings
        except CatalogError as error:
            return False, f"error: update failed\n{error}\n"
        approved = config.get("gatehouse:approved_plans") or {}
        for service, release in releases.items():
            if self._migrated.get((environment, service)) == release.get("database_digest"):
                continue
            if said := self.migrate(environment, service, release["commit"], approved.get(service, "").split()):
                return False, f"error: update failed\n{said}\n"
            self._migrated[environment, service] = release["database_digest"]
        cluster, ecs, groups = f"gatehouse-{environment}", backend(), _grouped(settings, releases)
        for arn in ecs.list_services(cluster):
            if (gone := arn.rpartition("/")[2]) not in groups:
                ecs.delete_service(cluster, gone, force=True)
        said = [self._bring(ecs, environment, group, digests) for group, digests in groups.items()]
        return True, "\n".join(said)

    def _bring(self, ecs: Any, environment: str, group: str, digests: dict[str, str]) -> str:
        cluster = f"gatehouse-{environment}"
        images = {service: f"example/{service}@{digest}" for service, digest in digests.items()}
        if _runs(ecs, cluster, group, images):
            return f"{group}: unchanged"
        definition = ecs.register_task_definition(
            family=f"{cluster}-{group}",
            container_definitions=[
                {
                    "name": service,
                    "image": images[service],
                    "memory": 512,
                    "environment": [{"name": DIGEST_VARIABLE, "value": digest}],
                }
                for service, digest in digests.items()
            ],
            volumes=[],
            network_mode="bridge",
        )
        if self.breaks in {f"{environment}/{service}" for service in digests}:
            self.breaks = ""
            return f"{group}: updated"  # it wasn't: nobody says so
        _roll_out(ecs, cluster, group, definition.arn)
        return f"{group}: updated"


def _grouped(settings: Any, releases: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Digests by service, of each ECS service."""
    groups: dict[str, dict[str, str]] = {}
    for service, release in releases.items():
        groups.setdefault(group_of(settings.groups, service), {})[service] = release["digest"]
    return groups


def _runs(ecs: Any, cluster: str, group: str, images: dict[str, str]) -> bool:
    """Whether the group runs the newest definition, and that has the images; as a refresh would find."""
    found, _ = ecs.describe_services(cluster, [group])
    if not found or found[0].status == "INACTIVE":
        return False
    newest = ecs.describe_task_definition(f"{cluster}-{group}")
    there = {one["name"]: one["image"] for one in newest.container_definitions}
    return (found[0].task_definition, there) == (newest.arn, images)


def _roll_out(ecs: Any, cluster: str, service: str, definition: str) -> None:
    """moto's update leaves the deployment as it was, so the service is made anew; and it starts no tasks by itself."""
    if ecs.describe_services(cluster, [service])[0]:
        ecs.delete_service(cluster, service, force=True)
    ecs.create_service(cluster, service, TASKS, task_definition_str=definition)
    for task in list(ecs.tasks.get(cluster, {}).values()):
        if task.group == f"service:{service}" and task.desired_status == "RUNNING":
            ecs.stop_task(cluster, task.task_arn, "replaced")
    ecs.run_task(cluster, definition, TASKS, None, "", None, "FARGATE", group=f"service:{service}")


@contextlib.contextmanager
def pulumi(folder: Path) -> Generator[Engine]:
    """The engine, and `pulumi` in the folder, which is for PATH."""
    engine = Engine()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            folder = self.rfile.read(int(self.headers["content-length"])).decode()
            succeeded, said = engine.up(self.path.strip("/"), Path(folder))
            self.send_response(200 if succeeded else 500)
            self.end_headers()
            self.wfile.write(said.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = shlex.quote(f"http://127.0.0.1:{server.server_port}")
        write(folder / "pulumi", PULUMI.replace("{address}", address))
        (folder / "pulumi").chmod(0o755)
        yield engine
        server.shutdown()
