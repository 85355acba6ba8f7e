"""Asks tasks what they are: each one's own /version, not what somebody wrote about it.

The load balancer doesn't route /version, and a task's address is private: so who asks must stand in the environment's
network. `DirectVersionProbe` is for a machine inside it (a runner, a tunnel, a test); else a task is run.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import httpx
import msgspec

TIMEOUT_SECONDS = 5.0
ATTEMPTS = 3
AT_ONCE = 8


class RunningTask(msgspec.Struct, frozen=True, kw_only=True):
    """A running task, and where it listens."""

    id: str
    service: str
    environment: str
    address: str
    port: int
    task_definition: str


class TaskNetwork(msgspec.Struct, frozen=True, kw_only=True):
    """Where a service's tasks run, as ECS and its task definition say it; `session` (boto3's) may look there."""

    session: Any
    region: str
    cluster: str
    environment: str
    service: str
    task_definition: str
    configuration: Mapping[str, Any]
    log: Mapping[str, str]


class VersionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What we read of the chassis' answer."""

    service: str
    image_digest: str


class VersionProbe(Protocol):
    def probe(
        self, tasks: Sequence[RunningTask], others: Sequence[RunningTask], network: TaskNetwork
    ) -> Mapping[str, str]:
        """Task id -> the digest that its /version answers; empty when it doesn't answer.

        `others`: the environment's other tasks, which will be asked next. `network`: where these tasks run.
        """
        ...


class DirectVersionProbe:
    """Over HTTP from this machine. `address` has placeholders: `http://{address}:{port}/version`."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._http = httpx.Client(timeout=TIMEOUT_SECONDS, transport=httpx.HTTPTransport(retries=ATTEMPTS))

    def probe(
        self, tasks: Sequence[RunningTask], others: Sequence[RunningTask], network: TaskNetwork
    ) -> Mapping[str, str]:
        del others, network
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip([task.id for task in tasks], pool.map(self._one, tasks), strict=True))

    def _one(self, task: RunningTask) -> str:
        address = self._address.format(
            address=task.address,
            port=task.port,
            task=task.id,
            service=task.service,
            environment=task.environment,
        )
        try:
            answer = self._http.get(address)
        except httpx.HTTPError:
            return ""
        return digest_of(answer.content, task.service) if answer.status_code == 200 else ""


def digest_of(answer: bytes, service: str) -> str:
    """The digest in an answer of /version; empty when the answer isn't one, or another service's."""
    try:
        said = msgspec.json.decode(answer, type=VersionAnswer)
    except msgspec.DecodeError:
        return ""
    return said.image_digest if said.service == service else ""
