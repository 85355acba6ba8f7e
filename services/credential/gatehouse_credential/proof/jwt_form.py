"""A certificate as a JWT (https://www.w3.org/TR/vc-jose-cose/), which some wallets take instead of one with a proof."""

from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def as_jwt(document: Mapping[str, Any], key: Ed25519PrivateKey, method: str) -> str:
    """Signed anew, by the key of `method`; it has no proof of its own in it."""
    claims = {name: value for name, value in document.items() if name != "proof"}
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": method, "typ": "vc+jwt", "cty": "vc"})
