"""The institute's did:web (https://w3c-ccg.github.io/did-method-web/). Pure functions: no database, no HTTP."""

from collections.abc import Sequence
from urllib.parse import quote, urlsplit

import msgspec

from gatehouse_credential.issuer.structs import DidDocument, IssuerKey, VerificationMethod

PATH = "/api/credential/issuer"
"""Where its document is: PATH/did.json below the platform's address."""


class CertificateIssuer(msgspec.Struct, frozen=True):
    """Who issues certificates. `url`: where people reach the platform."""

    name: str
    url: str

    @property
    def did(self) -> str:
        return f"did:web:{quote(urlsplit(self.url).netloc, safe='')}{PATH.replace('/', ':')}"

    def method(self, kid: str) -> str:
        return f"{self.did}#{kid}"

    def kid_of(self, method: str) -> str | None:
        """None for a key of somebody else."""
        did, _, kid = method.partition("#")
        return kid if did == self.did else None


def did_document(issuer: CertificateIssuer, keys: Sequence[IssuerKey]) -> DidDocument:
    return DidDocument(
        context=["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        id=issuer.did,
        verification_method=[
            VerificationMethod(
                id=issuer.method(key.kid),
                type="Multikey",
                controller=issuer.did,
                public_key_multibase=key.public_key,
            )
            for key in keys
        ],
        assertion_method=[issuer.method(key.kid) for key in keys],
    )
