"""Delivery metrics from the records on main, read every few minutes. The dashboard Delivery shows them."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gatehouse_portal.areas.releases.promotion_session import PromotionSession
from gatehouse_release.dora import DoraFigures, figures
from gatehouse_release.state import RepositoryState

READ_SECONDS = 300.0

log = structlog.get_logger()


class DoraExporter(Collector):
    """The figures of each environment (`stage`, since `environment` is where the portal runs); nothing before main was
    read, and no figure that nothing stands behind.
    """

    def __init__(self) -> None:
        self.state: RepositoryState | None = None

    async def keep_reading(self, desk: PromotionSession) -> None:
        """Reads main every READ_SECONDS, even while nobody has the page open."""
        while True:
            try:
                self.state = await desk.state()
            except Exception as error:  # whatever it is: the figures stay what they were
                log.warning("main can't be read", error=str(error), kind=type(error).__name__)
            await asyncio.sleep(READ_SECONDS)

    def collect(self) -> Iterable[Metric]:
        found = figures(self.state, datetime.now(UTC)) if self.state else []
        counts = GaugeMetricFamily(
            "gatehouse_delivery_changes", "Ends of promotions in 30 days", labels=["stage", "outcome"]
        )
        for one in found:
            for outcome in ("deployments", "failures", "rollbacks"):
                counts.add_metric([one.environment, outcome], getattr(one, outcome))
        yield counts
        yield _each("failure_ratio", "Share of changes that failed or were taken back", found)
        yield _each("lead_seconds", "From build to running, the median of 30 days", found)
        yield _each("restore_seconds", "From a failure to its end, the median of 30 days", found)


def _each(name: str, text: str, found: Iterable[DoraFigures]) -> Metric:
    family = GaugeMetricFamily(f"gatehouse_delivery_{name}", text, labels=["stage"])
    for one in found:
        value = getattr(one, name)
        if value is not None:
            family.add_metric([one.environment], value)
    return family
