"""What each door reads."""

import hmac

import msgspec
import pytest

from gatehouse_chassis.base.problems import Invalid
from gatehouse_intake.door.rules import is_signed, of_file, of_row, who_ordered
from gatehouse_intake.door.structs import Order, SheetRow

SECRET = "0f" * 32
KEY = bytes.fromhex(SECRET)
BODY = b'{"topic": "order.create",  "data": {"orderId": "585d498fdee9f31a60284a37"}}'
RIGHT = hmac.digest(bytes.fromhex(SECRET), BODY, "sha256").hex()


def test_only_the_right_signature_over_the_very_bytes_is_right():
    again = msgspec.json.encode(msgspec.json.decode(BODY))
    undecoded = hmac.digest(SECRET.encode(), BODY, "sha256").hex()
    one_off = RIGHT[:-1] + ("0" if RIGHT[-1] != "0" else "1")
    assert is_signed(KEY, BODY, RIGHT)
    assert not is_signed(KEY, again, RIGHT)
    assert [is_signed(KEY, BODY, wrong) for wrong in (one_off, undecoded, "", RIGHT[:-2], "é")] == [False] * 5


def test_an_order_names_somebody():
    order = msgspec.json.decode(
        b'{"customerEmail": "Zoe+x@example.org", "billingAddress": {"firstName": "Zo\xc3\xab", "lastName": "O\'Neil"}}',
        type=Order,
    )
    assert who_ordered(order) == ("Zoë O'Neil", "zoe+x@example.org")
    assert who_ordered(Order(customer_email="ada@example.org")) == ("ada", "ada@example.org")
    with pytest.raises(Invalid):
        who_ordered(Order())


def test_a_row_without_an_address_is_kept_with_its_problem():
    row = of_row(SheetRow(row_id="7", name="Ada", email="ada at example"))
    assert (row.email, "ada at example" in str(row.problem)) == (None, True)


FILE = 'Name;E-Mail;Goal\r\nNguyễn;n@bücher.example;Learn\r\n;;\r\n"O\'Neil; Zoë";ZOE@example.org;\r\n'


@pytest.mark.parametrize("content", [FILE.encode(), FILE.encode("utf-8-sig"), FILE.replace(";", "\t").encode()])
def test_a_file_of_a_spreadsheet_is_read(content):
    found = of_file(content)
    assert [(one.email, one.goal) for one in found] == [
        ("n@xn--bcher-kva.example", "Learn"),
        ("zoe@example.org", None),
    ]
    assert found[0].name == "Nguyễn"


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"name,email\nAda,ada@example.org\nBob,\n", "line 3"),
        (b"name,email\n,ada@example.org\n", "line 2"),
        (b"name\nAda\n", "content"),
        (b"", "content"),
        (b"PK\x03\x04\x00", "content"),
        (b'name,email\n"Ada', "content"),
        (b"name,email\n" + b"A,a@b.org\n" * 2_001, "content"),
    ],
)
def test_a_file_with_a_line_that_cannot_be_read_is_refused_whole(content, field):
    with pytest.raises(Invalid) as refused:
        of_file(content)
    assert [one.field for one in refused.value.errors] == [field]
