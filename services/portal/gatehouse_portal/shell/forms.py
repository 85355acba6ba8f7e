"""Forms: they must come from our own pages, and lead nowhere but to our own pages.

Two independent checks for every request that changes something: the browser says that it comes from this origin
(`Sec-Fetch-Site`, or `Origin`), and the form has a token that only a page made for this very session can hold.
"""

import hashlib
import hmac
from typing import Any
from urllib.parse import urlsplit

from litestar import Request
from litestar.connection import ASGIConnection

from gatehouse_chassis.base.problems import Forbidden

FIELD = "form_token"
LONGEST_PATH = 2_000


class Forged(Forbidden):
    """403: the form doesn't come from a page of this session."""

    slug = "forged"
    title = "This form is out of date"

    def __init__(self, detail: str = "Open the page again and repeat what you did; nothing was changed.") -> None:
        super().__init__(detail)


def form_token(key: bytes, cookie: str) -> str:
    """The token that forms of the holder of `cookie` carry. `key` is the portal's secret."""
    return hmac.new(key, b"form:" + cookie.encode(), hashlib.sha256).hexdigest()


def same_origin(connection: ASGIConnection[Any, Any, Any, Any], public_url: str) -> bool:
    """Whether the browser says that a page of ours made the request. A client that says nothing isn't a browser."""
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = connection.headers.get("origin")
    if origin is None:
        return True
    return origin == public_url or origin.partition("://")[2] == connection.headers.get("host", "")


async def check_form(request: Request[Any, Any, Any], *, key: bytes, cookie: str | None, public_url: str) -> None:
    """Raises Forged unless the form of `request` was made for the holder of `cookie`."""
    if not same_origin(request, public_url):
        raise Forged("The form was sent from another site. Nothing was changed.")
    form = await request.form()
    given = form.get(FIELD)
    if not cookie or not isinstance(given, str):
        raise Forged
    if not hmac.compare_digest(given.encode(), form_token(key, cookie).encode()):
        raise Forged


def local_path(text: object, otherwise: str = "/") -> str:
    """`text` when it is an address within this site, else `otherwise`: nobody is sent elsewhere after signing in."""
    if not isinstance(text, str) or not text.startswith("/") or len(text) > LONGEST_PATH:
        return otherwise
    # Browsers take a backslash for a slash and skip control characters: `/\host` and `/<tab>/host` lead elsewhere.
    if text.startswith(("//", "/\\")) or not text.isprintable() or "\\" in text:
        return otherwise
    parts = urlsplit(text)
    return text if not parts.scheme and not parts.netloc else otherwise
