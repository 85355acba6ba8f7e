"""The page of throughput: what it draws and says, and what it says when there is nothing to draw.

Prometheus is played by a peer with answers of its shape; tests/journeys has the real one under a real load.
"""

import itertools
import re
from urllib.parse import parse_qs

import pytest
import pytest_asyncio

from gatehouse_chassis.testing import peer, serving
from gatehouse_portal.app import create
from gatehouse_portal.areas.operations import charts
from gatehouse_portal.areas.operations.prometheus import (
    FIRING,
    STEP,
    Line,
    NoFigures,
    Prometheus,
    ServiceFigures,
    TrafficFigures,
)
from gatehouse_portal.tables import DB

QUERY = ("POST", "/api/v1/query_range")
RECORDED = {
    "service:http_requests:rate5m": {"person": 4.0, "topics": 12.5},
    "service:http_requests:rate1h": {"person": 3.5},
    "service:sli_error:ratio_rate5m": {"person": 0.004, "topics": 0.0},
    "service:objective:ratio": {"person": 0.995, "topics": 0.995},
    "service:error_budget_remaining:ratio30d": {"person": 0.2, "topics": -0.4},
    "service:targets_up:count": {"person": 0, "topics": 1},
    "service:http_request_duration_seconds:p50_5m": {"person": 0.004, "topics": 0.005},
    "service:http_request_duration_seconds:p95_5m": {"person": 0.05, "topics": 0.045},
    "service:http_request_duration_seconds:p99_5m": {"person": 1.25, "topics": 0.0461},
}


def matrix(series):
    return 200, {"status": "success", "data": {"resultType": "matrix", "result": series}}


