"""The runner's figures of the last hour: the same as Prometheus' rules give, and no more memory than stated."""

from array import array

import pytest

from gatehouse_local.metrics.counters import TrafficCounters, parse
from gatehouse_local.metrics.history import HOUR, KEPT, STALE, TrafficHistory, quantile

START = 1_800_000_000.0
BOUNDS = (0.1, 0.5, float("inf"))
EVERY = 15
TEXT = b"""# TYPE gatehouse_http_requests_total counter
gatehouse_http_requests_total{method="GET",route="/health/ready",service="topics",status="200"} 40.0
gatehouse_http_requests_total{method="GET",route="/metrics",service="topics",status="200"} 7.0
gatehouse_http_requests_total{method="GET",route="/events",service="topics",status="200"} 900.0
gatehouse_http_requests_total{method="GET",route="/api/topics/{id}",service="topics",status="200"} 10.0
gatehouse_http_requests_total{method="GET",route="/api/topics/{id}",service="topics",status="503"} 2.0
gatehouse_http_requests_total{method="other",route="unmatched",service="topics",status="404"} 3.0
gatehouse_http_request_duration_seconds_bucket{le="0.1",method="GET",route="/health/ready",service="topics"} 40.0
gatehouse_http_request_duration_seconds_bucket{le="0.1",method="GET",route="/events",service="topics"} 900.0
gatehouse_http_request_duration_seconds_bucket{le="0.1",method="GET",route="/api/topics/{id}",service="topics"} 9.0
gatehouse_http_request_duration_seconds_bucket{le="+Inf",method="GET",route="/api/topics/{id}",service="topics"} 12.0
gatehouse_http_request_duration_seconds_count{method="GET",route="/api/topics/{id}",service="topics"} 12.0
process_start_time_seconds 1.8e+09
"""


def at(second: float, requests: float, failed: float = 0, *buckets: float, started: float = 0) -> TrafficCounters:
    return TrafficCounters(START + started, BOUNDS, array("d", [requests, failed, *(buckets or (requests,) * 3)]))


def history(*scrapes: tuple[float, TrafficCounters | None]) -> TrafficHistory:
    found = TrafficHistory()
    for second, counters in scrapes:
        found.add(START + second, counters)
    return found


def test_users_requests_are_counted_and_probes_and_scrapes_are_not():
    assert parse(TEXT) == TrafficCounters(1.8e9, (0.1, float("inf")), array("d", [15, 2, 9, 12]))


@pytest.mark.parametrize("text", [b"", b"4711 one", TEXT.replace(b"process_start", b"other_start")])
def test_what_isnt_one_of_our_services_isnt_counted(text: bytes):
    assert parse(text) is None


def test_a_steady_rate_is_that_rate_from_the_first_scrape_on():
    found = history(*((second, at(second, 2 * second)) for second in range(EVERY, 3600, EVERY)))
    for second in (EVERY, 100, 300, 1000, 3599):
        assert found.rate(START + second) == pytest.approx(2)
    assert found.rate(START + EVERY - 1) is None


def test_the_count_of_the_hour_is_exactly_what_the_processes_counted():
    """Also what one counted before the first scrape, and what the next one counts after a restart."""
    first = [(second, at(second, 7 + second)) for second in range(30, 601, EVERY)]
    second = [(615, None), (630, at(630, 5, started=620)), (645, at(645, 9, started=620))]
    found = history(*first, *second)
    assert found.requests_of_hour(START + 650) == 607 + 9


def test_an_hour_later_only_the_hour_is_counted():
    found = history(*((second, at(second, second)) for second in range(EVERY, 3 * 3600, EVERY)))
    last = START + 3 * 3600 - EVERY
    assert found.requests_of_hour(last) == HOUR
    assert found.requests_of_hour(last - 60) is None or found.requests_of_hour(last - 60) == HOUR
    assert found.requests_of_hour(last - HOUR) is None
    assert found.rate(last - HOUR) == pytest.approx(1)


def test_memory_is_bounded():
    found = history(*((second, at(second, second)) for second in range(EVERY, 86_400, EVERY)))
    assert len(found) <= KEPT / EVERY + 1


def test_errors_are_a_share_of_requests_and_nothing_without_requests():
    found = history((15, at(15, 100, 0)), (30, at(30, 200, 25)), *((s, at(s, 200, 25)) for s in range(45, 500, EVERY)))
    assert found.error_ratio(START + 30) == pytest.approx(0.125)
    assert found.error_ratio(START + 480) is None


def test_who_doesnt_answer_is_seen_with_the_next_scrape_and_again_when_it_does():
    found = history((15, at(15, 1)), (30, None), (45, at(45, 1)))
    assert [found.answering(START + second) for second in (14, 15, 31, 45, 45 + STALE + 1)] == [
        None,
        True,
        False,
        True,
        None,
    ]


def test_percentiles_survive_a_restart_without_requests():
    empty = TrafficCounters(START + 20, (), array("d", [0, 0]))
    found = history((15, at(15, 100, 0, 50, 90, 100)), (30, empty))
    assert [found.percentile(START + 30, share) for share in (0.5, 0.9)] == [pytest.approx(0.1), pytest.approx(0.5)]


def test_an_edited_objective_changes_the_buckets_and_loses_no_request():
    other = TrafficCounters(START + 20, (0.1, 0.3, 0.5, float("inf")), array("d", [4, 0, 4, 4, 4, 4]))
    found = history((15, at(15, 100)), (30, other))
    assert found.requests_of_hour(START + 30) == 104
    assert found.percentile(START + 30, 0.5) == pytest.approx(0.05)


def test_a_clock_that_is_put_back_starts_afresh():
    found = history((900, at(900, 900)), (15, at(15, 910)))
    assert found.answering(START + 15) is True
    assert len(found) == 2


@pytest.mark.parametrize(
    ("share", "counts", "value"),
    [
        (0.5, (0, 0, 0), None),
        (0.5, (10, 10, 10), 0.05),
        (0.95, (50, 90, 100), 0.5),
        (0.75, (50, 100, 100), 0.3),
        (0.5, (0, 0, 10), 0.5),
    ],
)
def test_quantiles_are_those_of_promql(share: float, counts: tuple[float, ...], value: float | None):
    assert quantile(share, BOUNDS, counts) == (None if value is None else pytest.approx(value))
