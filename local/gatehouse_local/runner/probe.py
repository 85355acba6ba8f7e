"""Readiness probes: a minimal HTTP GET over asyncio streams, so that the runner needs no HTTP library (aiohttp: 15 MB).

Not a general client: no redirects, no TLS, no keep-alive.
"""

import asyncio
from collections.abc import Callable

import msgspec

BODY_LIMIT = 64 * 1024
METRICS_LIMIT = 4 * 1024 * 1024  # 3,500 series, the most that an alert allows, are 450 KB


class ProbeResult(msgspec.Struct, frozen=True):
    status: int
    body: bytes

    @property
    def ready(self) -> bool:
        return self.status == 200


class NoAnswer(Exception):
    """There was no answer, or it wasn't HTTP."""


def parse(data: bytes) -> ProbeResult:
    """Parses a complete HTTP/1.x response; a chunked body isn't decoded."""
    head, _, body = data.partition(b"\r\n\r\n")
    words = head.split(b"\r\n", 1)[0].split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
        raise NoAnswer(f"the answer isn't HTTP: {data[:60]!r}")
    return ProbeResult(int(words[1]), body)


async def get(
    port: int, path: str, *, host: str = "127.0.0.1", seconds: float = 2.0, limit: int = BODY_LIMIT
) -> ProbeResult:
    """GET http://host:port/path, of which at least `limit` bytes are read; raises NoAnswer."""
    try:
        async with asyncio.timeout(seconds):
            return await _get(host, port, path, limit)
    except TimeoutError:
        raise NoAnswer(f"port {port} gave no answer to {path} in {seconds:g} s") from None
    except OSError as error:
        raise NoAnswer(f"port {port}: {error.strerror or error}") from None


async def metrics(port: int) -> bytes | None:
    """What /metrics of a service says; None without an answer, or if it is longer than any of ours."""
    try:
        answer = await get(port, "/metrics", limit=METRICS_LIMIT)
    except NoAnswer:
        return None
    return answer.body if answer.ready and len(answer.body) < METRICS_LIMIT else None


async def _get(host: str, port: int, path: str, limit: int) -> ProbeResult:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        data = b""
        while len(data) < limit and (chunk := await reader.read(BODY_LIMIT)):
            data += chunk
        return parse(data)
    finally:
        writer.close()


def reason(answer: ProbeResult) -> str:
    """One sentence on why a service isn't ready, with the detail from its answer if it has one."""
    try:
        content = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        content = None
    if isinstance(content, dict):
        checks = content.get("checks")
        if isinstance(checks, dict):
            failed = [f"{name} {result}" for name, result in checks.items() if result != "ok"]
            return f"not ready: {'; '.join(failed)}" if failed else "not ready"
        for key in ("detail", "reason", "title"):
            if isinstance(content.get(key), str) and content[key]:
                return f"not ready: {content[key]}"
    return f"not ready: /health/ready answers {answer.status}"


async def until_ready(
    port: int,
    path: str,
    *,
    on_wait: Callable[[str], None] = lambda _why: None,
    pause: float = 0.05,
    seconds: float = 5.0,
) -> None:
    """Returns at the first 200. Calls `on_wait` with the reason for each other answer.

    The runner holds the listening socket, so the first request waits in its queue until the service accepts it.
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
