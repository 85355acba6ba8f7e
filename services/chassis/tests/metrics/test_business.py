"""What a service counts of its domain is in /metrics, and gone while it can't be read."""

import asyncio

from prometheus_client import CollectorRegistry

from gatehouse_chassis.metrics.business import BusinessFigures


async def test_figures_are_read_again_and_again_and_left_out_while_they_can_t_be():
    answers = iter([{"members_active": 3.0}, None, {"members_active": 4.0}])
    turns = asyncio.Queue[None]()

    async def look() -> dict[str, float]:
        await turns.get()
        if (found := next(answers)) is None:
            raise ConnectionError
        return found

    figures, registry = BusinessFigures("demo", look, every=0), CollectorRegistry()
    registry.register(figures)
    labels = {"service": "demo", "figure": "members_active"}
    async with figures.running(), asyncio.timeout(60):
        for expected in (3.0, None, 4.0):
            turns.put_nowait(None)
            while registry.get_sample_value("gatehouse_business_figure", labels) != expected:
                await asyncio.sleep(0)
