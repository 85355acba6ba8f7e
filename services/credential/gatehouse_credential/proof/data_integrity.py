"""Proofs of the kind eddsa-rdfc-2022 (https://www.w3.org/TR/vc-di-eddsa/#eddsa-rdfc-2022): making and checking them.

Ed25519Signature2020, which many issuers still use, signs the same digest; it is only checked here.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gatehouse_credential.linked_data.canonical import Canonical
from gatehouse_credential.linked_data.dataset import quads_of
from gatehouse_credential.linked_data.expansion import expand
from gatehouse_credential.linked_data.pinned import pinned
from gatehouse_credential.proof.multibase import base58, from_base58

SUITE = "eddsa-rdfc-2022"
OLDER = "Ed25519Signature2020"
Load = Callable[[str], Any]


def canonical_text(document: Mapping[str, Any], load: Load = pinned) -> str:
    """The canonical N-Quads of a document. Raises Unreadable and TooComplex."""
    return Canonical(quads_of(expand(document, load))).text


def signed(
    document: Mapping[str, Any], key: Ed25519PrivateKey, method: str, created: str, load: Load = pinned
) -> dict[str, Any]:
    """The document with a proof. `method`: the address of the public key; `created`: a moment in RFC 3339."""
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": SUITE,
        "created": created,
        "verificationMethod": method,
        "proofPurpose": "assertionMethod",
    }
    value = "z" + base58(key.sign(_digest(document, proof, load)))
    return {**document, "proof": {**proof, "proofValue": value}}


def is_signed_by(
    document: Mapping[str, Any], proof: Mapping[str, Any], key: Ed25519PublicKey, load: Load = pinned
) -> bool:
    """Whether `proof` is of `document`, which has no proof in it, and by `key`. Raises Unreadable and TooComplex."""
    value = proof.get("proofValue")
    try:
        signature = from_base58(value[1:]) if isinstance(value, str) and value.startswith("z") else b""
    except ValueError:
        return False
    options = {name: one for name, one in proof.items() if name != "proofValue"}
    digest = _digest(document, options, load)
    try:
        key.verify(signature, digest)
    except InvalidSignature:
        return False
    return True


def _digest(document: Mapping[str, Any], options: Mapping[str, Any], load: Load) -> bytes:
    """What is signed: the hashes of the proof's options and of the document."""
    own = {**options, "@context": document.get("@context")}
    return b"".join(hashlib.sha256(canonical_text(one, load).encode()).digest() for one in (own, document))


def is_checked_here(proof: Mapping[str, Any]) -> bool:
    """Whether the proof is of one of the two kinds."""
    if proof.get("type") == OLDER:
        return "cryptosuite" not in proof
    return proof.get("type") == "DataIntegrityProof" and proof.get("cryptosuite") == SUITE
