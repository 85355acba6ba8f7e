"""The types of request fields: db-manager's types for msgspec, so that a value that the database would refuse is a 400
which names the field, and /openapi.json says what is valid.

A pattern ends with `(?![\\s\\S])`: `$` would let a last newline through, and `\\Z` isn't known outside Python.

Two rules for patterns, each held by a test over every pattern of every service:

- Its cost grows with the length of the value, never with its square: no two repeats in a row that match the same
  character. A request body is checked on the event loop, before any rule is asked who sent it.
- What it accepts, its readers can use: a `Url` has a host that `urllib.parse.urlsplit` finds.
"""

import re
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gatehouse_chassis.base.problems import Invalid

END = r"(?![\s\S])"
WORD = rf"^[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?{END}"
SENTENCE = rf"^[^\x00\n\r]*{END}"
MARKDOWN = rf"^[^\x00]*{END}"
LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# ASCII only, in the form of HTML's <input type=email>: other letters have several spellings, and the database's lower()
# makes one of some of them (KELVIN SIGN becomes k), so that one person's address would find another's account. The
# domain of an address in other letters is written in its ASCII form (IDNA, RFC 5891).
EMAIL = rf"^[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{LABEL}(?:[.]{LABEL})+{END}"
PHONE = rf"^[+][1-9][0-9]{{6,14}}{END}"
PORT = r"(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
# A host in ASCII (its IDNA form for other letters), without a user name: `https://bank.example@evil.example` deceives.
URL = (
    rf"^[hH][tT][tT][pP][sS]?://{LABEL}(?:[.]{LABEL})*[.]?(?::{PORT})?"
    rf"(?:[/?#][^\s\x00-\x1f\x7f]*)?{END}"
)
TIME_ZONE = rf"^(?:UTC|[A-Za-z_]+(?:/[A-Za-z0-9_+-]+){{1,2}}){END}"
CURRENCY = rf"^[A-Z]{{3}}{END}"

Word = Annotated[str, Meta(min_length=1, max_length=200, pattern=WORD, description="One line, no spaces around it")]
Sentence = Annotated[str, Meta(min_length=1, max_length=2000, pattern=SENTENCE, description="One line")]
Markdown = Annotated[str, Meta(max_length=100_000, pattern=MARKDOWN, description="Text in Markdown")]
Email = Annotated[
    str, Meta(max_length=254, pattern=EMAIL, description="An e-mail address", examples=["mara@example.org"])
]
Phone = Annotated[str, Meta(pattern=PHONE, description="In E.164 form", examples=["+4930123456"])]
Url = Annotated[str, Meta(max_length=2083, pattern=URL, description="http or https", examples=["https://example.org"])]
TimeZone = Annotated[str, Meta(max_length=64, pattern=TIME_ZONE, description="IANA name", examples=["Europe/Berlin"])]
Currency = Annotated[str, Meta(pattern=CURRENCY, description="ISO 4217 code", examples=["EUR"])]
Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339, with its offset from UTC")]

_WANTED = {
    WORD: "one line of text without spaces around it",
    SENTENCE: "one line of text",
    MARKDOWN: "text without the character NUL",
    EMAIL: "an e-mail address such as mara@example.org",
    PHONE: "a telephone number such as +4930123456",
    URL: "an address such as https://example.org",
    TIME_ZONE: "a time zone such as Europe/Berlin",
    CURRENCY: "a currency's code such as EUR",
}
_BY_REPR = {f"{pattern!r}": f"takes {wanted}" for pattern, wanted in _WANTED.items()}
_MISMATCH = re.compile(r"Expected `str` matching regex (.+?)(?: - at `.*`)?$", re.DOTALL)
EARLIEST, LATEST = 1900, 2199


def in_words(message: str) -> str:
    """msgspec's message with the pattern replaced by its meaning, for the patterns of this module."""
    match = _MISMATCH.search(message)
    return _BY_REPR.get(match[1], message) if match else message


def refuse_odd_times(values: msgspec.Struct) -> None:
    """Invalid (400) for times that must be a mistake; PostgreSQL's driver fails at the ends of the calendar."""
    odd = {
        name: f"a time in the years {EARLIEST} to {LATEST}"
        for name in values.__struct_fields__
        if _is_odd(getattr(values, name))
    }
    if odd:
        raise Invalid(odd)


def _is_odd(value: Any) -> bool:
    return isinstance(value, datetime) and not EARLIEST <= value.year <= LATEST
