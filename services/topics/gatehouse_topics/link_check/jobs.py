"""Looks at links by itself: each once a week, one that failed every day. The longest unseen come first."""

import asyncio
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from gatehouse_chassis.jobs.structs import JobRun
from gatehouse_topics.fetch.fetcher import Fetcher, FetchRefused, PageUnreachable
from gatehouse_topics.link_check import queries
from gatehouse_topics.link_check.checking import result_of
from gatehouse_topics.link_check.structs import NewLinkCheck
from gatehouse_topics.tables import DB

USUALLY, AFTER_FAILURE = timedelta(days=7), timedelta(hours=20)
# As many as a night has time for; what is left comes first in the next.
MOST = 400


class DueLink(NamedTuple):
    id: UUID
    url: str


class LinkChecking:
    """`fetcher`: how a link is asked for."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    async def check_links(self, run: JobRun) -> None:
        """Each link is recorded by itself: what was looked at stays so when the run is cut off."""
        due = await queries.due(run.now - USUALLY, run.now - AFTER_FAILURE, MOST)
        await asyncio.gather(*(self._check(DueLink(one.id, one.url)) for one in due))

    async def _check(self, link: DueLink) -> None:
        found = await self.look(link.url)
        async with DB.transaction():
            await queries.record_found(link.id, link.url, found)

    async def look(self, url: str) -> NewLinkCheck:
        """What the link answers now."""
        try:
            return result_of(url, await self._fetcher.fetch(url))
        except FetchRefused as refused:
            return NewLinkCheck(result="unsafe", note=_sentence(refused))
        except PageUnreachable as unreachable:
            return NewLinkCheck(result="gone" if unreachable.lasting else "timeout", note=_sentence(unreachable))


def _sentence(problem: Exception) -> str:
    text = str(problem)
    return text[:1].upper() + text[1:]
