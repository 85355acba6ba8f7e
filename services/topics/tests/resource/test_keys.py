"""Which addresses are the same resource."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_topics.resource.keys import key_of, twins

SEED = Path(__file__).parents[2] / "database" / "test-data" / "resource.json"
BASE = "https://example.org/a/b?x=1&y=2"


@pytest.mark.parametrize(
    "same",
    [
        "http://example.org/a/b?x=1&y=2",
        "HTTPS://EXAMPLE.org:443/a/b?x=1&y=2",
        "https://www.example.org/a/b/?y=2&x=1",
        "https://example.org./a/./c/../b?x=1&y=2",
        "https://example.org/a/b?x=1&utm_source=mail&y=2&fbclid=abc#part-2",
        "https:\\\\example.org\\a\\b?x=1&y=2",
        "  https://exa\nmple.org/%61/b?x=%31&y=2 ",
        "https:////example.org/a/b?&x=1&y=2&",
        "https://example.org/a/%2E/c//%2e./.%2E/b/x//../..?x=1&y=2",
    ],
)
def test_one_page_has_one_key_however_it_is_written(same: str) -> None:
    assert key_of(same) == key_of(BASE) == "example.org/a/b?x=1&y=2"


@pytest.mark.parametrize(
    "other",
    [
        "https://example.org/A/b?x=1&y=2",
        "https://example.org:8443/a/b?x=1&y=2",
        "https://learn.example.org/a/b?x=1&y=2",
        "https://example.org/a/b?x=1",
        "https://example.org/a%2Fb?x=1&y=2",
        "https://example.org/a/b?x=1&y=2#/chapter/3",
        "https://example.org/a/b?x=1&y=2&reference=utm_source",
    ],
)
def test_what_shows_something_else_has_another(other: str) -> None:
    assert key_of(other) != key_of(BASE)


def test_names_are_compared_as_they_are_asked_for() -> None:
    assert key_of("https://Bücher.example/%E4%BD%A0") == key_of("https://xn--bcher-kva.example/你")
    assert key_of("https://☃.example") == "xn--n3h.example"
    assert key_of("https://[2001:DB8::0:1]/") == key_of("http://[2001:db8::1]")
    assert key_of("https://example.org/?a=%2f") == key_of("https://example.org?a=%2F")
    assert key_of("https://example.org/?a='?'") == key_of("https://example.org?a=%27?%27")


@pytest.mark.parametrize("written", ["0xC0.0xa8.1", "0300.0250.1", "3232235521", "192.168.0.1.", "192.168.0.0x1"])
def test_a_number_is_an_address_as_browsers_read_it(written: str) -> None:
    assert key_of(f"http://{written}/a") == "192.168.0.1/a"


@pytest.mark.parametrize(
    "odd", ["http://256.1.1.1", "http://1.2.3.4.5", "http://4294967296", "http://09.1", "http://a..1"]
)
def test_a_number_that_is_no_address_is_its_own_key(odd: str) -> None:
    assert key_of(odd) == odd


@given(st.text(st.characters(), max_size=60))
def test_whatever_is_given_has_a_key(rest: str) -> None:
    key = key_of("https://" + rest)
    assert key == key_of("https://" + rest)
    assert key_of(rest) == key_of(rest)


def test_what_is_no_address_is_its_own_key() -> None:
    assert [key_of(text) for text in ("learn", "learn git", "https:///", "mailto:")] == [
        "learn",
        "learn git",
        "https:///",
        "mailto:",
    ]


def test_of_the_seeds_links_exactly_two_are_one_page() -> None:
    links = json.loads(SEED.read_text(encoding="utf-8"))
    assert len(links) == 725
    assert twins((link["number"], link["url"]) for link in links) == [[297, 675]]
