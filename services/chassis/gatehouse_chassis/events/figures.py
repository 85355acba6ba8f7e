"""Events in /metrics: how far a consumer is behind each producer, and what is parked."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gatehouse_chassis.events.reader import ReaderFigures

STATES = ("retrying", "behind", "parked")
GAUGES = (
    ("backlog", "Events that are published and not handled; counted to 10,000"),
    ("lag_seconds", "Age of the oldest event that isn't handled, parked ones left out; 0 without one"),
    ("held_seconds", "How long the oldest event waits for a transaction that began before it, anywhere in the cluster"),
)
COUNTERS = (("handled", "Events whose effect is there"), ("failures", "Times that a handler failed"))


class EventsCollector(Collector):
    """Of the task that reads the producer's feed; the others show nothing."""

    def __init__(self, service: str, look: Callable[[], Mapping[str, ReaderFigures]]) -> None:
        self._service = service
        self._look = look

    def collect(self) -> Iterable[Metric]:
        led = {producer: figures for producer, figures in self._look().items() if figures.leads}
        for name, text in GAUGES:
            gauge = GaugeMetricFamily(f"gatehouse_events_{name}", text, labels=["service", "producer"])
            for producer, figures in led.items():
                gauge.add_metric([self._service, producer], getattr(figures, name))
            yield gauge
        unhandled = GaugeMetricFamily(
            "gatehouse_events_unhandled",
            "Events whose handler failed: to be tried again, waiting behind those, and parked until a person looks",
            labels=["service", "producer", "state"],
        )
        for producer, figures in led.items():
            for state in STATES:
                unhandled.add_metric([self._service, producer, state], getattr(figures.counts, state))
        yield unhandled
        for name, text in COUNTERS:
            counter = CounterMetricFamily(f"gatehouse_events_{name}", text, labels=["service", "producer"])
            for producer, figures in self._look().items():
                value = figures.handled if name == "handled" else figures.failed
                counter.add_metric([self._service, producer], value)
            yield counter
