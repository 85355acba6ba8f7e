"""What an address says of its resource, and what a page that can't be read leaves of that."""

import pytest

from gatehouse_chassis.base.problems import Invalid
from gatehouse_topics.fetch.fetcher import Fetcher
from gatehouse_topics.resource.guess import guess_of
from gatehouse_topics.resource.preview import preview_of, robots_of


@pytest.mark.parametrize(
    ("link", "name", "kind"),
    [
        ("https://learn.example/git-in-short.html", "Git in short", "article"),
        ("https://www.youtube.com/watch?v=7EmboKQH8lM", "Youtube.com", "video"),
        ("https://learn.example/", "Learn.example", "article"),
        ("https://learn.example/posts/12345", "Learn.example", "article"),
        ("https://learn.example/caf%C3%A9-au_lait/", "Café au lait", "article"),
    ],
)
def test_an_address_says_something_of_its_resource(link: str, name: str, kind: str) -> None:
    assert (guess_of(link).name, guess_of(link).kind) == (name, kind)


async def test_a_page_that_isnt_asked_leaves_the_guess() -> None:
    found = await preview_of("http://127.0.0.1/git-in-short", Fetcher())
    assert (found.name, found.kind, found.length_minutes) == ("Git in short", "article", None)
    assert "private network" in (found.problem or "")
    for wrong in ("javascript:alert(1)", "learn", "https://[::1"):
        with pytest.raises(Invalid):
            await preview_of(wrong, Fetcher())


def test_a_sites_rules_are_beside_its_pages() -> None:
    for rest in ("/b/c?d=/e", "", "#x", "?y"):
        assert robots_of(f"https://a.example:8443{rest}") == "https://a.example:8443/robots.txt"
