"""The key of an address: two addresses with one key are the same resource. Pure functions: no database, no HTTP.

People paste what their browser shows, so one page comes with and without `www.`, `https`, a slash at its end, its
parameters in any order, and what trackers add. The address itself stays as it was given; only keys are compared.
Addresses are read as browsers read them (the URL standard of WHATWG), as far as two spellings of one address go.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Iterable
from typing import TypeVar
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit

import idna

DEFAULT_PORTS = {"http": 80, "https": 443}
# Parameters that say where somebody came from, never what is shown.
TRACKING = re.compile(
    r"utm_\w+|mc_[ce]id|mkt_tok|_hs(enc|mi)|hsctatracking|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|twclid|"
    r"igshid|igsh|li_fat_id|ttclid|vero_(id|conv)|oly_(anon|enc)_id|wickedid|_openstat|ref_src|ref_url|s_cid|srsltid",
    re.ASCII | re.IGNORECASE,
)
# A fragment that is an address within an application; others only say where on the page to look.
ROUTE = re.compile(r"!?/")
UNRESERVED = re.compile(r"[A-Za-z0-9._~-]", re.ASCII)
ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})", re.ASCII)
# What browsers leave as it is in a path, and in a query.
KEPT, KEPT_IN_QUERY = "!$&'()*+,;=:@/-._~%", "!$&()*+,;=:@/-._~%?"
DOT, DOTS = re.compile(r"\.|%2e", re.IGNORECASE), re.compile(r"(\.|%2e){2}", re.IGNORECASE)
NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.ASCII)

Of = TypeVar("Of")


def key_of(url: str) -> str:
    """Such as `example.org/a?b=1`, without a scheme. What can't be read is its own key."""
    text = re.sub("[\ud800-\udfff]", "\ufffd", re.sub(r"[\t\n\r]", "", url)).strip("".join(map(chr, range(33))))
    scheme, _, rest = text.partition(":")
    address, mark, fragment = rest.partition("#")
    # Browsers take a backslash for a slash, and any number of them before the host for two.
    path, question, query = address.partition("?")
    path = path.replace("\\", "/")
    try:
        parts = urlsplit(f"{scheme.lower()}://{path.lstrip('/')}{question}{query}")
        host, port = _host(parts.hostname or ""), parts.port
    except ValueError:
        return text
    if not host:
        return text
    place = f":{port}" if port not in (None, DEFAULT_PORTS.get(parts.scheme)) else ""
    kept = f"#{fragment}" if mark and ROUTE.match(fragment) else ""
    return f"{host}{place}{_path(parts.path)}{_query(parts.query)}{kept}"


def twins(addresses: Iterable[tuple[Of, str]]) -> list[list[Of]]:
    """What has an address in common, in groups of two and more; each in the order in which it came."""
    found: dict[str, list[Of]] = {}
    for one, url in addresses:
        found.setdefault(key_of(url), []).append(one)
    return [group for group in found.values() if len(group) > 1]


def _host(host: str) -> str:
    name = unquote(host).lower().removesuffix(".")
    if ":" in name:
        return f"[{ipaddress.IPv6Address(name)}]"
    if not name.isascii():
        name = _ascii(name)
    parts = name.split(".")
    if NUMBER.fullmatch(parts[-1]):
        return _numeric(parts)
    return name.removeprefix("www.")


def _ascii(name: str) -> str:
    """As it is asked for. Browsers take names with signs such as emoji too, which names may not have any more."""
    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except idna.IDNAError:
        labels = unicodedata.normalize("NFKC", name).split(".")
        return ".".join(one if one.isascii() else f"xn--{one.encode('punycode').decode('ascii')}" for one in labels)


def _numeric(parts: list[str]) -> str:
    """An IPv4 address, of which browsers take one to four numbers, each decimal, octal or hexadecimal: `0x7f.1`."""
    if len(parts) > 4:
        raise ValueError(parts)
    numbers = [_number(part) for part in parts]
    # The last one stands for all bytes that are left.
    if any(number > 255 for number in numbers[:-1]) or numbers[-1] >= 256 ** (5 - len(numbers)):
        raise ValueError(parts)
    whole = numbers[-1] + sum(number << 8 * (3 - place) for place, number in enumerate(numbers[:-1]))
    return str(ipaddress.IPv4Address(whole))


def _number(part: str) -> int:
    if part.startswith("0x"):
        return int(part[2:] or "0", 16)
    return int(part, 8 if part.startswith("0") else 10)


def _path(path: str) -> str:
    """Without `.` and `..`, without slashes that are repeated or at its end, and each character written in one way."""
    parts: list[str] = []
    for part in path.lstrip("/").split("/"):
        if DOTS.fullmatch(part):
            parts[-1:] = []
        elif not DOT.fullmatch(part):
            parts.append(part)
    kept = [_spelled(part, KEPT) for part in parts if part]
    return "".join(f"/{part}" for part in kept)


def _query(query: str) -> str:
    wanted = sorted(
        _spelled(one, KEPT_IN_QUERY)
        for one in query.split("&")
        if one and not TRACKING.fullmatch(one.partition("=")[0])
    )
    return f"?{'&'.join(wanted)}" if wanted else ""


def _spelled(text: str, kept: str) -> str:
    """Escapes in capitals, and none where none is needed."""

    def spelled(found: re.Match[str]) -> str:
        character = unquote_to_bytes(found[0])
        plain = character.decode("latin-1")
        return plain if UNRESERVED.fullmatch(plain) else found[0].upper()

    return ESCAPE.sub(spelled, quote(text, safe=kept))
