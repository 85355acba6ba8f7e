"""Is it ready? A GET by hand over asyncio streams, so that the runner needs no HTTP library (aiohttp alone is 15 MB).

Not a client for anything else: no redirects, no TLS, no keep-alive.
"""

import asyncio
from collections.abc import Callable

import msgspec

BODY_LIMIT = 64 * 1024


class ProbeResult(msgspec.Struct, frozen=True):
    status: int
    body: bytes

    @property
    def ready(self) -> bool:
        return self.status == 200


class NoAnswer(Exception):
    """Nobody answered, or not in HTTP."""


def parse(data: bytes) -> ProbeResult:
    """An HTTP/1.x answer read to its end; a chunked body is left as it came."""
    head, _, body = data.partition(b"\r\n\r\n")
    words = head.split(b"\r\n", 1)[0].split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
        raise NoAnswer(f"it doesn't answer in HTTP: {data[:60]!r}")
    return ProbeResult(int(words[1]), body)


async def get(port: int, path: str, *, host: str = "127.0.0.1", seconds: float = 2.0) -> ProbeResult:
    """GET http://host:port/path; raises NoAnswer."""
    try:
        async with asyncio.timeout(seconds):
            return await _get(host, port, path)
    except TimeoutError:
        raise NoAnswer(f"port {port} gave no answer to {path} in {seconds:g} s") from None
    except OSError as error:
        raise NoAnswer(f"port {port}: {error.strerror or error}") from None


async def _get(host: str, port: int, path: str) -> ProbeResult:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        data = b""
        while len(data) < BODY_LIMIT and (chunk := await reader.read(BODY_LIMIT)):
            data += chunk
        return parse(data)
    finally:
        writer.close()


def reason(answer: ProbeResult) -> str:
    """One sentence on why a service isn't ready: the problem's detail when it sent one."""
    try:
        found = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        found = None
    if isinstance(found, dict):
        checks = found.get("checks")
        if isinstance(checks, dict):
            bad = [f"{name} {said}" for name, said in checks.items() if said != "ok"]
            return f"not ready: {'; '.join(bad)}" if bad else "not ready"
        for key in ("detail", "reason", "title"):
            if isinstance(found.get(key), str) and found[key]:
                return f"not ready: {found[key]}"
    return f"not ready: /health/ready answers {answer.status}"


async def until_ready(
    port: int,
    path: str,
    *,
    on_wait: Callable[[str], None] = lambda _why: None,
    pause: float = 0.05,
    seconds: float = 5.0,
) -> None:
    """Returns at the first 200; tells `on_wait` why it isn't ready yet, when the service says so.

    The runner holds the listening socket, so the first question waits in its queue until the service takes it.
    """
    while True:
        try:
            answer = await get(port, path, seconds=seconds)
        except NoAnswer:
            pass
        else:
            if answer.ready:
                return
            on_wait(reason(answer))
        await asyncio.sleep(pause)
