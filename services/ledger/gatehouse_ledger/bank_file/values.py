"""Texts, days and amounts as banks write them."""

import re
from collections.abc import Callable
from datetime import date

from gatehouse_ledger.bank_file.structs import LONGEST_TEXT, MOST_MONEY, FileRefused
from gatehouse_ledger.entry.rules import DIGITS, EARLIEST, LATEST

_UNSEEN = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]+")
_NUMBER = re.compile(r"([+-]?)([0-9]{1,18})(?:\.([0-9]{1,8}))?")
_DIGITS = re.compile(r"[0-9]+")
# ISO 4217's signs that banks write next to amounts.
_SIGNS = str.maketrans("", "", "$€£¥ \xa0'’\u202f")


def one_line(text: str) -> str:
    """Without line breaks, control characters and repeated spaces; cut where it is longer than people read."""
    return _UNSEEN.sub(" ", text[: LONGEST_TEXT * 4]).strip()[:LONGEST_TEXT].strip()


def decoded(content: bytes) -> str:
    """UTF-8 where it is, UTF-16 by its mark, else Windows' Western alphabet, of which nearly every byte is a letter."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def minor_units(text: str, currency: str | None, where: str, *, decimal_comma: bool | None = False) -> int:
    """An amount in minor units. Raises FileRefused, naming `where`, for what is none or is beyond all sense.

    Takes `-1,234.50`, `1234.5-`, `(12.00)`, `$ 12`, `12.00 CR`. `decimal_comma=None`: the last of both signs is it.
    """
    given = text.translate(_SIGNS).upper()
    sign = 1
    if given.startswith("(") and given.endswith(")"):
        given, sign = given[1:-1], -1
    if given.endswith(("CR", "DR", "DB")):
        given, sign = given[:-2], sign if given.endswith("CR") else -sign
    if given.endswith(("-", "+")):
        given, sign = given[:-1], -sign if given.endswith("-") else sign
    comma = given.rfind(",") > given.rfind(".") if decimal_comma is None else decimal_comma
    plain = given.replace(".", "").replace(",", ".") if comma else given.replace(",", "")
    match = _NUMBER.fullmatch(plain)
    if match is None:
        raise FileRefused(f"{where}: “{one_line(text)[:40]}” is no amount.")
    digits = DIGITS.get(currency or "", 2)
    rest = match[3] or ""
    if rest[digits:].strip("0"):
        raise FileRefused(f"{where}: “{one_line(text)[:40]}” has more than {digits} decimal places.")
    amount = int(match[2]) * 10**digits + int(rest[:digits].ljust(digits, "0") or "0")
    if amount > MOST_MONEY:
        raise FileRefused(f"{where}: “{one_line(text)[:40]}” is more than any account of ours has.")
    return amount * (-sign if match[1] == "-" else sign)


def day_of(year: int, month: int, day: int, where: str) -> date:
    try:
        found = date(year, month, day)
    except ValueError:
        raise FileRefused(f"{where}: there is no day {year:04}-{month:02}-{day:02}.") from None
    if not EARLIEST <= found <= LATEST:
        raise FileRefused(f"{where}: {found} lies outside the years {EARLIEST.year} to {LATEST.year}.")
    return found


def compact_day(text: str, where: str) -> date:
    """Of `20260105...` or `2026-01-05...`."""
    digits = text.strip()[:10].replace("-", "")[:8]
    if len(digits) != 8 or not (digits.isascii() and digits.isdigit()):
        raise FileRefused(f"{where}: “{one_line(text)[:20]}” is no day.")
    return day_of(int(digits[:4]), int(digits[4:6]), int(digits[6:]), where)


def short_day(text: str, where: str) -> date:
    """Of `260105` (SWIFT: 80 and above are of the last century)."""
    if len(text) != 6 or not (text.isascii() and text.isdigit()):
        raise FileRefused(f"{where}: “{one_line(text)[:20]}” is no day; six digits are, such as 260105.")
    year = int(text[:2])
    return day_of(1900 + year if year >= 80 else 2000 + year, int(text[2:4]), int(text[4:]), where)


_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_PARTED = re.compile(r"([0-9]{1,4})[-/. ]+([0-9]{1,2}|[A-Za-z]{3})[a-z]*[-/. ,]+([0-9]{1,4})(?:[T ].*)?")


def parted(text: str) -> tuple[int, int | str, int] | None:
    """The three parts of a written day; None where it is none."""
    match = _PARTED.fullmatch(text.strip()[:40])
    if match is None:
        digits = text.strip()
        if len(digits) == 8 and digits.isascii() and digits.isdigit():
            return int(digits[:4]), int(digits[4:6]), int(digits[6:])
        return None
    middle: int | str = int(match[2]) if _DIGITS.fullmatch(match[2]) else match[2].lower()
    return int(match[1]), middle, int(match[3])


def written_day(text: str, order: str, where: str) -> date:
    """A day whose parts stand in `order`: ymd, mdy or dmy."""
    parts = parted(text)
    if parts is None:
        raise FileRefused(f"{where}: “{one_line(text)[:20]}” is no day.")
    first, middle, last = parts
    if isinstance(middle, str):
        if middle not in _MONTHS:
            raise FileRefused(f"{where}: “{one_line(text)[:20]}” is no day.")
        year, day = (first, last) if order == "ymd" or first > 31 else (last, first)
        return day_of(_full(year), _MONTHS[middle], day, where)
    read: Callable[[], tuple[int, int, int]] = {
        "ymd": lambda: (first, middle, last),
        "mdy": lambda: (last, first, middle),
        "dmy": lambda: (last, middle, first),
    }[order]
    year, month, day = read()
    return day_of(_full(year), month, day, where)


def _full(year: int) -> int:
    return year + 2000 if year < 80 else year + 1900 if year < 100 else year
