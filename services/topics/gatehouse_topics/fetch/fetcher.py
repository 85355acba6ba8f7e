"""Asks a page of the Internet that somebody named, safely: what its address leads to, and the beginning of its text.

The address is looked up here, judged (addresses.py), and then connected to as it was judged: a name that changes its
answer between the two leads nowhere. Each redirect is another address, and judged anew. Nothing is unpacked, so that a
small answer can't become a large one. No cookies, no credentials, no proxy.
"""

import asyncio
import contextlib
import socket
import ssl
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any

import httpx
import idna
import msgspec

from gatehouse_topics.fetch.addresses import is_public

MOST_REDIRECTS = 5
MOST_BYTES = 2_000_000
# Seconds for all of it, redirects included.
LONGEST = 10.0
AT_ONCE, AT_ONCE_A_HOST = 20, 2
PORTS = frozenset({80, 443, 8080, 8443})
REDIRECTS = {301, 302, 303, 307, 308}
LASTING = {301, 308}
USER_AGENT = "GatehouseLinkCheck/1.0 (checks links that the institute's mentors collect)"
PRODUCT = "GatehouseLinkCheck"

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class FetchRefused(Exception):
    """The address isn't asked: it leads, or may lead, into a private network."""


class PageUnreachable(Exception):
    """No answer. `lasting`: there is no such host, or nothing listens there."""

    def __init__(self, why: str, *, lasting: bool = False) -> None:
        super().__init__(why)
        self.lasting = lasting


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is no redirect.

    Attributes:
        url: where it came from; `moved_to`: where redirects that are meant to last led, none without any.
        body: the beginning, as it was sent; empty unless it was asked for and sent without a packing.
    """

    status: int
    url: str
    moved_to: str | None
    milliseconds: int
    content_type: str = ""
    body: bytes = b""


async def look_up(host: str, port: int) -> Sequence[str]:
    """All addresses of a host, whatever form it is written in. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Fetcher:
    """`allows`: which addresses may be asked; `ports`: which of their ports. Tests name their own."""

    def __init__(
        self,
        *,
        resolve: Resolve = look_up,
        allows: Callable[[str], bool] = is_public,
        ports: frozenset[int] = PORTS,
        longest: float = LONGEST,
        most: int = MOST_BYTES,
    ) -> None:
        self._resolve, self._allows, self._ports = resolve, allows, ports
        self._longest, self._most = longest, most
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._trust = httpx.create_ssl_context(trust_env=False)
        self._hosts: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(AT_ONCE_A_HOST))

    async def fetch(self, url: str, *, body: bool = False) -> Fetched:
        """Raises FetchRefused, PageUnreachable."""
        async with self._at_once:
            try:
                async with asyncio.timeout(self._longest):
                    return await self._follow(url, body=body)
            except TimeoutError:
                raise PageUnreachable(f"no whole answer within {self._longest:g} s") from None

    async def _follow(self, url: str, *, body: bool) -> Fetched:
        began, lasting, moved_to = time.monotonic(), True, None
        seen = set()
        for _ in range(MOST_REDIRECTS + 1):
            if url in seen:
                raise PageUnreachable("its redirects lead in a circle")
            seen.add(url)
            async with self._hosts[_host_of(url)], self._answer(url) as answer:
                if answer.status_code in REDIRECTS and (location := answer.headers.get("location")):
                    url = _joined(url, location)
                    lasting = lasting and answer.status_code in LASTING
                    moved_to = url if lasting else moved_to
                    continue
                return Fetched(
                    status=answer.status_code,
                    url=url,
                    moved_to=moved_to,
                    milliseconds=round((time.monotonic() - began) * 1_000),
                    content_type=answer.headers.get("content-type", "")[:200],
                    body=await self._beginning(answer) if body else b"",
                )
        raise PageUnreachable(f"more than {MOST_REDIRECTS} redirects")

    @contextlib.asynccontextmanager
    async def _answer(self, url: str) -> AsyncGenerator[httpx.Response]:
        address, headers, host = await self._judged(url)
        extensions = {"sni_hostname": host}
        try:
            async with (
                httpx.AsyncClient(verify=self._trust, trust_env=False, timeout=self._longest) as client,
                client.stream("GET", address, headers=headers, extensions=extensions) as answer,
            ):
                yield answer
        except httpx.ConnectError as error:
            if isinstance(_cause(error), ssl.SSLError):
                raise PageUnreachable("its certificate isn't accepted") from None
            raise PageUnreachable("nothing listens there", lasting=True) from None
        except httpx.TimeoutException:
            raise PageUnreachable("no answer in time") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError):
            raise PageUnreachable("its answer can't be read") from None

    async def _judged(self, url: str) -> tuple[httpx.URL, dict[str, str], str]:
        """The address to connect to, judged, with what the site is told; and the name that its certificate has."""
        parsed = _parsed(url)
        port = parsed.port or (443 if parsed.scheme == "https" else 80)
        host = parsed.raw_host.decode("ascii")
        if port not in self._ports:
            raise FetchRefused(f"port {port} isn't one of a web site")
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError, idna.IDNAError):
            raise PageUnreachable("there is no such host", lasting=True) from None
        # One that leads inside is enough: which of several is taken isn't ours to say.
        if not addresses or not all(map(self._allows, addresses)):
            raise FetchRefused("it leads into a private network")
        named = host if ":" not in host else f"[{host}]"
        plain = parsed.port is None
        headers = {
            "Host": named if plain else f"{named}:{port}",
            "User-Agent": USER_AGENT,
            "Accept": "text/html,application/xhtml+xml,*/*;q=0.5",
            "Accept-Encoding": "identity",
        }
        return parsed.copy_with(host=addresses[0], port=port), headers, host

    async def _beginning(self, answer: httpx.Response) -> bytes:
        if answer.headers.get("content-encoding", "identity").lower() != "identity":
            return b""
        found = b""
        async for part in answer.aiter_raw():
            found += part
            if len(found) >= self._most:
                break
        return found[: self._most]


def _parsed(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise FetchRefused("it is no address of a page") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise FetchRefused("it is no address of a page")
    if parsed.userinfo:
        raise FetchRefused("it names a user")
    return parsed.copy_with(fragment=None)


def _host_of(url: str) -> str:
    return _parsed(url).host.lower()


def _joined(url: str, location: str) -> str:
    try:
        return str(httpx.URL(url).join(location))
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise PageUnreachable("it redirects to no address") from None


def _cause(error: BaseException) -> BaseException | None:
    """What was at the root of it."""
    seen: BaseException | None = error
    found: Any = None
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return seen
        found, seen = seen, seen.__cause__ or seen.__context__
    return found
