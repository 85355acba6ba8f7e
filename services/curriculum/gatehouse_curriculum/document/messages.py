"""The frames that a Yjs client and this service send each other (y-protocols: sync and awareness).

What somebody is doing (awareness) is as short-lived as the socket: which page is open, whose it is, and where in which
text its cursor stands. Who that is, the service says, whatever the page sent.
"""

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import msgspec

from gatehouse_curriculum.document.update_format import Malformed, Reader, read_state

SYNC, AWARENESS, QUERY_AWARENESS = 0, 1, 3
STEP_1, STEP_2, UPDATE = 0, 1, 2
MOST_CLIENTS = 64  # named in one awareness frame
MOST_STATE = 1_024  # bytes of what one page says that it does
NOBODY = "null"

Kind = Literal["state", "update", "awareness", "query"]


class Message(NamedTuple):
    """`state`: which clocks a client knows (sync step 1); `update`: sync step 2 or an update."""

    kind: Kind
    content: bytes


class Presence(NamedTuple):
    """What one page does; `state` is a JSON object, or null where it is gone."""

    client: int
    clock: int
    state: str

    def by(self, account: str, name: str) -> "Presence":
        """The same, said of whom it is true of."""
        if self.state == NOBODY:
            return self
        said = msgspec.json.decode(self.state)
        return self._replace(state=msgspec.json.encode(said | {"account": account, "name": name}).decode())


def read_frame(frame: bytes) -> Message:
    """Raises Malformed for what no Yjs client sends."""
    reader = Reader(frame)
    kind = reader.number()
    if kind == QUERY_AWARENESS:
        reader.end()
        return Message("query", b"")
    step = reader.number() if kind == SYNC else None
    content = reader.bytes()
    reader.end()
    if kind == AWARENESS:
        return Message("awareness", content)
    if step == STEP_1:
        read_state(content)
        return Message("state", content)
    if step in (STEP_2, UPDATE):
        return Message("update", content)
    raise Malformed("It is no message of the sync protocol.")


def read_awareness(content: bytes) -> list[Presence]:
    """Raises Malformed unless each says a JSON object, or that it is gone."""
    reader = Reader(content)
    count = reader.count(3)
    if count > MOST_CLIENTS:
        raise Malformed("It speaks of too many pages.")
    found = [Presence(reader.number(), reader.number(), reader.text()) for _ in range(count)]
    reader.end()
    for one in found:
        if len(one.state) > MOST_STATE or not isinstance(_decoded(one.state), dict | None):
            raise Malformed("What a page does is said by a small JSON object.")
    return found


def state_frame(state: bytes) -> bytes:
    return _numbers(SYNC, STEP_1) + _counted(state)


def whole_frame(update: bytes) -> bytes:
    """The answer to a client's state."""
    return _numbers(SYNC, STEP_2) + _counted(update)


def update_frame(update: bytes) -> bytes:
    return _numbers(SYNC, UPDATE) + _counted(update)


def awareness_frame(presences: Iterable[Presence]) -> bytes:
    listed = list(presences)
    content = _numbers(len(listed)) + b"".join(
        _numbers(one.client, one.clock) + _counted(one.state.encode()) for one in listed
    )
    return _numbers(AWARENESS) + _counted(content)


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise Malformed("It isn't JSON.") from error


def _counted(content: bytes) -> bytes:
    return _numbers(len(content)) + content


def _numbers(*numbers: int) -> bytes:
    found = bytearray()
    for number in numbers:
        rest = number
        while rest > 0x7F:
            found.append(rest & 0x7F | 0x80)
            rest >>= 7
        found.append(rest)
    return bytes(found)
