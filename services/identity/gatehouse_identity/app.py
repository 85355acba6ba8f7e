"""Puts identity together: its keys, sessions and sign-in, made once from the settings."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import structlog
from litestar import Litestar

from gatehouse_chassis import Service, create_app
from gatehouse_chassis.problems import Unavailable
from gatehouse_identity.digests import Box
from gatehouse_identity.keys import KeyRing
from gatehouse_identity.oidc import Provider
from gatehouse_identity.routes import ROUTES
from gatehouse_identity.sessions import Lifetimes, Sessions
from gatehouse_identity.sign_in import SignIns
from gatehouse_identity.tables import DB

log = structlog.get_logger()


def create(service: Service) -> Litestar:
    """The application. Whether key_encryption_secret is good shows when it starts, so that documents need none."""
    settings = service.settings
    keys = KeyRing()
    lifetimes = Lifetimes(
        idle=timedelta(seconds=settings.duration("session_idle")),
        longest=timedelta(seconds=settings.duration("session_longest")),
        grace=timedelta(seconds=settings.duration("refresh_grace")),
    )

    @asynccontextmanager
    async def ready_to_sign(app: Litestar) -> AsyncGenerator[None]:
        box = Box(settings.text("key_encryption_secret"))
        provider = Provider(service)
        sessions = Sessions(keys, box, lifetimes)
        keys.use(box)
        app.state.update(
            {
                "key_ring": keys,
                "provider": provider,
                "sessions": sessions,
                "sign_ins": SignIns(provider, sessions, box, service.public_url),
            }
        )
        try:
            await keys.prepare()
        except (asyncpg.PostgresError, Unavailable) as error:
            # The schema isn't applied yet: /health/ready says so, and the first token makes the key.
            log.warning("no signing key yet", reason=type(error).__name__)
        try:
            yield
        finally:
            await provider.close()

    return create_app(service, ROUTES, database=DB, lifespan=[ready_to_sign], keys=keys.verification_keys)
