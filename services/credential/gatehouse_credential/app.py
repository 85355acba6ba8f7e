"""Assembles the credential service."""

import secrets

from litestar import Litestar

from gatehouse_catalog.errors import CatalogError, Problem
from gatehouse_chassis import ServiceContext, create_app
from gatehouse_chassis.service.key_sealing import KeySealer, SealedBox, SecretSealer
from gatehouse_chassis.service.kms import KmsSealer
from gatehouse_credential.access import MemberAccess
from gatehouse_credential.achievement.routes import AchievementController
from gatehouse_credential.award.evidence import EvidenceSources
from gatehouse_credential.award.public_routes import CredentialController, SignedLists
from gatehouse_credential.award.routes import AwardController
from gatehouse_credential.events import OUTBOX
from gatehouse_credential.issuer.did import CertificateIssuer
from gatehouse_credential.issuer.key_ring import IssuerKeyRing
from gatehouse_credential.issuer.routes import IssuerController
from gatehouse_credential.tables import DB
from gatehouse_credential.verification.routes import verify
from gatehouse_credential.verification.verify import Verifier

ROUTES = [AchievementController, AwardController, CredentialController, IssuerController, verify]
SHORTEST_SECRET = 32


def create(service: ServiceContext) -> Litestar:
    """The application. Raises CatalogError where key_encryption_secret is missing or too short."""
    issuer = CertificateIssuer(service.settings.text("issuer_name"), service.public_url)
    keys = IssuerKeyRing(_sealer(service))
    app = create_app(service, ROUTES, database=DB, outbox=OUTBOX)
    app.state.update(
        {
            "evidence": EvidenceSources(service),
            "issuer": issuer,
            "issuer_keys": keys,
            "member_access": MemberAccess(service),
            "signed_lists": SignedLists(issuer, keys),
            "verifier": Verifier(issuer, keys),
        }
    )
    return app


def _sealer(service: ServiceContext) -> KeySealer:
    """KMS where the platform gives it a key; elsewhere key_encryption_secret."""
    if service.sealing_key:
        return KmsSealer(service.sealing_key, service.environment)
    secret = service.settings.text("key_encryption_secret")
    if not secret and service.database_url is None:
        secret = secrets.token_urlsafe(32)  # made for its documents only
    if min(map(len, secret.split()), default=0) < SHORTEST_SECRET:
        problem = Problem(
            file="environment",
            key="GATEHOUSE_SECRET_KEY_ENCRYPTION_SECRET",
            message="is too short to seal keys with." if secret else "is not set.",
            fix=f"Pass at least {SHORTEST_SECRET} random characters, such as the output of: openssl rand -base64 32",
        )
        raise CatalogError([problem])
    return SecretSealer(SealedBox(secret, b"gatehouse issuer keys"))
