"""Which `Host` a request may name: the platform's own, or one that no other site can have.

A page of another site can make its name lead to this machine or network (DNS rebinding) and then be, for a browser, of
the same origin as we are. So a name with a dot must be ours; an address, `localhost` and a name of the inside pass.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

# RFC 3986's host and port, without what no host of ours has; an IPv6 address in brackets.
HOST = re.compile(r"^(?:(?P<name>[A-Za-z0-9._-]{1,253})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?(?![\s\S])")
ADDRESS = re.compile(r"^[0-9.]+(?![\s\S])")
REMEMBERED = 64


class Hosts:
    """
    Args:
        public_url: Where people reach the platform.
        origins: Other origins that are allowed to call.
    """

    def __init__(self, public_url: str, origins: Iterable[str]) -> None:
        self._ours = {host for origin in (public_url, *origins) if (host := urlsplit(origin).hostname)}
        self._good: set[bytes] = set()
        self.explanation = f"Nothing answers under this name here; use {public_url} (or set GATEHOUSE_PUBLIC_URL)."

    def are_ours(self, host: bytes) -> bool:
        """Whether a request may name this host; one without the header (HTTP/1.0) may."""
        if host in self._good or not host:
            return True
        match = HOST.match(host.decode("latin-1"))
        if match is None:
            return False
        name = (match["name"] or "").lower()
        if "." in name and name not in self._ours and not ADDRESS.match(name):
            return False
        if len(self._good) < REMEMBERED:
            self._good.add(host)
        return True


class Origins:
    """Which pages may open a WebSocket here: browsers hold no other site's page back from it.

    Args:
        public_url: Where people reach the platform.
        origins: Other origins that are allowed to call.
        pages: A pattern of further ones, locally: pages under development.
    """

    def __init__(self, public_url: str, origins: Iterable[str], pages: str | None = None) -> None:
        self._ours = {f"{urlsplit(one).scheme}://{urlsplit(one).netloc}" for one in (public_url, *origins)}
        self._pages = re.compile(pages) if pages else None

    def are_ours(self, origin: bytes) -> bool:
        """Whether the page of this origin may; a program that is no browser sends none."""
        text = origin.decode("latin-1")
        return not text or text in self._ours or (self._pages is not None and self._pages.fullmatch(text) is not None)
