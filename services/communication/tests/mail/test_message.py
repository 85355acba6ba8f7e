"""A mail as Python's own parser, and so a reader's program, takes it apart again."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import compat32, default
from uuid import UUID

import pytest

from gatehouse_communication.mail.message import Sender, make_message
from gatehouse_communication.template.rules import built_in, rendered

SENDER = Sender("Agile Learning Institute", "hello@institute.example")
ID = UUID(int=7)
AT = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
LINK = "https://gate.example.org/welcome/" + "x" * 300


def made(name: str = "Ada", address: str = "ada@example.org", link: str = LINK):
    values = {"name": name, "link": link, "until": "3 December 2026", "home": "https://gate.example.org/"}
    return make_message(SENDER, name, address, rendered(built_in("welcome"), values), ID, AT)


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("Nguyễn Thị", "nguyen@example.org"),
        ('O\'Neil, "Kit" <x@y>', "kit+gate@example.org"),
        ("Zoë 🌱", "zoe@xn--bcher-kva.example"),
        ("long " * 30, "long@example.org"),
        ("محمد علي", "m@xn--mgbh0fb.example"),
        ("a@b.example", "o'neil@example.org"),
    ],
)
def test_names_and_addresses_come_back_as_they_were(name, address):
    raw = made(name.strip(), address).as_bytes()
    assert raw.isascii()
    message = message_from_bytes(raw, policy=default)
    (to,) = message["To"].addresses
    assert (to.display_name, to.addr_spec) == (name.strip(), address)
    assert message["From"].addresses[0].addr_spec == SENDER.address
    assert name.strip() in message["Subject"]
    assert not message.defects
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))


def test_a_long_name_in_other_letters_comes_back_as_well():
    """By RFC 2047. Python's newer parser reads a space where a name was encoded in several words."""
    name = "Zoë 🌱 " + "long " * 30 + "Nguyễn"
    message = message_from_bytes(made(name).as_bytes(), policy=compat32)
    assert str(make_header(decode_header(message["To"]))) == f"{name} <ada@example.org>"


def test_both_parts_are_whole_and_their_links_unbroken():
    message = message_from_bytes(made().as_bytes(), policy=default)
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    for kind in ("plain", "html"):
        part = message.get_body((kind,))
        assert part is not None
        assert LINK in part.get_content()
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == f"<{ID}@institute.example>"
    assert message["Date"].datetime == AT


@pytest.mark.parametrize("name", ["Ada\r\nBcc: all@example.org", "Ada\nx"])
def test_a_line_break_makes_no_header(name):
    with pytest.raises(ValueError, match="line break"):
        made(name).as_bytes()
