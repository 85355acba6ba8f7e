"""Raw requests for a socket: real ones of a service's operations, changed in ways that no HTTP library would send.

A generator of bytes, the same for a seed. Schemathesis sends only what a library can say; what is wrong with framing,
header numbers, hosts, encodings and nesting is tried here.
"""

import random
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

# Asked for every few seconds, and logged only when they fail.
UNLOGGED = frozenset({"/health/live", "/health/ready", "/metrics"})
# Somebody whom no token of these requests is for: one of them may archive the person, and the account ends with it.
ID = "019a0000-0001-7000-8000-000000000001"
NUMBERS = (b"0", b"-1", b"+5", b"0x5", b"1e9", b"4" * 20, b"1" * 4301, b"", b" ", "٣".encode(), b"18446744073709551616")
HOSTS = (b"", b"localhost:abc", b"[::1", b"[", b"a" * 4000, b"evil.example", b"localhost\x00", b"localhost, b", b"\xff")
ENCODINGS = (b"gzip", b"br", b"identity, gzip", b"deflate", b"x")
FRAMINGS = (
    b"chunked",
    b"Chunked",
    b"xchunked",
    b"chunked, chunked",
    b"gzip, chunked",
    b"identity",
    b"\x0bchunked",
    b"",
)
JSONS = (
    b"[" * 1000 + b"]" * 1000,
    b'{"a":' * 500 + b"1" + b"}" * 500,
    b'{"name":"\xff\xfe"}',
    b'{"name":"\\ud800"}',
    b'{"name":1e400}',
    b'{"name":NaN}',
    b"{" + b",".join(b'"k%d":1' % number for number in range(2000)) + b"}",
    b'"' + b"a" * 70_000 + b'"',
    b"\x00",
    b"null",
    b"",
)
PATHS = (
    b"/%",
    b"/%zz",
    b"/%00",
    b"/..%2f..",
    b"//",
    b"/\xff",
    b"/*",
    b"*",
    b"http://[",
    b"http://h:x/",
    b"/?%ff=&=&",
    b"",
)
METHODS = (
    b"GET",
    b"HEAD",
    b"POST",
    b"PUT",
    b"PATCH",
    b"DELETE",
    b"OPTIONS",
    b"TRACE",
    b"CONNECT",
    b"PROPFIND",
    b"GE T",
)
HEADERS = (
    b"X-Request-Timeout-Ms",
    b"If-Match",
    b"If-None-Match",
    b"Idempotency-Key",
    b"X-Request-Id",
    b"X-Forwarded-For",
    b"traceparent",
    b"Cookie",
    b"Authorization",
    b"Content-Type",
    b"Accept",
    b"Origin",
    b"Content-Length",
)


class RawRequest(msgspec.Struct):
    """The parts of one request, each as it goes over the socket.

    `is_complete`: whoever reads it has all that it announces, so that an answer must come.
    """

    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes
    version: bytes = b"HTTP/1.1"
    end: bytes = b"\r\n"
    is_complete: bool = True

    def encode(self) -> bytes:
        lines = [b" ".join((self.method, self.target, self.version))]
        lines += [name + b": " + value for name, value in self.headers]
        return self.end.join(lines) + self.end * 2 + self.body


class RequestMaker:
    """Makes raw requests from an OpenAPI document.

    Args:
        document: The service's own.
        tokens: Authorization headers that are good.
        seed: The same seed makes the same requests.
    """

    def __init__(self, document: Mapping[str, Any], tokens: list[str], seed: int) -> None:
        self._random = random.Random(seed)
        self._tokens = [token.encode() for token in tokens]
        self._operations = [
            (method.upper().encode(), path.encode())
            for path, methods in document["paths"].items()
            for method in methods
            if path not in UNLOGGED and method in {"get", "post", "put", "patch", "delete"}
        ]

    def make(self) -> RawRequest:
        """A request of the service with up to three changes."""
        request = self._plain()
        for _ in range(self._random.choice((0, 1, 1, 1, 2, 3))):
            self._random.choice(CHANGES)(self._random, request)
        return request

    def _plain(self) -> RawRequest:
        choice = self._random.choice
        method, path = choice(self._operations)
        while b"{" in path:
            before, _, rest = path.partition(b"{")
            path = before + choice((ID.encode(), b"x", b"0")) + rest.partition(b"}")[2]
        # Many addresses: what one address may send is tried elsewhere.
        address = b"10.%d.%d.%d" % tuple(self._random.randbytes(3))
        headers = [(b"Host", b"localhost"), (b"X-Forwarded-For", address), (b"Connection", b"close")]
        if self._random.random() < 0.6:
            headers.append((b"Authorization", choice(self._tokens)))
        body = b""
        if method in {b"POST", b"PUT", b"PATCH"}:
            body = choice((b"{}", b'{"name":"x"}', *JSONS))
            headers += [(b"Content-Type", b"application/json"), (b"Content-Length", b"%d" % len(body))]
            headers.append((b"If-Match", b'"1"'))
        return RawRequest(method, path, headers, body)


