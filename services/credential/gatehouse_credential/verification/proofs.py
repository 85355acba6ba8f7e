"""Whose signature a certificate has: checks its proof, and that the key belongs to who says that they issued it.

Keys are never fetched: those of this institute and those that are their own name (did:key) are known; of any other
issuer it can be said that the signature fits no key that is known, never that the certificate is good.
"""

from collections.abc import Mapping
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gatehouse_credential.issuer.did import CertificateIssuer
from gatehouse_credential.issuer.key_ring import IssuerKeyRing
from gatehouse_credential.linked_data.errors import TooComplex, Unreadable
from gatehouse_credential.proof.data_integrity import is_checked_here, is_signed_by
from gatehouse_credential.proof.multibase import from_multikey
from gatehouse_credential.verification.reading import refuse_large
from gatehouse_credential.verification.rules import RefusedCredential, issuer_of, listed, moment

MOST_PROOFS = 3
JWT_KINDS = ("EdDSA", "RS256", "ES256")
DID_KEY = "did:key:"


class KnownKey(msgspec.Struct, frozen=True):
    """A key, and whose it is: `owner` is a DID."""

    owner: str
    key: Ed25519PublicKey


class ProofChecks:
    def __init__(self, issuer: CertificateIssuer, keys: IssuerKeyRing) -> None:
        self._issuer, self._keys = issuer, keys

    async def known_key(self, method: Any) -> KnownKey:
        """The key at an address. Raises RefusedCredential for one that isn't known here."""
        if not isinstance(method, str):
            raise RefusedCredential("no_proof", "Its proof names no key.")
        if (kid := self._issuer.kid_of(method)) is not None:
            ours = await self._keys.public_key(kid)
            if ours is None:
                raise RefusedCredential("key_of_another", "It claims a key of this institute that never was one.")
            return KnownKey(self._issuer.did, ours)
        did, _, name = method.partition("#")
        if did.startswith(DID_KEY) and name in ("", did.removeprefix(DID_KEY)):
            try:
                return KnownKey(did, from_multikey(did.removeprefix(DID_KEY)))
            except ValueError:
                raise RefusedCredential(
                    "unknown_proof", "It is signed with a kind of key that isn't checked here."
                ) from None
        raise RefusedCredential("unknown_key", "It is signed by another issuer, whose key this page can't look up.")

    def check(self, document: Mapping[str, Any], found: Mapping[int, KnownKey]) -> None:
        """All proofs of a document; `found`: the keys of each. It takes some milliseconds of processor.

        Raises RefusedCredential where one doesn't hold.
        """
        proofs = listed(document.get("proof"))
        unsigned = {name: value for name, value in document.items() if name != "proof"}
        for number, proof in enumerate(proofs):
            known = found[number]
            self._check_one(unsigned, proof, known.key)
            if known.owner != issuer_of(document):
                raise RefusedCredential(
                    "unbound_key", "The signature is right, but nothing shows that its key is the issuer's."
                )

    def _check_one(self, unsigned: Mapping[str, Any], proof: Mapping[str, Any], key: Ed25519PublicKey) -> None:
        checked = dict(unsigned)
        own = listed(proof.get("@context"))
        if own:
            if listed(unsigned.get("@context"))[: len(own)] != own:
                raise RefusedCredential("wrong_signature", "Its proof was made for other contexts.")
            checked["@context"] = proof["@context"]
        try:
            good = is_signed_by(checked, proof, key)
        except Unreadable as unreadable:
            unknown = "isn't one that this service knows" in str(unreadable)
            raise RefusedCredential("unknown_context" if unknown else "unsigned_content", str(unreadable)) from None
        except TooComplex as complex_:
            raise RefusedCredential("too_complex", str(complex_)) from None
        if not good:
            raise RefusedCredential("wrong_signature", "The signature isn't of this text: something was changed.")

    async def keys_of(self, document: Mapping[str, Any]) -> dict[int, KnownKey]:
        """Of each proof. Raises RefusedCredential for a proof that isn't of the kind that is checked here."""
        proofs = listed(document.get("proof"))
        if not proofs:
            raise RefusedCredential("no_proof", "It isn't signed.")
        if len(proofs) > MOST_PROOFS:
            raise RefusedCredential("too_complex", f"It has more than {MOST_PROOFS} proofs.")
        found = {}
        for number, proof in enumerate(proofs):
            if not isinstance(proof, dict):
                raise RefusedCredential("no_proof", "Its proof is no object.")
            if not is_checked_here(proof):
                raise RefusedCredential("unknown_proof", "It is signed in a way that isn't checked here.")
            if proof.get("proofPurpose") != "assertionMethod" or "previousProof" in proof or "challenge" in proof:
                raise RefusedCredential("unknown_proof", "Its proof was made for something else.")
            if "created" in proof and moment(proof["created"]) is None:
                raise RefusedCredential("unknown_proof", "Its proof doesn't say when it was made.")
            found[number] = await self.known_key(proof.get("verificationMethod"))
        return found

    async def read_jwt(self, token: str) -> dict[str, Any]:
        """The credential in a JWT whose signature fits. Raises RefusedCredential."""
        try:
            header = jwt.get_unverified_header(token)
            unchecked = jwt.decode(token, options={"verify_signature": False})
            refuse_large(unchecked)
        except (jwt.PyJWTError, Unreadable, TooComplex, ValueError, RecursionError):
            raise RefusedCredential("unreadable", "It is no JWT.") from None
        if header.get("alg") not in JWT_KINDS:
            raise RefusedCredential("unknown_proof", "It is signed in a way that isn't checked here.")
        bound = "jwk" not in header
        if bound:
            known = await self.known_key(header.get("kid"))
            key: Any = known.key
            owner = known.owner
        else:
            key, owner = _own_key(header), ""
        try:
            claims = jwt.decode(token, key, algorithms=[header["alg"]], options=_UNCHECKED)
        except (jwt.PyJWTError, TypeError, ValueError):
            raise RefusedCredential(
                "wrong_signature", "The signature isn't of this text: something was changed."
            ) from None
        document = claims.get("vc", claims)
        if not isinstance(document, dict):
            raise RefusedCredential("not_a_credential", "There is no credential in the JWT.")
        issuer = issuer_of(document)
        if "iss" in claims and claims["iss"] != issuer:
            raise RefusedCredential("wrong_signature", "The JWT and the credential in it name different issuers.")
        if owner != issuer:
            raise RefusedCredential(
                "unbound_key", "The signature is right, but nothing shows that its key is the issuer's."
            )
        return document


_UNCHECKED: Any = dict.fromkeys(("verify_aud", "verify_exp", "verify_nbf", "verify_iat", "verify_iss"), False)


def _own_key(header: Mapping[str, Any]) -> Any:
    """The key that a JWT brings along, which shows that nobody changed it, and nothing else."""
    try:
        return jwt.PyJWK(header["jwk"], algorithm=header["alg"]).key
    except (jwt.PyJWTError, TypeError, ValueError, AttributeError, KeyError):
        raise RefusedCredential("unknown_proof", "The key in the JWT can't be read.") from None
