"""From what a door takes in to sign-ups. Pure functions."""

import csv
import hmac
import io
from collections.abc import Iterator

from gatehouse_chassis.base.problems import Invalid
from gatehouse_intake.addresses import WANTED, normal_address, tidy_line
from gatehouse_intake.door.structs import Order, SheetRow
from gatehouse_intake.sign_up.rules import digest_of
from gatehouse_intake.sign_up.structs import NewSignUp

MOST_ROWS = 2_000
LONGEST_GOAL = 2_000
NEEDED = ("name", "email")


def is_signed(secret: bytes, raw: bytes, signature: str) -> bool:
    """Whether Squarespace signed these very bytes: HMAC-SHA256 with the bytes that the hexadecimal secret stands for.

    Source: https://developers.squarespace.com/commerce-apis/webhooks/verifying-notifications
    """
    expected = hmac.digest(secret, raw, "sha256").hex()
    return hmac.compare_digest(expected.encode(), signature.strip().lower().encode())


def of_order(order_id: str) -> NewSignUp:
    """Who ordered is read later; until then the order's number stands for the name."""
    name = f"Order {order_id}"
    return NewSignUp(
        source="squarespace_order",
        external_id=order_id,
        payload_hash=digest_of(order_id),
        name=name,
        email=None,
    )


def who_ordered(order: Order) -> tuple[str, str]:
    """Name and address. Raises Invalid where there is no address."""
    address = order.billing_address
    parts = () if address is None else (address.first_name, address.last_name)
    email = normal_address(order.customer_email or "")
    return tidy_line(" ".join(part for part in parts if part)) or email.partition("@")[0], email


def of_row(row: SheetRow) -> NewSignUp:
    """An address that can't be read is a problem that a coordinator sees."""
    email, problem = None, None
    try:
        email = normal_address(row.email)
    except Invalid:
        problem = (
            f"The row's address can't be read: {tidy_line(row.email)!r}. Correct it in the sheet, and send it again."
        )
    return NewSignUp(
        source="sheet_row",
        external_id=row.row_id,
        payload_hash=digest_of(row.name, row.email, row.time_zone, row.goal),
        name=tidy_line(row.name) or "Without a name",
        email=email,
        time_zone=row.time_zone,
        goal=row.goal,
        problem=problem,
    )


def of_file(content: bytes) -> list[NewSignUp]:
    """The sign-ups of a CSV file. Raises Invalid naming every line that can't be read: then none is taken."""
    text = _decoded(content)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        heads = [name.strip().lower().replace("-", "").replace(" ", "_") for name in next(rows, [])]
        _refuse_heads(heads)
        found, errors = _read(heads, enumerate(rows, 2))
    except csv.Error as error:
        raise Invalid({"content": f"line {rows.line_num}: {error}"}) from None
    if errors:
        raise Invalid(errors, "No row was taken. Correct these lines, then bring the file again.")
    return found


def _read(heads: list[str], rows: Iterator[tuple[int, list[str]]]) -> tuple[list[NewSignUp], dict[str, str]]:
    found, errors = [], {}
    for number, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if number > MOST_ROWS + 1:
            errors["content"] = f"has more than {MOST_ROWS} rows; bring it in parts"
            break
        row = dict(zip(heads, (cell.strip() for cell in cells), strict=False))
        name = tidy_line(row.get("name", ""))
        try:
            email = normal_address(row.get("email", ""))
        except Invalid:
            errors[f"line {number}"] = WANTED
            continue
        if not name:
            errors[f"line {number}"] = "takes a name"
            continue
        goal = tidy_line(row.get("goal", ""), LONGEST_GOAL) or None
        # The same person in two files, or on two lines, is one row.
        found.append(
            NewSignUp(
                source="csv",
                external_id=digest_of(email),
                payload_hash=digest_of(name, email, goal),
                name=name,
                email=email,
                goal=goal,
            )
        )
    return found, errors


def _refuse_heads(heads: list[str]) -> None:
    missing = [name for name in NEEDED if name not in heads]
    if missing:
        raise Invalid({"content": f"its first line has no column {' and no column '.join(missing)}"})


def _decoded(content: bytes) -> str:
    """UTF-8, or what spreadsheets write without asking. NUL is no text in either."""
    if b"\x00" in content:
        raise Invalid({"content": "takes a CSV file; this is another kind of file"})
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")
