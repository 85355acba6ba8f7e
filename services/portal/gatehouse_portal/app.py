"""Puts the portal together: pages on top of what every service has."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide

from gatehouse_chassis import ServiceContext, create_app
from gatehouse_chassis.base.problems import Unauthenticated
from gatehouse_portal import assets, cores, pages
from gatehouse_portal.delivery import Delivery
from gatehouse_portal.desk import Core, PromotionSession
from gatehouse_portal.figures import Prometheus
from gatehouse_portal.headers import security_headers
from gatehouse_portal.peers import Peers
from gatehouse_portal.routes import admin, curriculum, home, library, members, releases, sign_in, throughput
from gatehouse_portal.sessions import IssuedTokens, Refresh, SessionStore, checked_secret
from gatehouse_portal.tables import DB
from gatehouse_portal.watch import Watch

PAGES = [sign_in, home, curriculum, members, library, releases, throughput, admin]


def create(service: ServiceContext, core: Core | None = None) -> Litestar:
    """`core` carries promotions out; by default it is what the settings name."""

    @asynccontextmanager
    async def ready(app: Litestar) -> AsyncGenerator[None]:
        """What pages need once the chassis has its clients and its database."""
        peers = Peers(service.clients)
        watch = Watch(service.addresses)
        watch.include(service.name, f"http://{service.host}:{service.port}", app)
        app.state.peers = peers
        app.state.watch = watch
        app.state.prometheus = prometheus = Prometheus(service.settings.url("prometheus_url"))
        found = core or cores.of(service)
        app.state.desk = desk = PromotionSession(found) if found else None
        delivery = Delivery()
        app.state.metrics.registry.register(delivery)
        reading = asyncio.create_task(delivery.keep_reading(desk)) if desk else None
        app.state.sessions = SessionStore(
            secret=checked_secret(service.settings.text("session_secret")),
            lifetime=service.settings.duration("session_lifetime"),
            refresh=_refresh(peers),
        )
        try:
            yield
        finally:
            await watch.close()
            await prometheus.close()
            if reading:
                reading.cancel()
            if desk:
                await desk.close()

    return create_app(
        service,
        [assets.static_file, assets.favicon, *(route for part in PAGES for route in part.ROUTES)],
        database=DB,
        lifespan=[ready],
        dependencies={
            "peers": Provide(_peers, sync_to_thread=False),
            "sessions": Provide(_sessions, sync_to_thread=False),
            "watch": Provide(_watch, sync_to_thread=False),
        },
        template_config=pages.template_config(),
        before_send=[security_headers(service.environment)],
        # The chassis answers errors with problem details; here browsers get pages, also for addresses that don't exist.
        errors=pages.answer,
    )


def _peers(state: State) -> Peers:
    return state.peers


def _sessions(state: State) -> SessionStore:
    return state.sessions


def _watch(state: State) -> Watch:
    return state.watch


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
