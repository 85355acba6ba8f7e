"""What an address says of its resource before anybody has read the page. Pure functions."""

import re
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from gatehouse_topics.enumerators import ResourceKind

LONGEST_NAME = 200
# Hosts that show one kind of thing.
VIDEOS = ("youtube.com", "youtu.be", "vimeo.com")
ENDING = re.compile(r"\.(html?|php|aspx?|md|pdf)$", re.IGNORECASE)


class Guess(Struct, frozen=True):
    """For somebody to look over."""

    name: str
    kind: ResourceKind


def guess_of(link: str) -> Guess:
    """The name from the last part of the path, else the host. Raises ValueError for what is no address."""
    parts = urlsplit(link)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(link)
    host = parts.hostname.removeprefix("www.")
    last = ENDING.sub("", unquote(parts.path.rstrip("/").rpartition("/")[2]))
    words = " ".join(re.split(r"[\s_+-]+", last)).strip()
    # A number or an id names nothing.
    named = words if re.search(r"[^\W\d_]{3}", words) and not host.endswith(VIDEOS) else host
    kind: ResourceKind = "video" if host.endswith(VIDEOS) else "article"
    return Guess(name=(named[:1].upper() + named[1:])[:LONGEST_NAME], kind=kind)
