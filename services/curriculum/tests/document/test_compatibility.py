"""Documents that Yjs 13.2 wrote, of Yjs's own tests, say to pycrdt what they say to Yjs."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Array, Doc, Map, Text

from gatehouse_curriculum.document.update_format import Malformed, read_update

WRITTEN = json.loads(Path(__file__).with_name("compatibility.json").read_text(encoding="utf-8"))


def document(name: str) -> tuple[Doc, Any, bytes]:
    update = base64.b64decode(WRITTEN[name]["document"])
    doc: Doc = Doc()
    doc.apply_update(update)
    return doc, WRITTEN[name]["holds"], update


def test_they_decode_equal() -> None:
    doc, holds, _ = document("array")
    assert doc.get("array", type=Array).to_py() == holds
    doc, holds, _ = document("map")
    assert doc.get("map", type=Map).to_py() == holds
    doc, holds, _ = document("text")
    shown = [
        (each, attributes or {})
        for content, attributes in doc.get("text", type=Text).diff()
        for each in pieces(content)
    ]
    assert shown == [(each, one.get("format", {})) for one in holds for each in pieces(one["insert"])]


def pieces(content: Any) -> list[Any]:
    """The letters of a text, or what is embedded in it."""
    return list(content) if isinstance(content, str | list) else [content]


@pytest.mark.parametrize("name", ["array", "map", "text"])
def test_none_of_them_is_the_prose_of_a_plan(name: str) -> None:
    with pytest.raises(Malformed):
        read_update(document(name)[2])
