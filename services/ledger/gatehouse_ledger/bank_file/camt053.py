"""camt.053 (ISO 20022: Bank to Customer Statement), any version. Read as a stream, so a large file takes little memory.

The reader is expat. A document type is refused as it begins, so no entity can be declared, and none is resolved.
"""

import re
from datetime import date
from xml.parsers import expat

from gatehouse_ledger.bank_file.structs import MOST_LINES, BankLine, BankStatement, FileRefused
from gatehouse_ledger.bank_file.values import compact_day, minor_units, one_line

DEEPEST = 40
LONGEST_VALUE = 4_000
_OPENING, _CLOSING = ("OPBD", "PRCD"), ("CLBD",)
# Where the parts of an entry stand, below Ntry.
_REFERENCES = ("NtryDtls/TxDtls/Refs/EndToEndId", "NtryRef", "NtryDtls/TxDtls/Refs/TxId")
_TEXTS = (
    "NtryDtls/TxDtls/RltdPties/Dbtr/Nm",
    "NtryDtls/TxDtls/RltdPties/Dbtr/Pty/Nm",
    "NtryDtls/TxDtls/RltdPties/Cdtr/Nm",
    "NtryDtls/TxDtls/RltdPties/Cdtr/Pty/Nm",
    "NtryDtls/TxDtls/RmtInf/Ustrd",
    "AddtlNtryInf",
)


def is_camt(head: str) -> bool:
    return "BkToCstmrStmt" in head or "camt.053" in head


def read(content: bytes) -> list[BankStatement]:
    reader = _CamtReader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.begin
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.refuse_doctype
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, UnicodeError, LookupError, ValueError) as error:
        place = getattr(error, "lineno", None)
        raise FileRefused(
            f"The file is no complete XML{f', see line {place}' if place else ''}. Download it from the bank again."
        ) from None
    if not reader.statements:
        raise FileRefused("The file has no camt.053 statement (Stmt). Choose “camt.053” at the bank's download.")
    return reader.statements


_PARTS = frozenset({"Ntry", "Bal"})
_KEPT = frozenset(
    (
        *(*_REFERENCES, *_TEXTS),
        *("Amt", "CdtDbtInd", "Sts", "Sts/Cd", "AcctSvcrRef", "Tp/CdOrPrtry/Cd", "Dt/Dt", "Dt/DtTm"),
        *("BookgDt/Dt", "BookgDt/DtTm", "ValDt/Dt", "ValDt/DtTm"),
    )
)


