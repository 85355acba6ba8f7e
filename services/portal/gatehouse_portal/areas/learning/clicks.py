"""Which request is a person's click. Gateways fetch every link of a mail, pages are prefetched, links are unfurled.

A browser that a person clicks in says so itself (Fetch Metadata): `Sec-Fetch-Mode: navigate` and `Sec-Fetch-User: ?1`,
which no script of a page can set. Everything else is led on, and counts for nothing.
"""

from collections.abc import Mapping

PURPOSES = ("sec-purpose", "purpose", "x-purpose", "x-moz")
AHEAD = ("prefetch", "prerender", "preview")


def is_click(method: str, headers: Mapping[str, str]) -> bool:
    """`headers` by their lower-case names."""
    ahead = any(word in headers.get(name, "").lower() for name in PURPOSES for word in AHEAD)
    return (
        method == "GET"
        and not ahead
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-user") == "?1"
        and headers.get("sec-fetch-dest", "document") == "document"
    )
