"""When a text that another one replaces is worth keeping."""

import pytest

from gatehouse_chassis.data.text_attempts import MUCH, loses_text


@pytest.mark.parametrize(
    ("before", "after", "same_writer", "kept"),
    [
        ("", "anything", False, False),
        ("the same", "the same", False, False),
        ("typed", "typed on", True, False),
        ("typed", "typed on", False, False),
        ("of one page", "of another", False, True),
        ("a slip", "a sli", True, False),
        ("x" * MUCH, "", True, True),
        ("x" * MUCH, "x", True, False),
    ],
)
def test_only_what_would_be_missed_is_kept(before: str, after: str, same_writer: bool, kept: bool) -> None:
    assert loses_text(before, after, same_writer=same_writer) is kept
