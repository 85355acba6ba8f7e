"""How many WebSockets a task has open, and with which codes they were closed."""

from collections.abc import Iterable

import msgspec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

# All others are counted as `other`: a client may send thousands of codes of its own.
CODES = (1000, 1001, 1005, 1006, 1007, 1008, 1009, 1002, 1011, 1012, 1013, 4401, 4403, 4404, 4429, 4503)


class SocketFigures(msgspec.Struct):
    """Of one task; 0 among the codes stands for all others."""

    open: int = 0
    closed: dict[int, int] = msgspec.field(default_factory=lambda: dict.fromkeys((*CODES, 0), 0))


class SocketsCollector(Collector):
    def __init__(self, service: str, figures: SocketFigures) -> None:
        self._service = service
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        opened = GaugeMetricFamily("gatehouse_sockets_open", "WebSockets that are open", labels=["service"])
        opened.add_metric([self._service], self._figures.open)
        yield opened
        closed = CounterMetricFamily("gatehouse_sockets_closed", "WebSockets that ended", labels=["service", "code"])
        for code, count in self._figures.closed.items():
            if count:
                closed.add_metric([self._service, str(code) if code else "other"], count)
        yield closed
