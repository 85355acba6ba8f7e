"""For tests of delivery: environments in moto's ECS, and tasks that answer /version over HTTP.

moto keeps services, task definitions and tasks, but starts no tasks for a service and rolls nothing back: who deploys
in a test does that by the same API (tests/delivery/pulumi_stand_in.py), and a rollback is set in moto's own state.
"""

import contextlib
import http.server
import json
import logging
import threading
from collections.abc import Generator, Mapping
from typing import Any

import msgspec

REGION = "eu-central-1"
ENVIRONMENTS = ("dev", "test", "staging", "production")
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": REGION}
DIGEST_VARIABLE = "GATEHOUSE_IMAGE_DIGEST"


class Ecs(msgspec.Struct, kw_only=True):
    """A running moto, and the tasks' answers. `address` is what GATEHOUSE_VERSION_ADDRESS takes."""

    endpoint: str
    address: str
    # Service -> what its tasks answer whatever they run; empty: they don't answer.
    answers: dict[str, str] = {}

    @property
    def environ(self) -> dict[str, str]:
        """Leads boto3, ours and any program's, to moto."""
        return {**CREDENTIALS, "AWS_ENDPOINT_URL": self.endpoint, "GATEHOUSE_VERSION_ADDRESS": self.address}

    def runs(self, environment: str) -> dict[str, str]:
        """Service -> the digest in the task definition that it runs."""
        names = [one.rpartition("/")[2] for one in backend().list_services(f"gatehouse-{environment}")]
        # A service that was deleted is listed as inactive for a while, by AWS as by moto.
        active = [name for name in names if self.service(environment, name).status != "INACTIVE"]
        found = [_digests(self.service(environment, name).task_definition) for name in active]
        return {service: digest for digests in found for service, digest in digests.items()}

    def answered(self, environment: str, service: str) -> set[str]:
        """What the service's running tasks say of themselves."""
        tasks = backend().tasks.get(f"gatehouse-{environment}", {}).values()
        running = [_digests(one.task_definition_arn) for one in tasks if one.desired_status == "RUNNING"]
        return {self.answers.get(service, digests[service]) for digests in running if service in digests}

    def service(self, environment: str, group: str) -> Any:
        """moto's own service, to be changed as AWS would."""
        return backend().services[f"gatehouse-{environment}:{group}"]

    def rolls_back(self, environment: str, group: str) -> None:
        """Says of an ECS service what ECS says when its breaker has rolled back."""
        said = f"(service {group}) (deployment ecs-svc/1) deployment failed: tasks failed to start."
        self.service(environment, group).events.insert(0, {"id": "1", "message": said})


def backend() -> Any:
    """moto's own state of ECS. Imported late: moto reads AWS's regions and instance types for a second, and every
    worker of a test run imports this module."""
    from moto.core.models import DEFAULT_ACCOUNT_ID  # noqa: PLC0415 - see above
    from moto.ecs.models import ecs_backends  # noqa: PLC0415 - as above

    return ecs_backends[DEFAULT_ACCOUNT_ID][REGION]


def _digests(task_definition: str) -> dict[str, str]:
    """What the task definition tells the process of each container about itself."""
    return {
        container["name"]: next(one["value"] for one in container["environment"] if one["name"] == DIGEST_VARIABLE)
        for container in backend().describe_task_definition(task_definition).container_definitions
    }


@contextlib.contextmanager
def moto_ecs() -> Generator[Ecs]:
    """Starts moto's server and the tasks' server on free ports of loopback, with empty clusters."""
    from moto.moto_api import state_manager  # noqa: PLC0415 - as above
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - as above

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    backend().reset()
    for environment in ENVIRONMENTS:
        backend().create_cluster(f"gatehouse-{environment}", [], [], {}, None, None)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # it logs every request
    # Otherwise a task would stop by itself as soon as it is looked at.
    state_manager.set_transition("ecs::task", {"progression": "manual", "times": 1_000_000})
    ecs = Ecs(endpoint="http://{}:{}".format(*server.get_host_and_port()), address="")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _answering(ecs)) as tasks:
        ecs.address = f"http://127.0.0.1:{tasks.server_port}/{{service}}/{{task}}/version"
        threading.Thread(target=tasks.serve_forever, daemon=True).start()
        try:
            yield ecs
        finally:
            tasks.shutdown()
            server.stop()
            state_manager.unset_transition("ecs::task")


def _answering(ecs: Ecs) -> type[http.server.BaseHTTPRequestHandler]:
    class VersionHandler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _, service, task, _ = self.path.split("/")
            found = [one for tasks in backend().tasks.values() for one in tasks.values() if one.id == task]
            digests = _digests(found[0].task_definition_arn) if found else {}
            digest = ecs.answers.get(service, digests.get(service, ""))
            self.send_response(200 if digest else 503)
            self.end_headers()
            document: Mapping[str, Any] = {"service": service, "version": "v1", "image_digest": digest}
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return VersionHandler
