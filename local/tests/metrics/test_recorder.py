"""The runner as the portal's Prometheus: what it answers over HTTP, and what it refuses in words."""

import json
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from asyncio import to_thread
from typing import Any

import pytest

from gatehouse_local.metrics.recorder import RecentMetrics, ScrapeTarget

METRICS = b"""gatehouse_http_requests_total{method="GET",route="/a",service="topics",status="200"} 12.0
process_start_time_seconds 1.0
"""
ALIVE = b"process_start_time_seconds 1.0\n"
NAMED = '{__name__=~"service:targets_up:count|service:http_requests:rate1h",sli!="latency"}'
GIVEN = {"query": NAMED, "start": "1", "end": "2", "step": "1"}


class Scraped:
    """A recorder of two services, and its port."""

    def __init__(self) -> None:
        self.port = 0
        self.texts: dict[int, bytes | None] = {1: METRICS, 2: ALIVE}
        self.targets = {"topics": ScrapeTarget(1, True, 0.995), "person": ScrapeTarget(2, True, 0.99)}
        self.recorder = RecentMetrics(lambda: self.targets, self.read)

    async def read(self, port: int) -> bytes | None:
        return self.texts[port]

    async def ask(self, **form: str) -> tuple[int, Any]:
        return await to_thread(_post, self.port, form)

    async def result(self, name: str) -> dict[str, float]:
        now = str(time.time())
        _, answer = await self.ask(query=f'{{__name__=~"{name}",sli!="latency"}}', start=now, end=now, step="1")
        return {one["metric"]["service"]: float(one["values"][0][1]) for one in answer["data"]["result"]}


def _post(port: int, form: dict[str, str]) -> tuple[int, Any]:
    url = f"http://127.0.0.1:{port}/api/v1/query_range"
    try:
        with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode(), timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.fixture
async def scraped():
    found = Scraped()
    await found.recorder.scrape()
    listener = socket.create_server(("127.0.0.1", 0))
    found.port = listener.getsockname()[1]
    await found.recorder.start(listener)
    yield found
    found.recorder.stop()


async def test_each_service_is_answered_by_name_as_prometheus_would(scraped):
    assert await scraped.result("service:targets_up:count") == {"topics": 1, "person": 1}
    assert await scraped.result("service:objective:ratio") == {"topics": 0.995, "person": 0.99}


async def test_a_service_that_is_away_is_shown_as_away_and_one_that_left_the_catalog_isnt_shown(scraped):
    scraped.texts[2] = None
    await scraped.recorder.scrape()
    assert await scraped.result("service:targets_up:count") == {"topics": 1, "person": 0}
    del scraped.targets["person"]
    await scraped.recorder.scrape()
    assert await scraped.result("service:targets_up:count") == {"topics": 1}


async def test_a_service_without_a_process_isnt_asked(scraped):
    """Its port would accept the connection, as the runner holds the socket, and never answer."""
    scraped.targets["person"] = ScrapeTarget(404, False, 0.99)
    await scraped.recorder.scrape()
    assert await scraped.result("service:targets_up:count") == {"topics": 1, "person": 0}


@pytest.mark.parametrize(
    ("form", "status", "words"),
    [
        ({"query": 'ALERTS{alertstate="firing"}'}, 503, "judges no alerts; Prometheus does: ./local/up --observe"),
        ({"query": "sum(up)"}, 400, "only Throughput's own queries"),
        ({"query": '{__name__=~"service:unknown:ratio",sli!="latency"}'}, 400, "service:unknown:ratio isn't recorded"),
        ({"step": "0"}, 400, "a step above 0"),
        ({"step": "-1"}, 400, "moments were asked for"),
        ({"end": "soon"}, 400, "have to be numbers"),
        ({"end": "nan"}, 400, "have to be numbers"),
        ({"end": "1e9"}, 400, "1 to 11000 can be answered"),
    ],
)
async def test_what_it_cant_answer_is_refused_in_words(scraped, form, status, words):
    found, answer = await scraped.ask(**GIVEN | form)
    assert found == status
    assert answer["status"] == "error"
    assert words in answer["error"]


async def test_stopping_frees_the_port_at_once(scraped):
    scraped.recorder.stop()
    socket.create_server(("127.0.0.1", scraped.port)).close()


async def test_what_the_institute_counts_and_the_budget_of_the_known_hour_are_answered_too(scraped):
    failed = METRICS + METRICS.splitlines()[0].replace(b'"200"} 12.0', b'"503"} 4.0') + b"\n"
    scraped.texts[1] = failed + b'gatehouse_business_figure{figure="members_active",service="topics"} 41.0\n'
    await scraped.recorder.scrape()
    assert await scraped.result("gatehouse_business_figure") == {"topics": 41}
    budget = await scraped.result("service:error_budget_remaining:ratio30d")
    assert budget["topics"] == pytest.approx(1 - 4 / 4 / 0.005)  # the 12 before were never seen to come