class Played:
    """A Prometheus: `recorded` all through the hour; what fires in `alerts`."""

    def __init__(self, found):
        self.peer, self.recorded, self.alerts, self.unjudged = found, RECORDED, [], ""
        self.figures: dict[str, float] = {}  # what services count besides
        found.answers[QUERY] = self.answer

    def answer(self, path, headers):
        form = {key: values[0] for key, values in parse_qs(self.peer.requests[-1][3].decode()).items()}
        if form["query"] == FIRING and self.unjudged:
            return 503, {"status": "error", "errorType": "unavailable", "error": self.unjudged}
        if form["query"] == FIRING:
            return matrix([{"metric": labels, "values": [[int(form["end"]), "1"]]} for labels in self.alerts])
        moments = range(int(form["start"]), int(form["end"]) + 1, int(form["step"]))
        return matrix(
            [
                {"metric": {"__name__": name, "service": service}, "values": [[at, str(value)] for at in moments]}
                for name, values in self.recorded.items()
                for service, value in values.items()
            ]
            + [
                {
                    "metric": {"__name__": "gatehouse_business_figure", "service": "curriculum", "figure": name},
                    "values": [[int(form["end"]), str(value)]],
                }
                for name, value in self.figures.items()
            ]
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def observed(service_url, peers):
    """A portal that knows a Prometheus: both."""
    peers.reset()
    await DB.close()
    async with peer() as played:
        environ = peers.environ | {"GATEHOUSE_SETTING_PROMETHEUS_URL": played.url}
        async with serving("portal", create, database_url=service_url, environ=environ) as portal:
            peers.tokens = portal.tokens
            yield portal, played


@pytest.fixture
def prometheus(observed):
    return Played(observed[1])


@pytest_asyncio.fixture(loop_scope="module")
async def onlooker(observed, peers, prometheus):
    peers.reset()
    async with peers.browser(observed[0]) as found:
        yield found


async def test_every_service_has_three_charts_and_the_same_numbers_as_a_table(onlooker, elements):
    await onlooker.sign_in("sre")
    answer = await onlooker.see("/throughput")
    text = answer.text
    assert answer.status_code == 200
    charts_found = [attributes for tag, attributes in elements(text).found if tag == "svg"]
    assert len(charts_found) == 6
    assert all(one["role"] == "img" for one in charts_found)
    for named in (one[key] for one in charts_found for key in ("aria-labelledby", "aria-describedby")):
        assert text.count(f'id="{named}"') == 1
    assert "Requests a second of topics, the last hour</title>" in text
    assert "now 12.5, between 12.5 and 12.5.</desc>" in text
    row = text.partition('id="to-person"')[2].partition("</tr>")[0]
    assert re.findall(r'data-label="([^"]+)">([^<]+)<', row) == [
        ("Requests/s", "4.0"),
        ("Errors", "0.4%"),
        ("p50", "4.0 ms"),
        ("p95", "50 ms"),
        ("p99", "1.2 s"),
        ("Budget left", "20%"),
        ("Last hour", "12,600"),
    ]
    assert '<td class="number overspent" data-label="Budget left">-40%<' in text
    assert "in 30 days; below 0% it has failed more" in text
    assert 'data-label="Last hour">none<' in text.partition('id="to-topics"')[2].partition("</tr>")[0]
    assert "doesn’t answer" in row
    assert "1 of 2 services answer" in text
    assert "16.5 requests a second" in text
    assert "No alert is firing" in text
    assert text.count("Table: topics") == 1


async def test_what_the_institute_counts_is_beside_it_where_it_is_known(onlooker, prometheus):
    await onlooker.sign_in("sre")
    assert "Learning in the last 30 days" not in (await onlooker.see("/throughput")).text
    prometheus.figures = {"members_active": 41.0, "resources_completed": 1180.0}
    text = re.sub(r"<[^>]+>", "", (await onlooker.see("/throughput")).text)
    assert re.search(r"41 members active\s+1,180 resources completed\s+in the last 30 days", text)


async def test_what_fires_is_named_pages_first(onlooker, prometheus):
    prometheus.alerts = [
        {"alertname": "MemoryShort", "service": "topics", "severity": "ticket"},
        {"alertname": "ServiceDown", "service": "person", "severity": "page"},
    ]
    await onlooker.sign_in("tester")
    text = (await onlooker.see("/throughput")).text
    assert "No alert is firing" not in text
    assert text.index("Page: ServiceDown (person)") < text.index("Ticket: MemoryShort (topics)")


async def test_where_nothing_judges_alerts_the_page_says_so_and_shows_the_figures(onlooker, prometheus):
    prometheus.unjudged = "nobody judges"
    await onlooker.sign_in("tester")
    text = (await onlooker.see("/throughput")).text
    assert "No alerts here: nobody judges</p>" in text
    assert "No alert is firing" not in text
    assert text.count("<svg") == 6
    home = (await onlooker.see("/")).text
    assert "1 of 2 services answer" in home
    assert "No alert is firing" not in home


async def test_the_page_refreshes_only_its_figures(onlooker):
    await onlooker.sign_in("engineer")
    whole = (await onlooker.see("/throughput")).text
    part = (await onlooker.see("/throughput", headers={"HX-Request": "true"})).text
    assert 'hx-trigger="every 10s"' in whole
    assert "<html" not in part
    assert part.count("<svg") == 6


async def test_a_prometheus_that_has_recorded_nothing_yet_says_so(onlooker, prometheus):
    prometheus.recorded = {}
    await onlooker.sign_in("sre")
    assert "No figures yet." in (await onlooker.see("/throughput")).text


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, {"service": "something else"}), "isn’t from Prometheus"),
        ((400, {"status": "error", "errorType": "bad_data", "error": "parse error"}), "rejected the query: parse"),
    ],
)
async def test_what_isnt_prometheus_is_said(onlooker, prometheus, answer, words):
    prometheus.peer.answers[QUERY] = answer
    await onlooker.sign_in("sre")
    text = (await onlooker.see("/throughput")).text
    assert "Prometheus doesn’t answer" in text
    assert words in text
    assert "./local/up --observe" in text


async def test_a_prometheus_that_isnt_there_is_said():
    prometheus = Prometheus("http://127.0.0.1:9")
    found = await prometheus.last()
    await prometheus.close()
    assert found == NoFigures("silent", "http://127.0.0.1:9", "the connection failed")


async def test_who_has_no_business_with_figures_doesnt_find_the_page(onlooker):
    for roles in (("member", "mentor"), ("staff", "board")):
        await onlooker.sign_in(*roles)
        assert 'href="/throughput"' not in (await onlooker.see("/paths")).text
        assert (await onlooker.see("/throughput")).status_code == 404
        onlooker.cookies.clear()
    for role in ("engineer", "sre", "tester", "release-manager", "admin"):
        await onlooker.sign_in(role)
        assert 'href="/throughput"' in (await onlooker.see("/paths")).text
        assert (await onlooker.see("/throughput")).status_code == 200
        onlooker.cookies.clear()


