"""What forms of these pages say, read as strictly as everything else that a browser sends."""

from typing import Any
from uuid import UUID

from litestar.datastructures import FormMultiDict

from gatehouse_chassis.base.problems import Invalid
from gatehouse_portal.areas.finance.structs import CsvMapping, ImportOutcome, LineBooking, NewMatch

MOST_COLUMNS = 6
LONGEST_NAME = 200


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
