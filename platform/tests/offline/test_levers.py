"""The table of levers in platform/README.md is what the estimates say."""

from pathlib import Path

import pytest

from gatehouse_platform.offline.levers import END, START, table, with_table
from gatehouse_platform.offline.prices import load_prices


@pytest.mark.deep
def test_the_page_says_what_each_lever_saves(root: Path):
    page = (root / "platform/README.md").read_text(encoding="utf-8")
    assert with_table(page, table(root, load_prices())) == page, "Fix: gate stack levers --write"


def test_a_page_without_a_place_for_the_table_is_refused():
    assert with_table(f"a{START}old{END}b", "new") == f"a{START}\nnew\n{END}b"
    with pytest.raises(ValueError, match="levers"):
        with_table("a page", "new")
