"""What is read from a page: plain text, whatever its markup, and nothing where it is no page."""

import pytest

from gatehouse_topics.fetch.metadata import PageFacts, allows_metadata, facts_of

HTML = "text/html; charset=utf-8"


def test_title_description_language_and_words_are_found() -> None:
    body = "<html lang='en-GB'><title>Flex\n box</title><meta name=description content='All of &lt;it&gt;'>"
    body += "<nav>" + "menu " * 500 + "</nav><script>var a = 'x y z'</script><p>" + "word " * 400 + "</p></html>"
    facts = facts_of(body.encode(), HTML)
    assert facts == PageFacts(title="Flex box", description="All of <it>", language="en", words=400)


@pytest.mark.parametrize(
    "markup",
    [
        '<meta itemprop="duration" content="PT1H2M30S">',
        '<meta property="video:duration" content="3750">',
        '<script type="application/ld+json">{"@type": "VideoObject", "duration": "PT62M30S"}</script>',
        '<script type="application/ld+json">{"@graph": [{"x": 1}, {"duration": "PT1H2M"}]}</script>',
    ],
)
def test_how_long_a_film_is_is_found(markup: str) -> None:
    page = f'<html><title>A film</title><meta property="og:type" content="video.other">{markup}'
    facts = facts_of(page.encode(), HTML)
    assert (facts.kind, facts.minutes, facts.words) == ("video", 62, None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe\x00<title>",
        b"<" * 10_000,
        b"<title>" + b"a" * 100_000,
        b'<script type="application/ld+json">' + b"[" * 50_000,
        b"<meta property=og:title content='\x00\x1b[31m\xe2\x80\xae'>",
        b"<meta charset=no-such-thing><title>x</title>",
    ],
)
def test_whatever_a_page_holds_is_read_or_left(body: bytes) -> None:
    facts = facts_of(body, "text/html")
    assert facts.title is None or (len(facts.title) <= 200 and facts.title.isprintable())


def test_what_is_no_page_says_nothing() -> None:
    assert facts_of(b"<title>x</title>", "image/png") == PageFacts()
    assert facts_of(b"%PDF", "application/pdf").kind == "book"


def test_robots_are_respected() -> None:
    rules = b"User-agent: *\nDisallow: /private\n\nUser-agent: GatehouseLinkCheck\nDisallow: /ours\n"
    assert allows_metadata(rules, "GatehouseLinkCheck", "https://a.example/private")
    assert not allows_metadata(rules, "GatehouseLinkCheck", "https://a.example/ours/x")
    assert allows_metadata(b"", "GatehouseLinkCheck", "https://a.example/")
    assert allows_metadata(b"\xff\x00nonsense", "GatehouseLinkCheck", "https://a.example/")
