"""Base58 and the names of Ed25519 keys: multibase, Multikey and did:key (https://www.w3.org/TR/cid-1.0/#Multikey)."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_ED25519 = b"\xed\x01"
LONGEST = 200
"""Characters; a signature has 89, a key 48."""


def base58(content: bytes) -> str:
    number, text = int.from_bytes(content, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        text = _ALPHABET[rest] + text
    return "1" * (len(content) - len(content.lstrip(b"\0"))) + text


def from_base58(text: str) -> bytes:
    """Raises ValueError."""
    if len(text) > LONGEST or not set(text) <= set(_ALPHABET):
        raise ValueError("It is no base58.")
    number = 0
    for character in text:
        number = number * 58 + _VALUES[character]
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def multikey(key: Ed25519PublicKey) -> str:
    return "z" + base58(_ED25519 + key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def from_multikey(text: str) -> Ed25519PublicKey:
    """Raises ValueError for what is no Ed25519 key."""
    content = from_base58(text[1:]) if text.startswith("z") else b""
    if not content.startswith(_ED25519) or len(content) != 34:
        raise ValueError("It is no Ed25519 key.")
    return Ed25519PublicKey.from_public_bytes(content[2:])
