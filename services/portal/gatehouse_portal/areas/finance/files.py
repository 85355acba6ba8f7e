"""Calls to ledger that read a whole file: they take longer than a page waits for anything else."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Response

from gatehouse_chassis import ServiceContext
from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.service.client import PeerClient
from gatehouse_portal.shell.peers import Peers

SHEETS = {"csv": ("text/csv; charset=utf-8", "attachment"), "pdf": ("application/pdf", "inline")}
PATIENCE = 60.0  # seconds; a hundred thousand lines take about twenty


@asynccontextmanager
async def patient(service: ServiceContext, app: Litestar) -> AsyncGenerator[None]:
    """A client of ledger that waits for it, as `app.state.patient_peers`."""
    clients: dict[str, PeerClient] = {}
    if "ledger" in service.addresses:
        clients["ledger"] = service.call("ledger").more_patient(PATIENCE)
    app.state.patient_peers = Peers(clients)
    try:
        yield
    finally:
        for client in clients.values():
            await client.close()


def patient_peers(request: Request[Any, Any, Any]) -> Peers:
    found: Peers = request.app.state.patient_peers
    return found


async def sheet_of(peers: Peers, path: str, format: str, name: str, **params: str) -> Response[bytes]:
    """A report of ledger's as CSV or PDF, passed on as it is. Raises NotFound for another format."""
    if format not in SHEETS:
        raise NotFound
    kind, how = SHEETS[format]
    content = await peers.content("ledger", "GET", path, params={**params, "format": format})
    headers = {"Content-Disposition": f'{how}; filename="{name}.{format}"', "Cache-Control": "no-store"}
    return Response(content, media_type=kind, headers=headers)


async def pdf_of(
    peers: Peers, method: str, path: str, *, name: str = "receipt", json: Any = None, token: str | None = None
) -> Response[bytes]:
    """A PDF of ledger's, passed on as it is. Nobody keeps it on the way."""
    content = await peers.content("ledger", method, path, json=json, token=token)
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"', "Cache-Control": "no-store"}
    return Response(content, media_type="application/pdf", headers=headers)
