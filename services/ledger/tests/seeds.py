"""Makes the test data of the books: three years of a small charity, October ready to close, November to reconcile.

    .venv/bin/python services/ledger/tests/seeds.py

writes services/ledger/database/test-data. A test holds that the files are what this makes.
"""

import calendar
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from gatehouse_ledger.bank_file.structs import BankLine
from gatehouse_ledger.document.rules import Issuer
from gatehouse_ledger.donor.structs import Donor
from gatehouse_ledger.enumerators import DonorKind
from gatehouse_ledger.receipt.rules import single
from gatehouse_ledger.receipt.structs import AcknowledgedGift
from gatehouse_ledger.statement.rules import identity

FOLDER = Path(__file__).parents[1] / "database" / "test-data"
FINANCE = "019a0000-0002-7000-8000-000000000008"
BOARD = "019a0000-0002-7000-8000-000000000010"
BEGINS, LAST = (2024, 1), (2026, 11)
GENERAL, LAPTOPS, ENDOWMENT, NEXT_YEAR = 1, 2, 3, 4
APPRENTICES, OUTREACH = 1, 2
Part = tuple[int, int, int, str, int | None]
"""Account, fund, amount, function, program."""
Rows = dict[str, list[dict[str, Any]]]


def an_id(kind: int, number: int) -> str:
    return f"019a0000-{kind:04}-7000-8000-{number:012d}"


