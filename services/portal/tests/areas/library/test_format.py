"""Filters of templates: one stored value must never take a whole page from everybody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_portal.areas.library.format import FILTERS, host


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
    for function in FILTERS.values():
        assert isinstance(function(text), str)
