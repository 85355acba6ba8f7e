"""What topics says about resources, as people read it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

LABELS = {
    "robot": "Robots",
    "one-time-low": "Paid once, low",
    "one-time-medium": "Paid once, medium",
    "one-time-high": "Paid once, high",
    "subscription-low": "Subscription, low",
    "subscription-medium": "Subscription, medium",
    "subscription-high": "Subscription, high",
    "online-instructor": "Online with a teacher",
}


def host(url: str) -> str:
    """`docs.python.org` of an address."""
    return (urlsplit(url).hostname or "").removeprefix("www.")


FILTERS: dict[str, Callable[..., Any]] = {"host": host}
