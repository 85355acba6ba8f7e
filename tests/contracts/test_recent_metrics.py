"""The portal's own queries, answered by the runner where no Prometheus runs."""

import socket
import time

from gatehouse_local.metrics.recorder import RecentMetrics, ScrapeTarget
from gatehouse_portal.areas.operations.prometheus import Prometheus, TrafficFigures

METRICS = b"""gatehouse_http_requests_total{method="GET",route="/a",service="topics",status="200"} 1200.0
gatehouse_http_requests_total{method="GET",route="/a",service="topics",status="500"} 34.0
gatehouse_http_request_duration_seconds_bucket{le="0.1",method="GET",route="/a",service="topics"} 1234.0
gatehouse_http_request_duration_seconds_bucket{le="+Inf",method="GET",route="/a",service="topics"} 1234.0
process_start_time_seconds %d
"""


STARTED = time.time() - 100


async def _read(_port: int) -> bytes:
    return METRICS % STARTED


async def test_the_runner_answers_every_figure_that_the_portal_asks_for():
    recorder = RecentMetrics(lambda: {"topics": ScrapeTarget(1, True, 0.995)}, _read)
    await recorder.scrape()
    listener = socket.create_server(("127.0.0.1", 0))
    await recorder.start(listener)
    prometheus = Prometheus(f"http://127.0.0.1:{listener.getsockname()[1]}")
    try:
        figures = await prometheus.last(now=time.time() + 1)  # whole seconds, after the scrape
    finally:
        await prometheus.close()
        recorder.stop()
    assert isinstance(figures, TrafficFigures)
    assert "judges no alerts" in figures.unjudged
    (topics,) = figures.services
    assert (topics.name, topics.allowed, topics.targets, topics.requests) == ("topics", 0.005, 1, 1234)
    assert {key for key, line in topics.lines.items() if line[-1] is not None} == topics.lines.keys()
    assert topics.now("errors") == 34 / 1234
