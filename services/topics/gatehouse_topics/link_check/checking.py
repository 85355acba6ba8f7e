"""What an answer says about a link. Pure functions: no database, no HTTP.

A site that has trouble, or that turns programs away, says nothing about what people find there.
"""

from msgspec.structs import replace

from gatehouse_topics.fetch.fetcher import Fetched
from gatehouse_topics.link_check.structs import NewLinkCheck
from gatehouse_topics.resource.keys import key_of

BLOCKED = frozenset({401, 403, 407, 429, 451, 999})
GONE = frozenset({404, 410})


def result_of(url: str, answer: Fetched) -> NewLinkCheck:
    """Of an answer that came in the end."""
    found = NewLinkCheck(result="ok", http_status=answer.status, milliseconds=answer.milliseconds)
    if answer.status in GONE:
        return replace(found, result="gone")
    if answer.status in BLOCKED:
        return replace(found, result="blocked")
    if answer.status >= 400:
        note = f"It answered {answer.status}, which says nothing about the link"
        return replace(found, result="timeout", note=note)
    if answer.moved_to is not None and _is_elsewhere(url, answer.moved_to):
        return replace(found, result="moved", final_url=answer.moved_to)
    return found


def _is_elsewhere(url: str, moved_to: str) -> bool:
    """Not merely with another spelling; from http to https is."""
    return key_of(url) != key_of(moved_to) or url.partition(":")[0].lower() != moved_to.partition(":")[0].lower()
