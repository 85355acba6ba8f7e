"""Words for values: each enumerator's own."""

import re
from pathlib import Path

import pytest

from gatehouse_portal.enumerators import LABELS
from gatehouse_portal.shell.format import label

PORTAL = Path(__file__).parents[2] / "gatehouse_portal"


def test_a_value_reads_as_its_own_enumerator_says() -> None:
    assert [label("member", "role"), label("member", "follow_up_side")] == ["Member", "The member"]
    assert [label("moved", "link_status"), label("moved", "link_result")] == ["Moved", "It has moved"]
    assert [label("sre", "role"), label("online-class", "resource_kind"), label("timed_out")] == [
        "SRE",
        "Online class",
        "Timed out",
    ]


def test_an_enumerator_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError, match="rolle"):
        label("member", "rolle")


def test_every_template_names_enumerators_that_are_there() -> None:
    texts = {str(file.relative_to(PORTAL)): file.read_text(encoding="utf-8") for file in PORTAL.rglob("*.html")}
    used = {(path, name) for path, text in texts.items() for name in re.findall(r'label\("(\w+)"\)', text)}
    assert len(used) > 30
    assert {(path, name) for path, name in used if name not in LABELS} == set()