class Books:
    def __init__(self) -> None:
        self.rows: Rows = defaultdict(list)
        self.chance = random.Random(24)
        self.numbers: dict[int, int] = defaultdict(int)
        self.banked: dict[tuple[int, int], list[tuple[str, date, int, str]]] = defaultdict(list)

    def entry(self, day: date, memo: str, *parts: Part, source: str = "manual") -> None:
        number = len(self.rows["journal_entry"]) + 1
        crumb = {"posted_at": f"{day}T16:00:00Z", "posted_by": FINANCE, "posted_request": "test-data"}
        month = (day.year - BEGINS[0]) * 12 + day.month
        row = {"id": an_id(44, number), "period_id": an_id(43, month), "booked_on": str(day), "memo": memo}
        self.rows["journal_entry"].append(row | {"source": source, "lines": len(parts)} | crumb)
        for position, (account, fund, amount, function, program) in enumerate(parts, 1):
            id = an_id(45, len(self.rows["posting"]) + 1)
            posting = {"id": id, "entry_id": row["id"], "position": position, "account_id": an_id(40, account)}
            posting |= {"fund_id": an_id(41, fund), "function": function, "amount": amount, "currency": "USD"}
            self.rows["posting"].append(posting | ({"program_id": an_id(42, program)} if program else {}))
            if account == 1010 and source == "manual":
                self.banked[day.year, day.month].append((id, day, amount, memo))

    def paid(self, day: date, memo: str, amount: int, account: int, function: str, program: int | None = None) -> None:
        self.entry(day, memo, (account, GENERAL, amount, function, program), (1010, GENERAL, -amount, "none", None))

    def received(self, day: date, memo: str, amount: int, account: int, fund: int = GENERAL) -> None:
        self.entry(day, memo, (1010, fund, amount, "none", None), (account, fund, -amount, "none", None))

    def month(self, year: int, month: int) -> None:
        def on(day: int) -> date:
            return date(year, month, day)

        cents = self.chance.randint
        for day in (4, 11, 18):
            self.received(on(day), "Zeffy gifts online", cents(210_000, 520_000), 4010)
        self.received(on(9), f"Gift of {self.chance.choice(('E. Marsh', 'Millstone Trust', 'T. Okoro'))}", 25_000, 4010)
        if month in (3, 9):
            self.received(on(15), "Harbour Light Foundation, laptops grant", 1_200_000, 4030, LAPTOPS)
        if month in (2, 6, 10):
            self.received(on(20), "Northwind Cooperative, sponsorship", 1_800_000, 4020)
        if month == 12:
            self.received(on(28), "Pledge for next year's cohort", 600_000, 4010, NEXT_YEAR)
        self.salaries(on(25), 980_000 + (year - 2024) * 35_000)
        self.paid(on(1), "Lakeside Rent, office", 145_000, 5200, "management")
        self.paid(on(6), "Hosting Harbor, servers", 18_000 + cents(0, 9_000), 5300, "program", APPRENTICES)
        self.paid(on(12), "Stipends of apprentices", 240_000, 5600, "program", APPRENTICES)
        if month % 3 == 0:
            self.paid(on(22), "Demo day, room and food", cents(30_000, 90_000), 5500, "program", OUTREACH)
            parts: list[Part] = [
                (5310, LAPTOPS, 350_000, "program", APPRENTICES),
                (1010, LAPTOPS, -350_000, "none", None),
            ]
            self.entry(on(23), "Laptops for the new cohort", *parts)
        self.paid(on(28), "Newsletter and appeal, printing", cents(8_000, 30_000), 5310, "fundraising")
        interest: list[Part] = [(1020, ENDOWMENT, cents(5_000, 9_000), "none", None)]
        self.entry(
            on(27), "Interest of the savings account", *interest, (4400, ENDOWMENT, -interest[0][2], "none", None)
        )

    def salaries(self, day: date, gross: int) -> None:
        parts = {"program": gross * 70 // 100, "management": gross * 20 // 100}
        parts["fundraising"] = gross - sum(parts.values())
        of: list[Part] = [
            (5010, GENERAL, amount, name, APPRENTICES if name == "program" else None) for name, amount in parts.items()
        ]
        self.entry(day, "Salaries", *of, (1010, GENERAL, -gross, "none", None))

    def statement(self, year: int, month: int, opening: int, extra: list[BankLine], *, matched: bool) -> int:
        """Of the checking account; what its balance is afterwards."""
        number = len(self.rows["statement"]) + 1
        id, last = an_id(46, number), date(year, month, calendar.monthrange(year, month)[1])
        lines: list[tuple[BankLine, str | None]] = [
            (
                BankLine(min(day + timedelta(days=1), last), amount, memo.upper(), "", f"FT{year}{month:02}{place:03}"),
                posting,
            )
            for place, (posting, day, amount, memo) in enumerate(self.banked[year, month])
        ]
        lines += [(line, None) for line in extra]
        lines.sort(key=lambda pair: pair[0].booked_on)
        closing = opening + sum(line.amount for line, _ in lines)
        crumb = {
            "imported_at": f"{last + timedelta(days=1)}T08:00:00Z",
            "imported_by": FINANCE,
            "imported_request": "test-data",
        }
        self.rows["statement"].append(
            {
                "id": id,
                "account_id": an_id(40, 1010),
                "file_name": f"checking-{year}-{month:02}.qfx",
                "file_sha256": f"{number:064x}",
            }
            | {
                "number": 1,
                "format": "ofx",
                "bank_account": "4821",
                "from_on": str(date(year, month, 1)),
                "to_on": str(last),
            }
            | {"opening": opening, "closing": closing, "state": "proven", "lines": len(lines), "new_lines": len(lines)}
            | crumb
        )
        seen: dict[bytes, int] = defaultdict(int)
        for seq, (line, posting) in enumerate(lines, 1):
            seen[identity(line)] += 1
            self._line(id, seq, line, seen[identity(line)], posting if matched else None)
        return closing

    def _line(self, statement: str, seq: int, line: BankLine, occurrence: int, posting: str | None) -> None:
        id = an_id(47, len(self.rows["statement_line"]) + 1)
        row = {
            "id": id,
            "account_id": an_id(40, 1010),
            "statement_id": statement,
            "seq": seq,
            "booked_on": str(line.booked_on),
        }
        row |= {"amount": line.amount, "text": line.text, "reference": line.reference, "bank_id": line.bank_id}
        row |= {"identity": "\\x" + identity(line).hex(), "occurrence": occurrence}
        if posting is not None:
            match = an_id(48, len(self.rows["match"]) + 1)
            row["match_id"] = match
            self.rows["match"].append(
                {
                    "id": match,
                    "account_id": an_id(40, 1010),
                    "kind": "one_to_one",
                    "matched_by": "automatic",
                    "score": 97,
                }
                | {
                    "reasons": ["same_amount", "near_day", "name_found", "only_one"],
                    "line_ids": [id],
                    "posting_ids": [posting],
                }
                | {
                    "created_by": FINANCE,
                    "created_request": "test-data",
                    "changed_by": FINANCE,
                    "changed_request": "test-data",
                }
            )
            self.rows["posting_match"].append({"posting_id": posting, "match_id": match})
        self.rows["statement_line"].append(row)


def months() -> Iterator[tuple[int, int]]:
    year, month = BEGINS
    while (year, month) <= LAST:
        yield year, month
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def rows() -> Rows:
    books = Books()
    crumbs = {
        "created_by": FINANCE,
        "created_request": "test-data",
        "changed_by": FINANCE,
        "changed_request": "test-data",
    }
    for number, (name, restriction, purpose) in enumerate(
        (
            ("Laptops for apprentices", "purpose", "Laptops and licences for apprentices"),
            ("Endowment", "perpetual", "It is kept; its interest pays stipends"),
            ("Next year's cohort", "time", "To be used from the first day of the year after"),
        ),
        2,
    ):
        books.rows["fund"].append(
            {"id": an_id(41, number), "name": name, "restriction": restriction, "purpose": purpose} | crumbs
        )
    for number, name in enumerate(("Apprenticeship", "Community and outreach"), 1):
        books.rows["program"].append({"id": an_id(42, number), "name": name} | crumbs)
    for number, (year, month) in enumerate(months(), 1):
        books.rows["accounting_period"].append(
            {"id": an_id(43, number), "starts_on": str(date(year, month, 1))} | crumbs
        )
    opening: list[Part] = [(1010, GENERAL, 4_200_000, "none", None), (1020, ENDOWMENT, 2_000_000, "none", None)]
    balance: list[Part] = [(3010, GENERAL, -4_200_000, "none", None), (3010, ENDOWMENT, -2_000_000, "none", None)]
    books.entry(date(2024, 1, 1), "Opening balances", *opening, *balance, source="opening")
    for year, month in months():
        books.month(year, month)
    _close(books)
    _statements(books)
    _gifts(books)
    _payees(books)
    _budget(books)
    _mission(books)
    return dict(books.rows)


# Who gives, as the memos of the entries name them; the last gave once, a thing.
DONORS: dict[str, tuple[DonorKind, str, str | None, str | None]] = {
    "E. Marsh": ("person", "Edda Marsh", "edda.marsh@example.org", "12 Elm Street, Salem, OR 97301"),
    "Millstone Trust": ("organization", "Millstone Trust", "grants@millstone.example", "PO Box 88, Boston, MA 02101"),
    "T. Okoro": ("household", "Tobe and Ada Okoro", "okoro@example.org", None),
    "Northwind Cooperative": ("organization", "Northwind Cooperative", None, None),
    "A neighbour": ("person", "李 Mei-Lin Tan", "meilin@example.org", "4 Canal Road, Portland, OR 97209"),
}
ISSUER = Issuer(
    "Agile Learning Institute",
    ["1 Gate Street, Springfield, IL 62701", "EIN 00-0000000"],
    "00-0000000",
    "The Treasurer",
)


def _gifts(books: Books) -> None:
    """Of the entries that name a donor. Receipts are there until September 2026; what came since waits for thanks."""
    names = list(DONORS)
    crumbs = {"created_by": FINANCE, "created_request": "test-data", "changed_by": FINANCE}
    for number, (kind, name, email, address) in enumerate(DONORS.values(), 1):
        row = {"id": an_id(51, number), "kind": kind, "name": name, "email": email, "address": address}
        books.rows["donor"].append({**row, **crumbs, "changed_request": "test-data"})
    amounts = {row["entry_id"]: row["amount"] for row in books.rows["posting"] if row["account_id"] == an_id(40, 1010)}
    for entry in list(books.rows["journal_entry"]):
        who = next((name for name in names if name in entry["memo"]), None)
        if who is not None:
            _gift(books, names.index(who) + 1, entry["booked_on"], amounts[entry["id"]], entry["id"])
    _gift(books, 1, "2026-08-14", 10_000, None, goods_value=4_500, goods_text="A place at the summer dinner")
    _gift(books, 5, "2026-09-02", 0, None, kind="in_kind", in_kind_text="Ten used laptops and their chargers")
    for year, last in books.numbers.items():
        books.rows["receipt_counter"].append({"year": year, "last": last})


def _gift(books: Books, donor: int, day: str, amount: int, entry: str | None, **more: Any) -> None:
    number = len(books.rows["gift"]) + 1
    row: dict[str, Any] = {"id": an_id(52, number), "donor_id": an_id(51, donor), "received_on": day, "kind": "money"}
    row |= {"amount": amount, "fund_id": an_id(41, GENERAL), "in_kind_text": None, "goods_value": 0, "goods_text": None}
    row |= {"entry_id": entry, "receipt_id": None} | more
    crumbs = {"created_by": FINANCE, "created_request": "test-data", "changed_by": FINANCE}
    books.rows["gift"].append(row | crumbs | {"changed_request": "test-data"})
    if day >= "2026-10-01":
        return
    year = int(day[:4])
    books.numbers[year] += 1
    who = list(DONORS.values())[donor - 1]
    moment = f"{day}T17:00:00Z"
    at = datetime.fromisoformat(moment)
    of = Donor(UUID(an_id(51, donor)), 1, who[0], who[1], who[2], who[3], None, None, at, at)
    fields = {name: row[name] for name in ("amount", "in_kind_text", "goods_value", "goods_text")}
    given = AcknowledgedGift(
        id=UUID(row["id"]),
        received_on=at.date(),
        fund="General fund",
        restricted=False,
        refunded_on=None,
        receipt_id=None,
        **fields,
    )
    content = single(given, of, ISSUER, f"{year}-{books.numbers[year]:05}", None)
    receipt: dict[str, Any] = {"id": an_id(53, number), "year": year, "sequence": books.numbers[year], "kind": "single"}
    receipt |= {"donor_id": row["donor_id"], "gift_ids": [row["id"]], "amount": amount, "issued_at": moment}
    receipt["content"] = msgspec.to_builtins(content)
    books.rows["receipt"].append(receipt | crumbs | {"changed_request": "test-data"})
    row["receipt_id"] = receipt["id"]
    books.rows["gift"][-1]["receipt_id"] = receipt["id"]


# Of each contractor: whether their W-9 is on file, exempt, and what they were paid in which year and how.
PAYEES: dict[str, tuple[bool, bool, list[tuple[str, int, str]]]] = {
    "Ida Bloom, bookkeeping": (True, False, [("2025-05-30", 90_000, "transfer"), ("2026-05-29", 120_000, "transfer")]),
    "Karim Haddad, workshops": (False, False, [("2026-03-13", 160_000, "check"), ("2026-09-18", 90_000, "check")]),
    "Copyshop Corporation": (True, True, [("2026-02-06", 310_000, "transfer")]),
    "Studio Lark, design": (True, False, [("2025-10-02", 240_000, "card")]),
}


def _payees(books: Books) -> None:
    crumbs = {"created_by": FINANCE, "created_request": "test-data", "changed_by": FINANCE}
    for number, (name, (w9, exempt, payments)) in enumerate(PAYEES.items(), 1):
        row = {"id": an_id(55, number), "name": name, "w9_on_file": w9, "exempt": exempt}
        books.rows["payee"].append({**row, **crumbs, "changed_request": "test-data"})
        for day, amount, method in payments:
            id = an_id(56, len(books.rows["contractor_payment"]) + 1)
            paid = {"id": id, "payee_id": row["id"], "paid_on": day, "amount": amount, "method": method}
            books.rows["contractor_payment"].append({**paid, **crumbs, "changed_request": "test-data"})


# Of each account and program: what is meant for a year, in the first year; a twentieth more in each later one.
BUDGET: list[tuple[int, int | None, int]] = [
    (4010, None, 14_500_000),
    (4020, None, 5_400_000),
    (4030, None, 2_400_000),
    (5010, APPRENTICES, 8_300_000),
    (5010, None, 3_600_000),
    (5200, None, 1_740_000),
    (5300, APPRENTICES, 270_000),
    (5310, APPRENTICES, 1_400_000),
    (5310, None, 220_000),
    (5500, OUTREACH, 260_000),
    (5600, APPRENTICES, 2_900_000),
]


def _budget(books: Books) -> None:
    crumbs = {"created_by": FINANCE, "created_request": "test-data", "changed_by": FINANCE}
    for later, year in enumerate((2024, 2025, 2026)):
        for account, program, amount in BUDGET:
            id = an_id(58, len(books.rows["budget_line"]) + 1)
            row: dict[str, Any] = {"id": id, "year": year, "account_id": an_id(40, account)}
            row |= {"program_id": an_id(42, program)} if program else {}
            row["amount"] = amount * (20 + later) // 20
            books.rows["budget_line"].append({**row, **crumbs, "changed_request": "test-data"})


def _mission(books: Books) -> None:
    """Of nobody in particular: what other services would have told in three years."""
    chance = random.Random(31)
    mentors = [an_id(59, number) for number in range(1, 13)]
    learning: dict[str, str] = {}

    def told(kind: str, day: date, member: str, mentor: str | None = None) -> None:
        number = len(books.rows["mission_event"]) + 1
        row = {"id": an_id(60, number), "event_id": an_id(61, number), "kind": kind, "happened_on": str(day)}
        books.rows["mission_event"].append(row | {"member_id": member} | ({"mentor_id": mentor} if mentor else {}))

    for number, (year, month) in enumerate(months()):
        begins = date(year, month, 1)
        for place in range(2 if number % 3 else 3):
            member, joins = an_id(62, number * 10 + place + 1), begins + timedelta(days=chance.randint(0, 8))
            told("joined", joins, member)
            learning[member] = mentor = chance.choice(mentors)
            told("mentoring_started", joins + timedelta(days=chance.randint(4, 19)), member, mentor)
        for member in chance.sample(list(learning), 2 if number > 5 else 0):
            told("mentoring_ended", begins + timedelta(days=27), member, learning.pop(member))
        for member, mentor in list(learning.items()):
            met = begins + timedelta(days=chance.randint(19, 26))
            told("no_show" if chance.random() < 0.12 else "encounter_held", met, member, mentor)
            if chance.random() < 0.8:
                told("learned", begins + timedelta(days=chance.randint(20, 26)), member)
            if chance.random() < 0.5:
                told("completed", begins + timedelta(days=chance.randint(20, 26)), member)


def _close(books: Books) -> None:
    """Every month before October 2026 is closed by the board; October is prepared."""
    for row in books.rows["accounting_period"]:
        month = date.fromisoformat(row["starts_on"])
        prepared = month + timedelta(days=36)
        row |= {"state": "open", "prepared_at": None, "prepared_by": None, "closed_at": None, "closed_by": None}
        if month < date(2026, 11, 1):
            row |= {"state": "closing", "prepared_at": f"{prepared}T09:00:00Z", "prepared_by": FINANCE}
        if month < date(2026, 10, 1):
            closed = f"{prepared + timedelta(days=2)}T18:00:00Z"
            row |= {"state": "closed", "closed_at": closed, "closed_by": BOARD}


def _statements(books: Books) -> None:
    """September and October are reconciled. In November some lines wait: twins, a payout less fees, a refund."""
    of_bank = [row for row in books.rows["posting"] if row["account_id"] == an_id(40, 1010)]
    days = {row["id"]: row["booked_on"] for row in books.rows["journal_entry"]}
    balance = sum(row["amount"] for row in of_bank if days[row["entry_id"]] < "2026-09-01")
    for month in (9, 10):
        balance = books.statement(2026, month, balance, [], matched=True)
    # What was entered for November is what the bank doesn't show gross: Zeffy pays out less its fees.
    listed = books.banked[2026, 11]
    gifts = [one for one in listed if one[3] == "Zeffy gifts online"]
    books.banked[2026, 11] = [one for one in listed if one not in gifts]
    extra = [
        BankLine(day + timedelta(days=2), amount - amount * 29 // 1000 - 30, "ZEFFY PAYOUT", "", f"PO{day.day}")
        for _, day, amount, _ in gifts
    ]
    coffee = BankLine(date(2026, 11, 17), -1_250, "PINE STREET COFFEE", "", "")
    extra += [coffee, coffee, BankLine(date(2026, 11, 19), 4_995, "OFFICE DEPOT REFUND", "", "RF1")]
    extra += [BankLine(date(2026, 11, 24), -2_500, "WIRE FEE", "", "")]
    books.statement(2026, 11, balance, extra, matched=False)


def written(of: list[dict[str, Any]]) -> str:
    return "[\n" + ",\n".join(json.dumps(row) for row in of) + "\n]\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for collection, of in rows().items():
        (FOLDER / f"{collection}.json").write_text(written(of), encoding="utf-8")
