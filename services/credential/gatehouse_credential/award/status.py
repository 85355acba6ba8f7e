"""Which certificates are revoked, as one bit each (https://www.w3.org/TR/vc-bitstring-status-list/). Pure functions.

A list has 131,072 places, and a certificate a random one, so that who asks for the list doesn't tell about whom.
"""

import base64
import gzip
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from gatehouse_credential.award.document import LISTS, stamp
from gatehouse_credential.issuer.did import CertificateIssuer
from gatehouse_credential.linked_data.pinned import CREDENTIALS

SIZE = 131_072
TRIED = 32
"""Random places of which the first free one is taken. None is about once in thirty times when nine in ten are taken: so
full a list gets before the next one begins."""


def random_places() -> list[int]:
    return [secrets.randbelow(SIZE) for _ in range(TRIED)]


def encoded(revoked: Iterable[int]) -> str:
    """Multibase of the compressed bits; the first place is the leftmost bit."""
    bits = bytearray(SIZE // 8)
    for index in revoked:
        bits[index // 8] |= 0x80 >> index % 8
    return "u" + base64.urlsafe_b64encode(gzip.compress(bytes(bits), mtime=0)).rstrip(b"=").decode()


def is_revoked(encoded_list: str, index: int) -> bool:
    """Raises ValueError for what is no list."""
    text = encoded_list.removeprefix("u")
    bits = gzip.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return bool(bits[index // 8] & 0x80 >> index % 8)


def status_list(number: int, revoked: Iterable[int], issuer: CertificateIssuer, at: datetime) -> dict[str, Any]:
    """Without its proof."""
    address = f"{issuer.url}{LISTS}/{number}"
    return {
        "@context": [CREDENTIALS],
        "id": address,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer.did,
        "validFrom": stamp(at),
        "credentialSubject": {
            "id": f"{address}#list",
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": encoded(revoked),
        },
    }
