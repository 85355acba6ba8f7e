"""What a page says of itself before it is a resource: asked for once, when somebody pastes its link."""

import asyncio

from gatehouse_chassis.base.problems import Invalid
from gatehouse_topics.fetch.fetcher import PRODUCT, Fetcher, FetchRefused, PageUnreachable
from gatehouse_topics.fetch.metadata import PageFacts, allows_metadata, facts_of
from gatehouse_topics.resource.guess import guess_of
from gatehouse_topics.resource.structs import LinkPreview

FOUND = range(200, 300)
# Seconds that somebody who pasted a link waits for the page.
PATIENCE = 3.0


async def preview_of(url: str, fetcher: Fetcher) -> LinkPreview:
    """Raises Invalid for what is no address of a page. `problem` says why the page itself says nothing."""
    try:
        guess = guess_of(url)
    except ValueError:
        raise Invalid({"url": "no address of a page; give one that begins with https://"}) from None
    try:
        async with asyncio.timeout(PATIENCE):
            facts, moved_to = await _facts(url, fetcher)
    except (FetchRefused, PageUnreachable, TimeoutError) as problem:
        why = str(problem) or "no answer in time"
        return LinkPreview(url=url, name=guess.name, kind=guess.kind, problem=f"The page can't be read: {why}.")
    return LinkPreview(
        url=url,
        moved_to=moved_to,
        name=facts.title or guess.name,
        description=facts.description,
        language=facts.language,
        kind="video" if facts.kind == "video" else "book" if facts.kind == "book" else guess.kind,
        length_minutes=facts.minutes,
        length_words=facts.words,
    )


async def _facts(url: str, fetcher: Fetcher) -> tuple[PageFacts, str | None]:
    if not await _may_read(url, fetcher):
        raise PageUnreachable("the site asks programs not to")
    answer = await fetcher.fetch(url, body=True)
    if answer.status not in FOUND:
        raise PageUnreachable(f"it answered {answer.status}")
    return facts_of(answer.body, answer.content_type), answer.moved_to


async def _may_read(url: str, fetcher: Fetcher) -> bool:
    """A site without a robots.txt, or whose can't be read, lets everybody read."""
    try:
        answer = await fetcher.fetch(robots_of(url), body=True)
    except PageUnreachable:
        return True
    return answer.status not in FOUND or allows_metadata(answer.body, PRODUCT, url)


def robots_of(url: str) -> str:
    scheme, _, rest = url.partition("://")
    host = rest.replace("\\", "/").partition("/")[0].partition("?")[0].partition("#")[0]
    return f"{scheme}://{host}/robots.txt"
