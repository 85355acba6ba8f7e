"""The probe as something to scrape: it visits again and again, and exports what the last visit was like."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from aiohttp import web

from gatehouse_observability.probe.visit import ProbeOutcome, visit


def exposition(outcome: ProbeOutcome) -> str:
    """The metrics of one visit, in Prometheus' text format."""
    address = urlsplit(outcome.url).netloc
    return (
        "# HELP gatehouse_probe_success Whether the last visit from outside succeeded\n"
        "# TYPE gatehouse_probe_success gauge\n"
        f'gatehouse_probe_success{{address="{address}"}} {0 if outcome.failed else 1}\n'
        "# HELP gatehouse_probe_seconds How long the last visit took\n"
        "# TYPE gatehouse_probe_seconds gauge\n"
        f'gatehouse_probe_seconds{{address="{address}"}} {outcome.milliseconds / 1000:g}\n'
    )


@asynccontextmanager
async def exporting(url: str, *, host: str, port: int, every: float, seconds: float) -> AsyncGenerator[None]:
    """Visits `url` every `every` seconds and serves /metrics on a port, until the block ends."""
    last: ProbeOutcome | None = None

    async def metrics(_request: web.BaseRequest) -> web.Response:
        return web.Response(text=exposition(last) if last else "")

    async def keep_visiting() -> None:
        nonlocal last
        while True:
            last = await visit(url, seconds=seconds)
            await asyncio.sleep(every)

    application = web.Application()
    application.router.add_get("/metrics", metrics)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    visiting = asyncio.create_task(keep_visiting())
    try:
        yield
    finally:
        visiting.cancel()
        await runner.cleanup()
