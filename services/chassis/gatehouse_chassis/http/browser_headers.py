"""The headers of what browsers show: what a page may load, run and send, and who may frame it (nobody)."""

from collections.abc import Awaitable, Callable

from litestar.types import Message, Scope

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not `no-referrer`: that makes browsers send `Origin: null` with forms, and the origin is what we check.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
HSTS = "max-age=31536000; includeSubDomains"
# The chassis's own page has its style in itself, and no script.
OWN_STYLE = "/docs"


def security_headers(environment: str) -> Callable[[Message, Scope], Awaitable[None]]:
    """A `before_send` hook, so that answers to unmatched addresses have them too."""
    headers = dict(ALWAYS)
    if environment != "local":
        headers["strict-transport-security"] = HSTS
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    policy = (b"content-security-policy", CONTENT_SECURITY_POLICY.encode())

    async def add(message: Message, scope: Scope) -> None:
        if message["type"] == "http.response.start":
            own = [*encoded] if scope["path"] == OWN_STYLE else [*encoded, policy]
            # An answer may be stricter than the rest: a redirect to another site says `no-referrer`.
            said = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(one for one in own if one[0] not in said)]

    return add
