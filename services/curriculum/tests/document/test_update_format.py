"""Bytes are read before they are applied: text in the texts of a plan, and nothing that costs more than its length."""

import contextlib
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text

from gatehouse_curriculum.document import messages
from gatehouse_curriculum.document.update_format import Malformed, is_known, read_state, read_update

REASON = "reason:01900000-0000-7000-8000-000000000001"


def made(*edits: tuple[str, int, str]) -> tuple[Doc, list[bytes]]:
    """A document after these insertions (a number instead of a text deletes so many), and the update of each."""
    doc: Doc = Doc()
    updates: list[bytes] = []
    kept = doc.observe(lambda event: updates.append(event.update))
    for name, at, text in edits:
        written = doc.get(name, type=Text)
        if text.isdigit():
            del written[at : at + int(text)]
        else:
            written.insert(at, text)
    doc.unobserve(kept)
    return doc, updates


def test_what_a_text_field_writes_is_taken() -> None:
    doc, updates = made(
        ("goals", 0, "Ship it"), ("goals", 3, " 🚀 é"), ("goals", 0, "2"), (REASON, 0, "why"), ("notes", 0, "x")
    )
    known: dict[int, int] = {}
    for update in [*updates, doc.get_update()]:
        known |= read_update(update)
    assert known == read_state(doc.get_state())
    assert is_known(known, read_state(doc.get_state()))


def test_an_update_that_waits_for_another_is_noticed() -> None:
    _, updates = made(("goals", 0, "first"), ("goals", 5, " second"), ("goals", 0, "2"))
    for update in updates[1:]:
        doc: Doc = Doc()
        doc.apply_update(update)
        assert not is_known(read_update(update), read_state(doc.get_state()))


def other_than_text() -> list[bytes]:
    found = []
    for name, content in (
        ("goals", Map({"a": 1})),
        ("notes", Array([1, "two"])),
        ("evil", Text("text elsewhere")),
        ("reason:1", Text("no such id")),
        ("goals", Map({"deep": Text("text in a map")})),
    ):
        doc: Doc = Doc()
        doc[name] = content
        found.append(doc.get_update())
    formatted: Doc = Doc()
    text = formatted.get("goals", type=Text)
    text.insert(0, "bold", {"bold": True})
    text.insert_embed(0, {"image": "x"})
    return [*found, formatted.get_update()]


@pytest.mark.parametrize("number", range(6))
def test_all_else_is_refused(number: int) -> None:
    with pytest.raises(Malformed):
        read_update(other_than_text()[number])


# What pycrdt takes up to 0.9 s to refuse, by setting memory aside for what they speak of.
COSTLY = [
    b"\x94\xf5\xa8w\xc5\xadF",
    b"\xba\xda\xf0\xf4p\xb9\xa3_\x96",
    b"\xff\xff\xff\xff\x0f",
    b"\xff" * 20,
    b"\x00\xff\xff\xff\x7f",
]


@pytest.mark.parametrize("update", COSTLY, ids=range(len(COSTLY)))
def test_counts_are_held_against_the_bytes_that_are_left(update: bytes) -> None:
    begin = time.process_time()
    with pytest.raises(Malformed):
        read_update(update)
    with pytest.raises(Malformed):
        messages.read_frame(messages.state_frame(update))
    assert time.process_time() - begin < 0.05


@given(st.binary(max_size=200))
def test_whatever_is_sent_is_read_or_refused(frame: bytes) -> None:
    for read in (messages.read_frame, read_update, messages.read_awareness, read_state):
        with contextlib.suppress(Malformed):
            read(frame)


def test_what_is_taken_can_be_applied() -> None:
    """Good updates changed in a few bytes: what is taken, pycrdt applies."""
    doc, updates = made(("goals", 0, "Ship it"), ("goals", 3, " 🚀 é"), ("goals", 0, "2"), (REASON, 0, "why"))
    chance = random.Random(5)
    good, taken = [*updates, doc.get_update()], 0
    for _ in range(2_000):
        update = bytearray(chance.choice(good))
        for _ in range(chance.randint(1, 3)):
            update[chance.randrange(len(update))] = chance.randrange(256)
        try:
            read_update(bytes(update))
        except Malformed:
            continue
        taken += 1
        other = Doc()
        other.apply_update(bytes(update))
        other.get_update()
    assert taken > 100
