"""Filters of templates: one stored value must never take a whole page from everybody."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gatehouse_portal.areas.library.format import host, how_long, link_words
from gatehouse_portal.areas.library.structs import Resource


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://www.docs.python.org/3/", "docs.python.org"),
        ("HTTP://Example.org:8080", "example.org"),
        ("http://[", ""),
        ("http://[::1", ""),
        ("http://a\u2100b.example/", ""),
        ("", ""),
    ],
)
def test_the_host_of_an_address_is_shown(url: str, shown: str) -> None:
    assert host(url) == shown


@given(st.text() | st.text("htp:/[]@.%\u2100").map("http://".__add__))
def test_no_text_makes_a_filter_fail(text: str) -> None:
    for function in (host, link_words):
        assert isinstance(function(text), str)


lengths = st.none() | st.integers(1, 10_000_000)


@given(lengths, lengths, lengths)
def test_whatever_is_known_of_a_length_is_said(minutes: int | None, words: int | None, pages: int | None) -> None:
    book = Resource(id=UUID(int=1), name="A", url="", kind="book", cost="free", level="master")
    said = how_long(replace(book, length_minutes=minutes, length_words=words, length_pages=pages))
    known = [number for number in (minutes, words, pages) if number]
    assert [int(part.split()[0].replace(",", "")) for part in said.split(", ") if part] == known