class _CamtReader:
    """What stands below Stmt, Bal and Ntry, by its path. `statements` are those that have ended.

    Of a hundred thousand entries each has some thirty elements, so what is done for every element is little.
    """

    def __init__(self) -> None:
        self.statements: list[BankStatement] = []
        self.tags: dict[str, str] = {}
        # The paths of the open elements, from the innermost Stmt, Bal or Ntry on.
        self.paths: list[str] = []
        self.value: list[str] = []
        self.length = 0
        self.statement: dict[str, str] = {}
        self.part: dict[str, str] | None = None
        self.kind = ""
        self.part_depth = 0
        self.statement_depth = 0
        self.entries: list[BankLine] = []
        self.balances: dict[str, tuple[int, date | None]] = {}
        self.currency: str | None = None

    def refuse_doctype(self, *_: object) -> None:
        raise FileRefused("The file declares a document type, which no bank's does. Download it from the bank again.")

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        tag = self.tags.get(name)
        if tag is None:
            tag = self.tags[name] = name.rpartition(" ")[2]
        depth = len(self.paths) + 1
        if depth > DEEPEST:
            raise FileRefused(f"The file nests more than {DEEPEST} elements, which no statement does.")
        above = self.paths[-1] if self.paths else ""
        if tag == "Stmt":
            self.statement, self.entries, self.balances, self.currency = {}, [], {}, None
            self.statement_depth, self.part, above, tag = depth, None, "", ""
        elif self.part is None and self.statement_depth and tag in _PARTS:
            self.part, self.part_depth, self.kind, above, tag = {}, depth, tag, "", ""
        elif tag == "Amt" and self.part is not None and depth == self.part_depth + 1:
            self.part.setdefault("Ccy", attributes.get("Ccy", ""))
        self.paths.append(f"{above}/{tag}" if above else tag)
        if self.value:
            self.value, self.length = [], 0

    def text(self, text: str) -> None:
        if self.length < LONGEST_VALUE:
            self.value.append(text)
            self.length += len(text)

    def end(self, _: str) -> None:
        depth, path = len(self.paths), self.paths.pop()
        if self.part is not None:
            if depth == self.part_depth:
                self._finish(self.kind, self.part)
                self.part = None
            elif self.value and path in _KEPT:
                before = self.part.get(path)
                if before is None:
                    self.part[path] = "".join(self.value)
                elif len(before) < LONGEST_VALUE:  # or a file of one entry with a million texts would take hours
                    self.part[path] = f"{before} {''.join(self.value)}"
        elif self.statement_depth:
            if depth == self.statement_depth:
                self.statements.append(self._statement())
                self.statement_depth = 0
            elif self.value:
                self.statement.setdefault(path, "".join(self.value))
        if self.value:
            self.value, self.length = [], 0

    def _finish(self, tag: str, part: dict[str, str]) -> None:
        if tag == "Bal":
            kind = part.get("Tp/CdOrPrtry/Cd", "").strip()
            if kind in _OPENING + _CLOSING and kind not in self.balances:
                where = f"Balance {kind}"
                day = part.get("Dt/Dt") or part.get("Dt/DtTm")
                self.balances[kind] = (self._amount(part, where), compact_day(day, where) if day else None)
        elif part.get("Sts/Cd", part.get("Sts", "BOOK")).strip() == "BOOK":
            self.entries.append(self._line(part))
            if len(self.entries) > MOST_LINES:
                raise FileRefused(f"The file has more than {MOST_LINES:,} lines. Split it by month.")

    def _amount(self, part: dict[str, str], where: str) -> int:
        self.currency = self.currency or part.get("Ccy") or None
        mark = part.get("CdtDbtInd", "").strip()
        if mark not in ("CRDT", "DBIT"):
            raise FileRefused(f"{where} doesn't say whether it is a credit or a debit (CdtDbtInd).")
        amount = minor_units(part.get("Amt", "").strip(), self.currency, where)
        return amount if mark == "CRDT" else -amount

    def _line(self, part: dict[str, str]) -> BankLine:
        where = f"Entry {len(self.entries) + 1}"
        day = part.get("BookgDt/Dt") or part.get("BookgDt/DtTm") or part.get("ValDt/Dt") or part.get("ValDt/DtTm") or ""
        texts = dict.fromkeys(one_line(part[path]) for path in _TEXTS if path in part)
        references = [one_line(part[path]) for path in _REFERENCES if path in part]
        return BankLine(
            compact_day(day, where),
            self._amount(part, where),
            " · ".join(filter(None, texts)),
            next((one for one in references if one and one != "NOTPROVIDED"), ""),
            one_line(part.get("AcctSvcrRef", "")),
        )

    def _statement(self) -> BankStatement:
        opening = next((self.balances[kind] for kind in _OPENING if kind in self.balances), None)
        closing = next((self.balances[kind] for kind in _CLOSING if kind in self.balances), None)
        days = [line.booked_on for line in self.entries]
        days += [balance[1] for balance in (opening, closing) if balance is not None and balance[1] is not None]
        given = [self.statement.get(f"FrToDt/{name}") for name in ("FrDtTm", "ToDtTm", "FrDt", "ToDt")]
        days += [compact_day(day, "FrToDt") for day in given if day]
        if not days:
            raise FileRefused("A statement has neither balances nor entries. Download the file from the bank again.")
        currency = self.statement.get("Acct/Ccy", self.currency or "").strip().upper()[:3]
        account = self.statement.get("Acct/Id/IBAN") or self.statement.get("Acct/Id/Othr/Id") or ""
        return BankStatement(
            format="camt053",
            account=one_line(account)[:40],
            currency=currency if re.fullmatch("[A-Z]{3}", currency) else None,
            from_on=min(days),
            to_on=max(days),
            opening=None if opening is None else opening[0],
            closing=None if closing is None else closing[0],
            lines=self.entries,
        )
