"""What the bytes of a Yjs update may hold: plain text in the texts of a plan. Everything is read before it is applied.

pycrdt takes the numbers in an update at their word and sets memory aside for them: seven bytes that speak of 2^28
clients cost 0.9 s and 256 MB, and are refused only then. So each count is held against the bytes that are left, and
what isn't text (maps, lists, embedded objects, formats), or is in another place than a text that we know, is refused.

Yjs writes (https://github.com/yjs/yjs, src/utils/encoding.js, version 1 of the format): clients, of each its
structures in the order of its clock; then what is deleted, as ranges of clocks. Numbers are variable-length, the lowest
seven bits first.
"""

import re
from collections.abc import Mapping

# A root: goals, notes, or why an assignment is in the plan.
TEXT_NAME = re.compile(r"goals|notes|reason:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
NOTHING = b"\x00\x00"
"""An update without any change: what a client answers that has nothing new."""

MOST_CLOCK = 2**31
MOST_CLIENT = 2**53
LONGEST_NUMBER = 9  # bytes

_HAS_ORIGIN, _HAS_RIGHT_ORIGIN, _HAS_PARENT_KEY, _CONTENT = 0x80, 0x40, 0x20, 0x1F
_GC, _DELETED, _STRING, _SKIP = 0, 1, 4, 10


class Malformed(ValueError):
    """It isn't what a page of ours sends."""


class Reader:
    """Reads numbers, bytes and text one after the other. Raises Malformed where they end too soon."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def byte(self) -> int:
        if not self.left:
            raise Malformed("It ends too soon.")
        self._at += 1
        return self._data[self._at - 1]

    def number(self, most: int = MOST_CLIENT) -> int:
        found = 0
        for place in range(LONGEST_NUMBER):
            byte = self.byte()
            found |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                if found > most:
                    break
                return found
        raise Malformed("A number is too large.")

    def count(self, least_bytes: int) -> int:
        """How many follow, each of at least so many bytes."""
        return self.number(self.left // least_bytes)

    def bytes(self) -> bytes:
        length = self.number(self.left)
        self._at += length
        return self._data[self._at - length : self._at]

    def text(self) -> str:
        try:
            return self.bytes().decode()
        except UnicodeDecodeError:
            raise Malformed("A text isn't UTF-8.") from None

    def end(self) -> None:
        if self.left:
            raise Malformed("Something follows its end.")


def read_update(update: bytes) -> dict[int, int]:
    """For each client that is named, how far its clock must be known once this is applied. Raises Malformed."""
    reader, needed = Reader(update), dict[int, int]()
    for _ in range(reader.count(4)):
        structures = reader.count(2)
        client = reader.number()
        clock = reader.number(MOST_CLOCK)
        for _ in range(structures):
            length, carries = _structure(reader)
            clock += length
            if clock > MOST_CLOCK:
                raise Malformed("A clock is too large.")
            if carries:
                needed[client] = max(needed.get(client, 0), clock)
    for _ in range(reader.count(4)):
        client = reader.number()
        for _ in range(reader.count(2)):
            end = reader.number(MOST_CLOCK) + reader.number(MOST_CLOCK)
            needed[client] = max(needed.get(client, 0), end)
    reader.end()
    return needed


def read_state(state: bytes) -> dict[int, int]:
    """A state vector: of each client, how far its clock is known. Raises Malformed."""
    reader = Reader(state)
    found = {reader.number(): reader.number(MOST_CLOCK) for _ in range(reader.count(2))}
    reader.end()
    return found


def is_known(needed: Mapping[int, int], state: Mapping[int, int]) -> bool:
    """Whether an update that needs these clocks has been applied whole: nothing in it waits for what never came."""
    return all(state.get(client, 0) >= clock for client, clock in needed.items())


def _structure(reader: Reader) -> tuple[int, bool]:
    """Its length in clocks, and whether it carries anything."""
    info = reader.byte()
    content = info & _CONTENT
    if content in (_GC, _SKIP):
        return _length(reader), content == _GC
    if content not in (_DELETED, _STRING):
        raise Malformed("Only text may be written here.")
    origins = bool(info & _HAS_ORIGIN) + bool(info & _HAS_RIGHT_ORIGIN)
    for _ in range(origins):
        reader.number()
        reader.number(MOST_CLOCK)
    if not origins:
        # Its parent is a root, named in the update; another parent would be something within a map or a list.
        if reader.number() != 1 or TEXT_NAME.fullmatch(reader.text()) is None:
            raise Malformed("There is no such text in a plan.")
        if info & _HAS_PARENT_KEY:
            raise Malformed("A text has no keys.")
    if content == _DELETED:
        return _length(reader), True
    text = reader.text()
    if not text:
        raise Malformed("A text that is written is empty.")
    return len(text.encode("utf-16-le")) // 2, True  # clocks count as JavaScript does


def _length(reader: Reader) -> int:
    length = reader.number(MOST_CLOCK)
    if not length:
        raise Malformed("A length is 0.")
    return length
