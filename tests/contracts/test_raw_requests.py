"""Raw bytes at each service's own socket: nothing but 503 is a 5xx, and each answer is counted and logged once.

GATEHOUSE_RAW_REQUESTS is how many are sent in all: a seeded slice in the deep set, 200,000 for the design's figure.
"""

import asyncio
import contextlib
import json
import os
import re
from collections import Counter
from typing import Any

import pytest

from gatehouse_local.testing.waiting import until

from .conftest import CATALOG, Institute
from .raw_requests import UNLOGGED, RawRequest, RequestMaker

REQUESTS = int(os.environ.get("GATEHOUSE_RAW_REQUESTS", "12000"))
SEED = int(os.environ.get("GATEHOUSE_SEED", "1"))
AT_ONCE = 16
# Seconds. For an answer that must come it only ends a hang; where the rest of a request is missing, we hang up.
ANSWERED_WITHIN, HANG_UP_AFTER = 60.0, 0.05
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n(?P<headers>(?:[^\r\n]+\r\n)*)\r\n")
SERVICES = [service.name for service in CATALOG if service.port]
pytestmark = [pytest.mark.deep, pytest.mark.timeout(1800)]


class RawClient:
    """Sends raw requests to one address, a connection each, and keeps what came back."""

    def __init__(self, url: str) -> None:
        self._address = ("127.0.0.1", int(url.rpartition(":")[2]))
        self.answers: Counter[int] = Counter()
        self.unanswered: list[bytes] = []
        self.without_retry_after: list[bytes] = []
        self.hung_up = 0

    async def send(self, request: RawRequest) -> None:
        reader, writer = await asyncio.open_connection(*self._address)
        answer = b""
        try:
            writer.write(request.encode())
            bound = ANSWERED_WITHIN if request.is_complete else HANG_UP_AFTER
            with contextlib.suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(bound):
                    while chunk := await reader.read(65536):
                        answer += chunk
        finally:
            writer.transport.abort()
        found = [match for match in STATUS.finditer(answer) if match[1] != b"100"]
        self.answers.update(int(match[1]) for match in found)
        if any(match[1] == b"503" and b"retry-after" not in match["headers"].lower() for match in found):
            self.without_retry_after.append(request.encode())
        if not found and request.is_complete:
            self.unanswered.append(request.encode())
        self.hung_up += not found


async def send_all(client: RawClient, maker: RequestMaker, count: int) -> None:
    left = iter(range(count))

    async def one_after_another() -> None:
        for _ in left:
            await client.send(maker.make())

    await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))


def counted(institute: Institute, service: str) -> Counter[int]:
    """Answers by status, as /metrics counts them; those that were shed as 503."""
    found: Counter[int] = Counter()
    for line in institute.get(service, "/metrics").text.splitlines():
        labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
        value = line.rpartition(" ")[2]
        if line.startswith("gatehouse_http_requests_total{") and labels["route"] not in UNLOGGED:
            found[int(labels["status"])] += int(float(value))
        elif line.startswith("gatehouse_http_requests_shed_total{"):
            found[503] += int(float(value))
    return found


def request_lines(institute: Institute, service: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in institute.log(service).splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "request"]


def logged(institute: Institute, service: str) -> Counter[int]:
    return Counter(line["status"] for line in request_lines(institute, service))


def asked_by_services(institute: Institute, service: str) -> int:
    """What others ask by themselves: events, and identity's keys. The first takes a token that no raw request has."""
    found = Counter(line["route"] for line in request_lines(institute, service) if line["status"] == 200)
    return found["/events"] + found["/api/identity/jwks.json"]


def in_flight(institute: Institute, service: str) -> int:
    """Requests that the service is answering, but for the one that asks."""
    text = institute.get(service, "/metrics").text
    return int(float(re.findall(r"^gatehouse_http_requests_in_flight.* (\S+)$", text, re.M)[0])) - 1


@pytest.mark.parametrize("service", SERVICES)
async def test_raw_bytes_cause_no_failure_of_ours_and_each_answer_is_counted_and_logged(
    institute: Institute, service: str
) -> None:
    tokens = [institute.sign_in(persona)["Authorization"] for persona in ("admin", "member")]
    document = institute.get(service, "/openapi.json").json()
    asked_before = asked_by_services(institute, service)
    before, logged_before = counted(institute, service), logged(institute, service)
    client = RawClient(institute.url(service))
    await send_all(client, RequestMaker(document, tokens, SEED), REQUESTS // len(SERVICES))
    await asyncio.to_thread(until, lambda: in_flight(institute, service) == 0, "the last requests to be answered")

    # Others ask meanwhile (feeds, keys), so both are read until they agree.
    def same() -> bool:
        return counted(institute, service) - before == logged(institute, service) - logged_before

    await asyncio.to_thread(until, same, "each answer to be counted once and logged once")
    count = counted(institute, service) - before
    assert [status for status in count if status >= 500] in ([], [503])
    assert not client.without_retry_after
    assert not client.unanswered
    assert not (client.answers - count).keys() - {400}, "each answer is counted; as 400 only those whose body broke"
    assert client.answers.total() <= count.total()
    besides = client.hung_up + asked_by_services(institute, service) - asked_before
    assert count.total() - client.answers.total() <= besides, "and nothing besides"
    assert institute.get(service, "/health/ready").status_code == 200
