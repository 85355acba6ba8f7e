"""A Yjs client that speaks to a service in this process: pycrdt behind the frames that y-websocket sends."""

from typing import Any

from pycrdt import Doc, Text

from gatehouse_chassis.testing import InProcessSocket
from gatehouse_curriculum.document import messages
from gatehouse_curriculum.document.messages import read_frame


class Client:
    """`texts`: what it shows. It goes on without a socket, as a page does that is offline."""

    def __init__(self) -> None:
        self.doc: Doc = Doc()
        self.socket: InProcessSocket | None = None
        self.presence: dict[int, str] = {}
        self.stored: bytes = b""

    def text(self, name: str) -> str:
        return str(self.doc.get(name, type=Text))

    async def join(self, socket: InProcessSocket) -> int | None:
        """Until both know what the other does; the code where the socket is closed instead."""
        self.socket = socket
        await socket.send_bytes(messages.state_frame(self.doc.get_state()))
        while not self.stored:
            code = await self.hear()
            if code is not None:
                return code
        return None

    async def write(self, name: str, at: int, text: str) -> None:
        before = self.doc.get_state()
        self.doc.get(name, type=Text).insert(at, text)
        await self.send(before)

    async def delete(self, name: str, begin: int, end: int) -> None:
        before = self.doc.get_state()
        del self.doc.get(name, type=Text)[begin:end]
        await self.send(before)

    async def send(self, before: bytes) -> None:
        if self.socket is not None:
            await self.socket.send_bytes(messages.update_frame(self.doc.get_update(before)))

    async def say(self, frame: bytes) -> None:
        assert self.socket is not None
        await self.socket.send_bytes(frame)

    async def hear(self) -> int | None:
        """Takes the next frame; the close code where there is none any more."""
        assert self.socket is not None
        frame: Any = await self.socket.message()
        if not isinstance(frame, bytes):
            return frame
        read = read_frame(frame)
        if read.kind == "update":
            self.doc.apply_update(read.content)
        elif read.kind == "state":
            # What the service has stored; what it lacks is its for the asking.
            self.stored = read.content
            await self.socket.send_bytes(messages.whole_frame(self.doc.get_update(read.content)))
        elif read.kind == "awareness":
            for one in messages.read_awareness(read.content):
                self.presence[one.client] = one.state
        return None

    async def hear_until(self, name: str, text: str) -> None:
        while self.text(name) != text:
            code = await self.hear()
            assert code is None, f"closed with {code}"

    async def saved(self) -> None:
        """Until the service has said that it stored all that this client wrote."""
        while self.stored != self.doc.get_state():
            code = await self.hear()
            assert code is None, f"closed with {code}"
