"""What a link may lead our server to, and what a site's answers say, with a scripted site on this machine."""

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from gatehouse_topics.fetch.addresses import is_public
from gatehouse_topics.fetch.fetcher import Fetched, Fetcher, FetchRefused, PageUnreachable
from gatehouse_topics.link_check.checking import result_of
from gatehouse_topics.link_check.jobs import LinkChecking

PRIVATE = (
    *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "169.254.170.2"),
    *("172.16.0.1", "172.31.255.255", "192.0.0.170", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1"),
    *("198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    # The machine itself, and every form of an IPv4 address in an IPv6 one: mapped, compatible, translated, tunnelled.
    *("::", "::1", "::ffff:127.0.0.1", "::ffff:0:127.0.0.1", "::127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1"),
    *("64:ff9b::808:808", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:7f00:1::1"),
    *("2001:4860::5efe:7f00:1", "2001:4860::200:5efe:a9fe:a9fe", "2001:db8::1", "2001:20::1", "3fff::1", "100::1"),
    *("fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "5f00::1", "no address", ""),
)


@pytest.mark.parametrize("address", PRIVATE)
def test_what_isnt_of_the_public_internet_isnt_asked(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "192.167.255.255", "2606:4700::1111", "2a00::1"]
)
def test_what_is_public_is_asked(address: str) -> None:
    assert is_public(address)


class Site:
    """Answers by path, on loopback; counts who connects."""

    def __init__(self) -> None:
        self.connections = 0
        self.asked: list[bytes] = []
        self.answers: dict[str, bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]] = {}
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await reader.readuntil(b"\r\n\r\n")
            self.asked.append(request)
            answer = self.answers.get(request.split()[1].decode(), plain(404))
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(writer)
        writer.close()


def plain(status: int, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    async with server:
        yield site


def named(*addresses: str) -> Callable[[str, int], Any]:
    """A resolver that gives these, one after the other, the last one from then on."""
    left = list(addresses)

    async def resolve(host: str, port: int) -> list[str]:
        return [left.pop(0) if len(left) > 1 else left[0]]

    return resolve


def reaching(site: Site, **more: Any) -> Fetcher:
    """One to which loopback counts as public, so that a scripted site can be asked."""
    values: dict[str, Any] = {
        "resolve": named("127.0.0.1"),
        "allows": lambda one: one == "127.0.0.1",
        "longest": 5.0,
        **more,
    }
    return Fetcher(ports=frozenset({site.port}), **values)


async def test_no_way_around_the_check_of_addresses_reaches_this_machine(site: Site) -> None:
    """The real resolver, which knows numbers in every form. Nothing that listens on loopback is ever connected to."""
    ports = frozenset({site.port})
    hosts = ["localhost", "127.0.0.1", "127.1", "127.0.1", "0", "0.0.0.0", "2130706433", "017700000001", "0x7f000001"]
    hosts += ["0x7f.1", "0177.0.0.1", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]"]
    hosts += [
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "localhost.",
        "LOCALHOST",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "%31%32%37.0.0.1",
    ]
    hosts += [
        "%31%32%37.0.0.1",
        "example.org@127.0.0.1",
        "127.0.0.1#@example.org",
        "127.0.0.1\\@example.org",
        "user:word@localhost",
    ]
    for scheme in ("http", "https"):
        for host in hosts:
            with pytest.raises((FetchRefused, PageUnreachable)):
                await Fetcher(ports=ports, longest=5.0).fetch(f"{scheme}://{host}:{site.port}/")
    for odd in (
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "ftp://localhost/",
        "//localhost/",
        "localhost",
        "http://",
        "",
    ):
        with pytest.raises(FetchRefused):
            await Fetcher().fetch(odd)
    assert site.connections == 0


async def test_a_name_that_changes_its_answer_leads_nowhere(site: Site) -> None:
    """It is looked up once, and what was judged is connected to; of several answers one that leads inside is enough."""
    for answers in (["127.0.0.1"], ["::ffff:127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["169.254.169.254"]):

        async def resolve(host: str, port: int, found: list[str] = answers) -> list[str]:
            return found

        with pytest.raises(FetchRefused):
            await Fetcher(resolve=resolve, ports=frozenset({site.port})).fetch(f"http://rebound.example:{site.port}/")
    looked: list[str] = []

    async def once(host: str, port: int) -> list[str]:
        looked.append(host)
        return ["127.0.0.1"] if len(looked) == 1 else ["127.0.0.2"]

    site.answers["/"] = plain(200)
    assert (await reaching(site, resolve=once).fetch(f"http://once.example:{site.port}/")).status == 200
    assert (looked, site.connections) == (["once.example"], 1)
    assert f"host: once.example:{site.port}".encode() in site.asked[0].lower()
    assert b"cookie" not in site.asked[0].lower()
    assert b"authorization" not in site.asked[0].lower()


async def test_a_redirect_is_judged_as_any_other_address(site: Site) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1" if host == "site.example" else "169.254.169.254"]

    for place in (
        "http://metadata.example/latest",
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "http://u:p@site.example/",
    ):
        site.answers["/"] = plain(302, Location=place)
        with pytest.raises(FetchRefused):
            await reaching(site, resolve=resolve).fetch(f"http://site.example:{site.port}/")
    site.answers["/"] = plain(302, Location="http://site.example:22/")
    with pytest.raises(FetchRefused):
        await reaching(site, resolve=resolve).fetch(f"http://site.example:{site.port}/")


async def test_large_slow_and_packed_answers_are_bounded(site: Site) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 X\r\nContent-Type: text/html\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    async def silent(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async def drop_by_drop(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 X\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    site.answers |= {"/endless": endless, "/silent": silent, "/drops": drop_by_drop}
    site.answers["/bomb"] = plain(200, zlib.compress(b"0" * 10_000_000), Content_Encoding="deflate")
    site.answers["/headers"] = b"HTTP/1.1 200 X\r\n" + b"X-A: " + b"a" * 1_000_000 + b"\r\n\r\n"
    url, fetcher = f"http://site.example:{site.port}", reaching(site, most=200_000)
    assert len((await fetcher.fetch(f"{url}/endless", body=True)).body) == 200_000
    assert (await fetcher.fetch(f"{url}/bomb", body=True)).body == b""
    with pytest.raises(PageUnreachable):
        await fetcher.fetch(f"{url}/headers")
    hasty = reaching(site, longest=0.3)
    for path in ("silent", "drops"):
        with pytest.raises(PageUnreachable):
            await hasty.fetch(f"{url}/{path}", body=True)


async def test_each_answer_of_a_site_says_what_the_link_is(site: Site) -> None:
    other = f"http://other.example:{site.port}/b"
    site.answers |= {
        "/ok": plain(200, b"hello"),
        "/b": plain(200),
        "/moved": plain(301, Location=other),
        "/chain": plain(308, Location="/moved"),
        "/for-now": plain(302, Location=other),
        "/mixed": plain(302, Location="/moved"),
        "/slash": plain(301, Location="/slash/"),
        "/slash/": plain(200),
        "/loop": plain(301, Location="/loop"),
        "/gone": plain(410),
        "/busy": plain(429),
        "/login": plain(401),
        "/robots-only": plain(999),
        "/broken": plain(503),
        "/no-head": plain(200),
        "/nonsense": b"not HTTP at all\r\n\r\n",
        **{f"/{number}": plain(302, Location=f"/{number + 1}") for number in range(9)},
    }
    expected = {
        "ok": "ok",
        "moved": "moved",
        "chain": "moved",
        "for-now": "ok",
        "mixed": "ok",
        "slash": "ok",
        "loop": "timeout",
        "gone": "gone",
        "nowhere": "gone",
        "busy": "blocked",
        "login": "blocked",
        "robots-only": "blocked",
        "broken": "timeout",
        "no-head": "ok",
        "nonsense": "timeout",
        "0": "timeout",
    }
    looking = LinkChecking(reaching(site))
    found = {name: await looking.look(f"http://site.example:{site.port}/{name}") for name in expected}
    assert {name: one.result for name, one in found.items()} == expected
    assert found["moved"].final_url == found["chain"].final_url == other
    assert (found["gone"].http_status, found["ok"].http_status) == (410, 200)
    tls = await looking.look(f"https://site.example:{site.port}/ok")
    assert (tls.result, tls.http_status) == ("timeout", None)

    async def nowhere(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    assert (await LinkChecking(reaching(site, resolve=nowhere)).look("http://site.example/")).result == "unsafe"
    lost = await LinkChecking(reaching(site, resolve=nowhere)).look(f"http://site.example:{site.port}/")
    assert lost.result == "gone"
    assert (await LinkChecking(Fetcher()).look("http://127.0.0.1/")).result == "unsafe"


async def test_no_more_than_two_at_once_ask_one_host(site: Site) -> None:
    now, most, free = 0, 0, asyncio.Event()

    async def counted(writer: asyncio.StreamWriter) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        if now >= 2:
            free.set()
        await free.wait()
        writer.write(plain(200))
        await writer.drain()
        now -= 1

    site.answers["/"] = counted
    fetcher = reaching(site)
    answers = await asyncio.gather(*(fetcher.fetch(f"http://site.example:{site.port}/") for _ in range(8)))
    assert [one.status for one in answers] == [200] * 8
    assert most == 2


def test_a_move_to_https_is_one_and_another_spelling_isnt() -> None:
    def moved(url: str, to: str) -> str:
        return result_of(url, Fetched(status=200, url=to, moved_to=to, milliseconds=3)).result

    assert moved("http://a.example/x", "https://a.example/x") == "moved"
    assert moved("https://a.example/x", "https://www.a.example/x/") == "ok"
    assert moved("https://a.example/x", "https://a.example/y") == "moved"