MOMENTS = list(range(0, 3601, STEP))


def panel(**lines):
    """Of a service whose other lines are flat."""
    flat = {"rate": 1.0, "errors": 0.0, "p50": 0.01, "p95": 0.1, "p99": 0.2}
    everything: dict[str, Line] = {key: [value] * len(MOMENTS) for key, value in flat.items()} | lines
    service = ServiceFigures(name="person", lines=everything, allowed=0.005, targets=1)
    return charts.panels(TrafficFigures(moments=MOMENTS, services=[service]))[0]


def test_a_line_is_broken_where_nothing_was_measured():
    line = [1.0] * 50 + [None, 2.0, None] + [2.0] * 68
    chart = panel(rate=line).charts[0]
    assert chart.lines[0].path.count("M") == 2
    assert len(chart.lines[0].dots) == 1
    assert chart.summary == "now 2.0, between 1.0 and 2.0."
    assert panel(rate=[None] * 121).charts[0].summary == "no requests."


@pytest.mark.parametrize(
    ("known", "minutes", "rows"), [(1, 10, 3), (21, 10, 3), (22, 30, 7), (61, 30, 7), (62, 60, 13)]
)
def test_as_much_of_the_hour_is_drawn_as_has_figures(known, minutes, rows):
    """Else what a platform did since its start is a sliver at the right."""
    lines = {key: [None] * (121 - known) + [1.0] * known for key in ("rate", "errors", "p50", "p95", "p99")}
    found = panel(**lines)
    assert len(found.rows) == rows
    assert found.rows[0].moment == MOMENTS[-1]
    for chart in found.charts:
        assert chart.title.endswith("the last hour" if minutes == 60 else f"the last {minutes} minutes")
        assert [tick.words for tick in chart.across] == [f"{minutes} min ago", f"{minutes / 2:g}", "now"]


@pytest.mark.parametrize("last", [(0.1, 0.1, 0.1), (0.0, 0.0, 0.0), (0.01, 0.011, 5.0), (0.01, 5.0, 5.0)])
def test_names_of_percentiles_never_cover_each_other(last):
    chart = panel(**{key: [value] * 121 for key, value in zip(("p50", "p95", "p99"), last, strict=True)}).charts[2]
    heights = [line.name_y for line in chart.lines]
    assert all(above - below >= charts.LABEL_GAP for above, below in itertools.pairwise(heights))
    assert min(heights) >= chart.top
    assert max(heights) <= chart.height


@pytest.mark.parametrize(("top", "scale"), [(0, 1), (0.03, 0.04), (1, 1), (1.01, 2), (4.2, 5), (7, 10), (0.3, 0.4)])
def test_scales_end_at_numbers_that_one_can_read(top, scale):
    assert charts.nice(top) == pytest.approx(scale)


def test_the_table_has_every_fifth_minute_and_ends_now():
    rows = panel(rate=[float(index) for index in range(121)]).rows
    assert [MOMENTS[-1] - row.moment for row in rows] == list(range(0, 3601, 300))
    assert rows[0].cells[0] == "120"


async def test_the_home_of_a_tester_says_what_fires_and_which_service_fails(onlooker, prometheus):
    await onlooker.sign_in("tester")
    text = (await onlooker.see("/")).text
    assert "No alert is firing" in text
    assert "1 of 2 services answer" in text
    assert "errors</span>" not in text  # 0.4% is within what 99.5% leaves
    prometheus.alerts = [{"alertname": "ServiceDown", "service": "person", "severity": "page"}]
    prometheus.recorded = RECORDED | {"service:sli_error:ratio_rate5m": {"person": 0.004, "topics": 0.02}}
    text = (await onlooker.see("/")).text
    assert "Page: ServiceDown (person)" in text
    assert "topics: 2% errors" in text
    await onlooker.sign_in("mentor")
    assert "/throughput" not in (await onlooker.see("/")).text
