"""What topics says about resources, as people read it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit


def host(url: str) -> str:
    """`docs.python.org` of an address; nothing of a text that isn't one. A page must render whatever is stored."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


FILTERS: dict[str, Callable[..., Any]] = {"host": host}
