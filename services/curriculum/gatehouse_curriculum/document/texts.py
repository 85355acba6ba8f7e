"""The texts of a plan as a pycrdt document: put together from what is stored, read, and edited by who has no Yjs.

A document belongs to the thread that made it.
"""

import hashlib
from collections.abc import Iterable

from pycrdt import Doc, Text

from gatehouse_curriculum.document.update_format import TEXT_NAME


def put_together(state: bytes | None, updates: Iterable[bytes]) -> Doc:
    """What was deleted is gone from it, and from all that is written from it."""
    doc: Doc = Doc()
    if state:
        doc.apply_update(state)
    for update in updates:
        doc.apply_update(update)
    return doc


def texts_of(doc: Doc) -> dict[str, str]:
    """Those in which something is written."""
    names = sorted(name for name in doc.keys() if TEXT_NAME.fullmatch(name))  # noqa: SIM118 - a Doc is no mapping
    found = {name: str(doc.get(name, type=Text)) for name in names}
    return {name: text for name, text in found.items() if text}


def digest_of(text: str) -> str:
    """Tells whether a text is the one that somebody has read."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def edited(doc: Doc, name: str, text: str) -> bytes:
    """Makes the text in the document be `text`, and gives the update: only what differs is written anew."""
    before = doc.get_state()
    written = doc.get(name, type=Text)
    was = str(written)
    begin = _common(was, text)
    end = _common(was[begin:][::-1], text[begin:][::-1])
    with doc.transaction():
        if len(was) - end > begin:
            del written[begin : len(was) - end]
        if len(text) - end > begin:
            written.insert(begin, text[begin : len(text) - end])
    return doc.get_update(before)


def _common(one: str, other: str) -> int:
    """How many characters they begin with in common."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count
