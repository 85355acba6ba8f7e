"""The contexts that credentials are written in, pinned: the service never fetches one.

They are the W3C's and 1EdTech's own files (contexts/), so that a certificate means tomorrow what it means today.
"""

import functools
from importlib.resources import files
from typing import Any

import msgspec

from gatehouse_credential.linked_data.errors import Unreadable

CREDENTIALS = "https://www.w3.org/ns/credentials/v2"
OPEN_BADGES = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
FILES = {
    CREDENTIALS: "credentials-v2",
    "https://www.w3.org/2018/credentials/v1": "credentials-v1",
    "https://w3id.org/security/data-integrity/v1": "data-integrity-v1",
    "https://w3id.org/security/data-integrity/v2": "data-integrity-v2",
    "https://w3id.org/security/suites/ed25519-2020/v1": "ed25519-signature-2020",
    "https://www.w3.org/ns/credentials/status/v1": "status-list-v1",
    OPEN_BADGES: "open-badges-3.0.3",
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.2.json": "open-badges-3.0.2",
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.1.json": "open-badges-3.0.1",
    "https://purl.imsglobal.org/spec/ob/v3p0/context.json": "open-badges-3.0",
    "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json": "open-badges-extensions",
}


@functools.cache
def pinned(address: str) -> Any:
    """The value of `@context` in the file at `address`. Raises Unreadable for one that isn't pinned."""
    if address not in FILES:
        raise Unreadable(f"The context {address[:200]} isn't one that this service knows.")
    folder = files("gatehouse_credential.linked_data").joinpath("contexts")
    return msgspec.json.decode(folder.joinpath(f"{FILES[address]}.json").read_bytes())["@context"]
