"""The words that pages had and don't have any more: each was replaced by what people in the field say."""

import pytest

from gatehouse_portal.shell.assets import SHELL

FORMER = (
    "Only to look at",
    "Git is the truth",
    "See what would",
    "(the same)",
    "The same as",
    "Put the hold",
    "Leave it",
    "or for good",
    "Stop, or go back",
    "Why not<",
    "Look at it again",
    "A look at",
    "Take out",
    "Back to next",
    "Complete already",
    "Nothing like that",
    "Nobody like that",
    "Open to you",
    "What every service is asked",
    "without probes",
    "The numbers of",
    "whether it is well",
    "Ways through",
    "There is no gate",
)


@pytest.mark.parametrize("words", FORMER)
def test_no_page_says(words: str):
    sources = [file for kind in ("html", "py", "js") for file in SHELL.parent.rglob(f"*.{kind}")]
    assert [file.name for file in sources if words in file.read_text(encoding="utf-8")] == []
