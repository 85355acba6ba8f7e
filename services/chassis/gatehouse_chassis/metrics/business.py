"""What the institute counts rather than the machines: figures of a service's domain, beside its traffic.

A service gives `create_app` a function that reads them; they are numbers of people and things, never who or which.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

EVERY = 60.0  # seconds between looks

ReadFigures = Callable[[], Awaitable[Mapping[str, float]]]
"""Figures by name, such as `members_active`; a bounded set of names."""

log = structlog.get_logger()


class BusinessFigures(Collector):
    """Reads the figures while `running`. One that can't be read is left out until it can."""

    def __init__(self, service: str, read: ReadFigures, *, every: float = EVERY) -> None:
        self._service, self._read, self._every = service, read, every
        self._seen: Mapping[str, float] = {}

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(
            "gatehouse_business_figure", "What the institute counts, by name", labels=["service", "figure"]
        )
        for name, value in self._seen.items():
            family.add_metric([self._service, name], value)
        yield family

    @asynccontextmanager
    async def running(self, _app: Any = None) -> AsyncGenerator[None]:
        reading = asyncio.create_task(self._keep_reading())
        try:
            yield
        finally:
            reading.cancel()

    async def _keep_reading(self) -> None:
        while True:
            try:
                self._seen = await self._read()
            except Exception as error:  # the database is away: others tell of that
                self._seen = {}
                log.warning("business figures can't be read", kind=type(error).__name__)
            await asyncio.sleep(self._every)
