"""Spans by OTLP: the requests of a trace as one tree, in the protocol's own form; and nothing of it while it is off."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar, get

from gatehouse_chassis import ServiceContext, create_app
from gatehouse_chassis.base.context import RequestContext
from gatehouse_chassis.http.guards import public
from gatehouse_chassis.service.spans import MOST_WAITING, EndedRequest, SpanExporter
from gatehouse_chassis.testing import peer, serving

SERVICE = 'name = "demo"\ndomain = "demo"\nsummary = "Counts"\npath = "/api/demo"\nport = 8499\n'
TRACE, CALLER = "ab" * 16, "cd" * 8


@get("/things/{thing:int}", guards=[public], operation_id="GetThing", sync_to_thread=False)
def read_thing(thing: int) -> dict[str, int]:
    return {"one": 1 // thing}


def demo(service: ServiceContext) -> Litestar:
    return create_app(service, [read_thing])


def folder_of(path: Path) -> Path:
    folder = path / "services" / "demo"
    folder.mkdir(parents=True)
    (folder / "service.toml").write_text(SERVICE)
    return folder


def spans(body: bytes) -> list[dict[str, Any]]:
    (resource,) = json.loads(body)["resourceSpans"]
    assert {"key": "service.name", "value": {"stringValue": "demo"}} in resource["resource"]["attributes"]
    return resource["scopeSpans"][0]["spans"]


async def test_each_request_is_a_span_below_its_caller_s(tmp_path: Path):
    async with peer() as collector:
        collector.answers["POST", "/v1/traces"] = 200, {}
        environ = {"GATEHOUSE_ENVIRONMENT": "test", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        folder = folder_of(tmp_path)
        headers = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
        async with serving("demo", demo, folder=folder, environ=environ) as client:
            await client.get("/api/demo/things/1", headers=headers)
            await client.get("/api/demo/things/0", headers=headers)
            await client.get("/health/live")
        ((_, _, _, body),) = collector.requests  # at the end: what was left
    good, bad = spans(body)
    assert (good["traceId"], good["parentSpanId"], good["name"]) == (TRACE, CALLER, "GET /api/demo/things/{thing}")
    assert (good["kind"], good["status"], bad["status"]) == (2, {}, {"code": 2})
    assert int(good["startTimeUnixNano"]) < int(good["endTimeUnixNano"]) <= int(bad["endTimeUnixNano"])
    assert {"key": "http.response.status_code", "value": {"intValue": "500"}} in bad["attributes"]
    assert len(good["spanId"]) == 16


def exporter(ratio: float = 1.0) -> SpanExporter:
    return SpanExporter("http://127.0.0.1:9", {"service.name": "demo"}, ratio=ratio)


def took(found: SpanExporter, trace: str) -> int:
    """How many wait after one more."""
    found.took(RequestContext("r", trace, "1" * 16), "", "GET", "/", 200, 0.1)
    return len(found._waiting)


def test_a_share_of_traces_is_the_same_share_in_every_service():
    ids = [f"{number * 2654435761 % 2**32:08x}" * 4 for number in range(256)]
    quarter = [took(exporter(0.25), ids[number]) for number in range(256)]
    assert quarter == [took(exporter(0.25), ids[number]) for number in range(256)]
    assert 40 < sum(quarter) < 90
    assert took(exporter(0), "f" * 32) == 0
    assert took(exporter(1), "f" * 32) == 1


async def test_a_collector_that_is_away_costs_the_spans_and_nothing_else():
    found = exporter()
    for number in range(MOST_WAITING + 5):
        assert took(found, f"{number:032x}") <= MOST_WAITING
    async with httpx.AsyncClient() as http:
        await found._deliver(http)
    assert took(found, "1" * 32) == 1


def test_the_protocol_s_own_reader_reads_it():
    """The messages of OpenTelemetry's definition, where that package is there: it comes with the platform's tools."""
    service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    from google.protobuf.json_format import Parse

    ended = EndedRequest(TRACE, CALLER, "", "GET", "/", 503, 1_000_000_000, 0.5)
    read = Parse(exporter().request([ended]), service.ExportTraceServiceRequest())
    (span,) = read.resource_spans[0].scope_spans[0].spans
    assert span.end_time_unix_nano - span.start_time_unix_nano == 500_000_000
    assert span.status.code == 2


def test_off_nothing_of_it_is_loaded(tmp_path: Path):
    program = (
        "import sys; from pathlib import Path; from gatehouse_chassis import ServiceContext, create_app;"
        f"create_app(ServiceContext.load(Path({str(folder_of(tmp_path))!r}), {{'GATEHOUSE_ENVIRONMENT': 'test'}}));"
        "print('gatehouse_chassis.service.spans' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
