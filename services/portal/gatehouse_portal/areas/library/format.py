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


def how_long(resource: Any) -> str:
    """`40 min, 1,200 words, 12 pages`; nothing where nobody knows."""
    known = [
        f"{resource.length_minutes:,} min" if resource.length_minutes else "",
        f"{resource.length_words:,} word{'' if resource.length_words == 1 else 's'}" if resource.length_words else "",
        f"{resource.length_pages:,} page{'' if resource.length_pages == 1 else 's'}" if resource.length_pages else "",
    ]
    return ", ".join(part for part in known if part)


# What is worth saying beside a resource; of a link that is well, nothing is.
LINK_WORDS = {
    "moved": "Its address has moved",
    "failed": "There was nothing at its address when last checked",
    "blocked": "Its site turned the last check away",
    "unknown": "The last check of its address got no answer",
}


def link_words(status: str) -> str:
    return LINK_WORDS.get(status, "")


FILTERS: dict[str, Callable[..., Any]] = {"host": host, "how_long": how_long, "link_words": link_words}
