"""OFX and QFX (https://financialdataexchange.org, OFX 1.x as SGML and 2.x as XML): what most US banks give.

Tags are read in one pass, so nothing nests and no entity is ever resolved but the five of XML.
"""

import re
from html import unescape

from gatehouse_ledger.bank_file.structs import MOST_LINES, BankLine, BankStatement, FileRefused
from gatehouse_ledger.bank_file.values import compact_day, decoded, minor_units, one_line

_TAG = re.compile(r"<(/?)([A-Za-z0-9._]{1,40})[^<>]{0,80}>([^<]*)")
_STATEMENTS = frozenset({"STMTRS", "CCSTMTRS"})


def is_ofx(head: str) -> bool:
    return "OFXHEADER" in head or "<OFX>" in head.upper()


def read(content: bytes) -> list[BankStatement]:
    text = decoded(content)
    if "<!" in text[:10_000] and ("<!DOCTYPE" in text or "<!ENTITY" in text):
        raise FileRefused("The file declares entities, which no bank's file does. Download it from the bank again.")
    reader = _OfxReader()
    for match in _TAG.finditer(text):
        reader.take(match[2].upper(), match[3].strip(), bool(match[1]))
    if reader.inside:
        raise FileRefused("The file breaks off within a statement. Download it from the bank again.")
    if not reader.statements:
        raise FileRefused("The file has no statement of an account. Choose “transactions” at the bank's download.")
    return reader.statements


class _OfxReader:
    """The statements that have ended, and what is known of the one that is being read."""

    def __init__(self) -> None:
        self.statements: list[BankStatement] = []
        self.common: dict[str, str] = {}
        self.entries: list[dict[str, str]] = []
        self.inside = self.listing = self.in_balance = False

    def take(self, name: str, value: str, ends: bool) -> None:
        if name in _STATEMENTS:
            if ends and self.inside:
                self.statements.append(_statement(self.common, self.entries))
            self.inside, self.listing, self.in_balance = not ends, False, False
            self.common, self.entries = {}, []
        elif name == "STMTTRN":
            self.listing = self.inside and not ends
            if self.listing:
                self.entries.append({})
            if len(self.entries) > MOST_LINES:
                raise FileRefused(f"The file has more than {MOST_LINES:,} lines. Split it by month.")
        elif name == "LEDGERBAL":
            self.in_balance = not ends
        elif value and self.inside and not ends:
            if self.listing:
                self.entries[-1].setdefault(name, value)
            elif self.in_balance or name not in ("BALAMT", "DTASOF"):
                self.common.setdefault(name, value)


def _statement(common: dict[str, str], entries: list[dict[str, str]]) -> BankStatement:
    currency = one_line(common.get("CURDEF", ""))[:3].upper() or None
    lines = [_line(number, entry, currency) for number, entry in enumerate(entries, 1)]
    days = [line.booked_on for line in lines]
    as_of = common.get("DTASOF")
    closing = None
    if "BALAMT" in common:
        closing = minor_units(common["BALAMT"], currency, "LEDGERBAL", decimal_comma=None)
    begins = compact_day(common["DTSTART"], "DTSTART") if "DTSTART" in common else min(days, default=None)
    ends = compact_day(as_of, "DTASOF") if as_of else None
    ends = ends or (compact_day(common["DTEND"], "DTEND") if "DTEND" in common else max(days, default=None))
    if begins is None or ends is None:
        raise FileRefused("The statement has neither lines nor days. Download it from the bank again.")
    return BankStatement(
        format="ofx",
        account=one_line(common.get("ACCTID", ""))[:40],
        currency=currency,
        from_on=min([begins, *days]),
        to_on=max([ends, *days]),
        opening=None,
        closing=closing,
        lines=lines,
    )


def _line(number: int, entry: dict[str, str], currency: str | None) -> BankLine:
    where = f"Transaction {number}"
    for needed in ("DTPOSTED", "TRNAMT"):
        if needed not in entry:
            raise FileRefused(f"{where} has no {needed}. Download the file from the bank again.")
    texts = dict.fromkeys(one_line(unescape(entry.get(name, ""))) for name in ("NAME", "PAYEE", "MEMO"))
    return BankLine(
        compact_day(entry["DTPOSTED"], where),
        minor_units(entry["TRNAMT"], currency, where, decimal_comma=None),
        " · ".join(filter(None, texts)) or one_line(entry.get("TRNTYPE", "")),
        one_line(unescape(entry.get("CHECKNUM") or entry.get("REFNUM", ""))),
        one_line(unescape(entry.get("FITID", ""))),
    )