def _number(draw: random.Random, request: RawRequest) -> None:
    name = draw.choice((b"X-Request-Timeout-Ms", b"If-Match", b"Content-Length", b"X-Forwarded-Port"))
    _replace(request, name, draw.choice(NUMBERS))
    request.is_complete = request.is_complete and name != b"Content-Length"


def _host(draw: random.Random, request: RawRequest) -> None:
    _replace(request, b"Host", draw.choice(HOSTS))


def _framing(draw: random.Random, request: RawRequest) -> None:
    request.headers.append((b"Transfer-Encoding", draw.choice(FRAMINGS)))
    size = draw.choice((b"%x" % len(request.body), b"%x;a=b" % len(request.body), b"-1", b"0x1", b"f" * 20, b""))
    request.body = size + b"\r\n" + request.body + b"\r\n0\r\n" + draw.choice((b"\r\n", b"X: y\r\n\r\n", b""))
    request.is_complete = False


def _encoding(draw: random.Random, request: RawRequest) -> None:
    request.headers.append((b"Content-Encoding", draw.choice(ENCODINGS)))


def _method(draw: random.Random, request: RawRequest) -> None:
    request.method = draw.choice(METHODS)


def _path(draw: random.Random, request: RawRequest) -> None:
    request.target = draw.choice((request.target + draw.choice(PATHS), draw.choice(PATHS)))


def _query(draw: random.Random, request: RawRequest) -> None:
    names = (b"limit", b"cursor", b"sort", b"search", b"archived", b"id", b"")
    values = (
        b"%00",
        b"%ff",
        b"-1",
        b"1" * 5000,
        b"a%2",
        b"[]",
        b"%F0%9F%98%80",
        b"null",
        draw.randbytes(6).hex().encode(),
    )
    request.target += b"?" + b"&".join(draw.choice(names) + b"=" + draw.choice(values) for _ in range(3))


def _header(draw: random.Random, request: RawRequest) -> None:
    value = draw.choice((b"", b"\x80\xff", b'"', b"a" * 9000, b"\x01", b"1\r\n folded", draw.choice(NUMBERS), b"W/*"))
    name = draw.choice((*HEADERS, b"X Y", b"", b"X-\xe9"))
    request.headers.append((name, value))
    request.is_complete = request.is_complete and name != b"Content-Length"


def _many_headers(draw: random.Random, request: RawRequest) -> None:
    request.headers += [(b"X-%d" % number, b"y" * draw.choice((1, 100))) for number in range(draw.choice((50, 500)))]


def _repeated(draw: random.Random, request: RawRequest) -> None:
    name, value = draw.choice(request.headers)
    request.headers.append((name, value))


def _body(draw: random.Random, request: RawRequest) -> None:
    request.body = draw.choice((*JSONS, draw.randbytes(200)))
    _replace(request, b"Content-Length", b"%d" % len(request.body))


def _cut(draw: random.Random, request: RawRequest) -> None:
    request.is_complete = request.is_complete and not request.body
    request.body = request.body[: len(request.body) // 2]


def _line_ends(draw: random.Random, request: RawRequest) -> None:
    request.end = draw.choice((b"\n", b"\r", b"\r\r\n"))
    request.is_complete = request.is_complete and request.end == b"\n"


def _version(draw: random.Random, request: RawRequest) -> None:
    request.version = draw.choice((b"HTTP/1.0", b"HTTP/2.0", b"HTTP/9.9", b"HTTP/1.1 x", b"", b"ICY"))


def _upgrade(draw: random.Random, request: RawRequest) -> None:
    _replace(request, b"Connection", b"Upgrade, close")
    request.headers.append((b"Upgrade", draw.choice((b"h2c", b"websocket", b"TLS/1.0"))))
    request.is_complete = False


def _expect(draw: random.Random, request: RawRequest) -> None:
    request.headers.append((b"Expect", draw.choice((b"100-continue", b"42", b"100-Continue, x"))))


def _noise(draw: random.Random, request: RawRequest) -> None:
    request.target += draw.randbytes(draw.choice((1, 8, 40)))
    request.is_complete = False


CHANGES: tuple[Callable[[random.Random, RawRequest], None], ...] = (
    _number,
    _host,
    _framing,
    _encoding,
    _method,
    _path,
    _query,
    _header,
    _many_headers,
    _repeated,
    _body,
    _cut,
    _line_ends,
    _version,
    _upgrade,
    _expect,
    _noise,
)


def _replace(request: RawRequest, name: bytes, value: bytes) -> None:
    request.headers = [(key, old) for key, old in request.headers if key.lower() != name.lower()] + [(name, value)]
