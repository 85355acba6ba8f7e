"""Puts the portal together: the shell, and every area below `areas/`."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide

from gatehouse_catalog import load_catalog
from gatehouse_chassis import ServiceContext, create_app
from gatehouse_chassis.base.problems import Unauthenticated
from gatehouse_chassis.http.browser_headers import security_headers
from gatehouse_portal.areas import all_areas
from gatehouse_portal.shell import assets, errors
from gatehouse_portal.shell.area import Area
from gatehouse_portal.shell.navigation import Navigation
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.sessions import IssuedTokens, Refresh, SessionStore, checked_secret, forget_sessions
from gatehouse_portal.shell.templates import template_config
from gatehouse_portal.tables import DB


def create(service: ServiceContext, areas: Sequence[Area] | None = None) -> Litestar:
    """The portal's application. `areas` are for tests; by default all there are."""
    areas = all_areas() if areas is None else areas
    files = assets.Assets(areas)

    @asynccontextmanager
    async def ready(app: Litestar) -> AsyncGenerator[None]:
        """What pages need once the chassis has its clients and its database."""
        app.state.areas = areas
        app.state.assets = files
        app.state.navigation = Navigation(areas, load_catalog(service.entry.folder.parent.parent).apps)
        app.state.peers = peers = Peers(service.clients)
        app.state.sessions = SessionStore(
            secret=checked_secret(service.settings.text("session_secret")),
            lifetime=service.settings.duration("session_lifetime"),
            refresh=_refresh(peers),
        )
        async with AsyncExitStack() as opened:
            for area in areas:
                if area.lifespan is not None:
                    await opened.enter_async_context(area.lifespan(service, app))
            yield

    return create_app(
        service,
        [assets.static_file, assets.favicon, *(route for area in areas for route in area.routes)],
        database=DB,
        lifespan=[ready],
        jobs={"forget_sessions": forget_sessions},
        audience="identity",  # whose tokens sessions hold; each service is shown one of its own
        dependencies={
            "peers": Provide(_peers, sync_to_thread=False),
            "sessions": Provide(_sessions, sync_to_thread=False),
        },
        template_config=template_config(areas, files),
        before_send=[security_headers(service.environment)],
        # The chassis answers errors with problem details; here browsers get pages, also for addresses that don't exist.
        after_exception=[errors.recognize_reader],
        errors=errors.answer,
    )


def _peers(state: State) -> Peers:
    return state.peers


def _sessions(state: State) -> SessionStore:
    return state.sessions


def _refresh(peers: Peers) -> Refresh:
    async def refresh(refresh_token: str) -> IssuedTokens | None:
        body = {"refresh_token": refresh_token}
        try:
            return await peers.ask(
                "identity", "POST", "/api/identity/sessions/refresh", IssuedTokens, json=body, token=""
            )
        except Unauthenticated:
            return None

    return refresh
