"""What forms of these pages say, read as strictly as everything else that a browser sends."""

import re
from datetime import date
from typing import Any
from uuid import UUID

from litestar.datastructures import FormMultiDict

from gatehouse_chassis.base.problems import Invalid
from gatehouse_portal.areas.finance.bank_structs import CsvMapping, ImportOutcome, LineBooking, NewMatch
from gatehouse_portal.areas.finance.board_structs import NewBoardPack
from gatehouse_portal.areas.finance.gift_structs import GiftDeposit, NewDonor, NewGift
from gatehouse_portal.areas.finance.structs import NewJournalEntry, NewPosting

AMOUNT = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,2}))?")
MOST_COLUMNS = 6
LONGEST_NAME = 200
MOST_POSTINGS = 6


def an_id(form: FormMultiDict, name: str) -> UUID:
    try:
        return UUID(str(form.get(name, "")))
    except ValueError:
        raise Invalid({name: "choose one"}) from None


def ids(form: FormMultiDict, name: str) -> list[UUID]:
    try:
        return [UUID(str(one)) for one in form.getall(name, [])]
    except ValueError:
        raise Invalid({name: "open the page again"}) from None


def a_day(form: FormMultiDict, name: str) -> date:
    try:
        return date.fromisoformat(str(form.get(name, "")))
    except ValueError:
        raise Invalid({name: "choose a day"}) from None


def cents(form: FormMultiDict, name: str) -> int:
    """`1,234.5` is 123,450 cents; nothing is 0."""
    text = str(form.get(name, "")).strip().replace(",", "").removeprefix("$")
    if not text:
        return 0
    found = AMOUNT.fullmatch(text)
    if found is None:
        raise Invalid({name: "an amount such as 250.00"})
    return int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0"))


def line(form: FormMultiDict, name: str) -> str | None:
    return " ".join(str(form.get(name) or "").split()) or None


def needed(form: FormMultiDict, name: str) -> str:
    found = line(form, name)
    if found is None:
        raise Invalid({name: "fill it in"})
    return found


def new_donor(form: FormMultiDict) -> NewDonor:
    name = line(form, "donor_name")
    if name is None:
        raise Invalid({"donor_name": "choose a donor, or give the name of a new one"})
    return NewDonor(
        kind=str(form.get("donor_kind") or "person"),
        name=name,
        email=line(form, "donor_email"),
        address=line(form, "donor_address"),
    )


def new_gift(form: FormMultiDict) -> NewGift:
    thing, entry = form.get("kind") == "in_kind", form.get("entry")
    deposit = None
    if not thing and not entry:
        deposit = GiftDeposit(account_id=an_id(form, "account"), income_account_id=an_id(form, "income"))
    known = bool(form.get("donor"))
    return NewGift(
        donor_id=an_id(form, "donor") if known else None,
        new_donor=None if known else new_donor(form),
        received_on=a_day(form, "received_on"),
        fund_id=an_id(form, "fund"),
        kind="in_kind" if thing else "money",
        amount=0 if thing else cents(form, "amount"),
        in_kind_text=line(form, "in_kind_text") if thing else None,
        goods_value=cents(form, "goods_value"),
        goods_text=line(form, "goods_text"),
        entry_id=an_id(form, "entry") if entry else None,
        deposit=deposit,
        acknowledge="later" if form.get("acknowledge") == "later" else "at_once",
    )


def new_entry(form: FormMultiDict) -> NewJournalEntry:
    """The lines of the form that have an amount: to the debit or to the credit of an account."""
    postings = []
    for number in range(MOST_POSTINGS):
        debit, credit = cents(form, f"debit_{number}"), cents(form, f"credit_{number}")
        if debit and credit:
            raise Invalid({f"debit_{number}": "a line has a debit or a credit, not both"})
        if debit or credit:
            program = form.get(f"program_{number}")
            postings.append(
                NewPosting(
                    account_id=an_id(form, f"account_{number}"),
                    fund_id=an_id(form, f"fund_{number}"),
                    amount=debit - credit,
                    function=str(form.get(f"function_{number}") or "none"),
                    program_id=an_id(form, f"program_{number}") if program else None,
                )
            )
    memo = line(form, "memo")
    if memo is None:
        raise Invalid({"memo": "say what it was"})
    source = "opening" if form.get("source") == "opening" else "manual"
    return NewJournalEntry(booked_on=a_day(form, "booked_on"), memo=memo, postings=postings, source=source)


def new_pack(form: FormMultiDict) -> NewBoardPack:
    return NewBoardPack(ends_on=a_day(form, "ends_on"), comment=line(form, "comment"))


def version(form: FormMultiDict) -> int:
    text = str(form.get("version", ""))
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid({"version": "open the page again"})
    return int(text)


def file_name(text: str) -> str:
    """As ledger takes it: one line, without a path."""
    name = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return name.replace("\\", "/").rpartition("/")[2][-LONGEST_NAME:].strip() or "file"


def mapping(form: FormMultiDict) -> CsvMapping:
    def one(name: str) -> str | None:
        return str(form.get(name) or "") or None

    day = one("day")
    if day is None:
        raise Invalid({"day": "choose the column with the date"})
    texts: list[Any] = form.getall("text", [])
    return CsvMapping(
        day=day,
        day_order=one("day_order") or "mdy",
        amount=one("amount"),
        paid_in=one("paid_in"),
        paid_out=one("paid_out"),
        text=[str(text) for text in texts if text][:MOST_COLUMNS],
        reference=one("reference"),
        bank_id=one("bank_id"),
        balance=one("balance"),
        decimal_comma=form.get("decimal_comma") == "yes",
    )


def new_match(form: FormMultiDict, account_id: UUID) -> NewMatch:
    booking = None
    if form.get("counter"):
        program = form.get("program")
        booking = LineBooking(
            counter_account_id=an_id(form, "counter"),
            fund_id=an_id(form, "fund"),
            function=str(form.get("function") or "none"),
            program_id=an_id(form, "program") if program else None,
        )
    return NewMatch(
        account_id=account_id, line_ids=ids(form, "line"), posting_ids=ids(form, "posting"), booking=booking
    )


def imported(done: ImportOutcome) -> str:
    """What an import did, in words."""
    lines = "1 new line" if done.new_lines == 1 else f"{done.new_lines:,} new lines"
    parts = [f"Imported {lines}"] if done.new_lines else ["Nothing was new"]
    if done.known_lines:
        parts.append(f"{done.known_lines:,} known")
    if done.matched:
        parts.append(f"{done.matched:,} matched at once")
    if done.quarantined:
        parts.append(f"{done.quarantined} in quarantine")
    return ", ".join(parts) + "."
