"""Assembles the identity service: its keys, sessions and sign-in, built once from the settings."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import structlog
from litestar import Litestar

from gatehouse_catalog.errors import CatalogError, Problem
from gatehouse_chassis import ServiceContext, create_app
from gatehouse_chassis.base.problems import Unavailable
from gatehouse_chassis.events.service_token import other_services
from gatehouse_chassis.service.key_sealing import KeySealer, SecretSealer
from gatehouse_chassis.service.kms import KmsSealer
from gatehouse_identity.account.handlers import HANDLERS
from gatehouse_identity.account.routes import AccountController, get_me
from gatehouse_identity.audit_entry.routes import AuditEntryController
from gatehouse_identity.digests import SHORTEST_SECRET, SecretBox, new_secret
from gatehouse_identity.events import OUTBOX
from gatehouse_identity.github import GitHubSignIn
from gatehouse_identity.invitation.routes import InvitationController, service_routes
from gatehouse_identity.oidc import Provider
from gatehouse_identity.persona.routes import PersonaController
from gatehouse_identity.role_grant.routes import RoleGrantController
from gatehouse_identity.service_client.routes import ServiceClientController, issue_service_token
from gatehouse_identity.session.jobs import forget_sessions
from gatehouse_identity.session.lifecycle import Lifetimes, Sessions
from gatehouse_identity.session.routes import SessionController
from gatehouse_identity.sign_in.flow import SignIns
from gatehouse_identity.sign_in.jobs import forget_sign_ins
from gatehouse_identity.sign_in.routes import SignInController
from gatehouse_identity.signing_key.key_ring import KeyRing
from gatehouse_identity.signing_key.routes import SigningKeyController, get_jwks
from gatehouse_identity.tables import DB
from gatehouse_identity.token_exchange.routes import exchange_token

ROUTES = [
    SignInController,
    PersonaController,
    SessionController,
    get_me,
    AccountController,
    InvitationController,
    RoleGrantController,
    ServiceClientController,
    issue_service_token,
    exchange_token,
    SigningKeyController,
    get_jwks,
    AuditEntryController,
]

JOBS = {"forget_sessions": forget_sessions, "forget_sign_ins": forget_sign_ins}

log = structlog.get_logger()


def create(service: ServiceContext) -> Litestar:
    """The application. Raises CatalogError when key_encryption_secret is missing or too short."""
    settings = service.settings
    box = _box(service)
    keys = KeyRing(_sealer(service, box))
    provider, github = Provider(service), GitHubSignIn(service)
    lifetimes = Lifetimes(
        idle=timedelta(seconds=settings.duration("session_idle")),
        longest=timedelta(seconds=settings.duration("session_longest")),
        grace=timedelta(seconds=settings.duration("refresh_grace")),
    )
    sessions = Sessions(keys, box, lifetimes)

    @asynccontextmanager
    async def ready_to_sign(app: Litestar) -> AsyncGenerator[None]:
        try:
            await keys.prepare()
        except (asyncpg.PostgresError, Unavailable) as error:
            # The schema isn't applied yet: /health/ready says so, and the first token makes the key.
            log.warning("no signing key yet", reason=type(error).__name__)
        try:
            yield
        finally:
            await provider.close()
            await github.close()

    app = create_app(
        service,
        [*ROUTES, *service_routes(other_services(service.peer_key, to=service.name))],
        database=DB,
        outbox=OUTBOX,
        handlers=HANDLERS,
        lifespan=[ready_to_sign],
        jobs=JOBS,
        keys=keys.verification_keys,
        checks={"signing keys": keys.check},
    )
    app.state.update(
        {
            "key_ring": keys,
            "provider": provider,
            "github": github,
            "sessions": sessions,
            "sign_ins": SignIns({"oidc": provider, "github": github}, sessions, box, service.public_url),
        }
    )
    return app


def _sealer(service: ServiceContext, box: SecretBox) -> KeySealer:
    """KMS where the platform gives it a key; elsewhere key_encryption_secret."""
    if service.sealing_key:
        return KmsSealer(service.sealing_key, service.environment)
    return SecretSealer(box)


def _box(service: ServiceContext) -> SecretBox:
    secret = service.settings.text("key_encryption_secret")
    if not secret and service.database_url is None:
        secret = new_secret()  # made for its documents only: nothing will be kept
    if min(map(len, secret.split()), default=0) < SHORTEST_SECRET:
        problem = Problem(
            file="environment",
            key="GATEHOUSE_SECRET_KEY_ENCRYPTION_SECRET",
            message="is too short to protect the signing keys." if secret else "is not set.",
            fix=f"Pass at least {SHORTEST_SECRET} random characters, such as the output of: openssl rand -base64 32",
        )
        raise CatalogError([problem])
    return SecretBox(secret)
