"""Names and addresses as people type them."""

import pytest

from gatehouse_chassis.base.problems import Invalid
from gatehouse_intake.addresses import normal_address, tidy_line


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" Mara@Example.ORG ", "mara@example.org"),
        ("mara+join@example.org", "mara+join@example.org"),
        ("m.a.r.a@example.org", "m.a.r.a@example.org"),
        ("j@bücher.example", "j@xn--bcher-kva.example"),
        ("o'neil@例え.jp", "o'neil@xn--r8jz45g.jp"),
        ("x@faß.de", "x@xn--fa-hia.de"),
        ("ＭＡＲＡ@example.org", "mara@example.org"),
        ("a@example.org.", "a@example.org"),
    ],
)
def test_one_address_has_one_form(typed, kept):
    assert normal_address(typed) == kept
    assert normal_address(kept) == kept


@pytest.mark.parametrize(
    "typed",
    ["", "mara", "@example.org", "a@", "a@b@", "jürgen@example.org", "a@exa mple.org", "a\r\nbcc:x@b.org@c.org"],
)
def test_what_is_no_address_is_refused(typed):
    with pytest.raises(Invalid):
        normal_address(typed)


def test_letters_that_mail_cannot_be_sent_to_are_named():
    with pytest.raises(Invalid) as refused:
        normal_address("jürgen@example.org")
    assert "before the @" in refused.value.errors[0].message


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Nguyễn   Thị ", "Nguyễn Thị"),
        ("Nguye\u0302\u0303n", "Nguyễn"),
        ("O'Neil 🌱", "O'Neil 🌱"),
        ("ליאור\r\nBcc: x", "ליאור Bcc: x"),
        ("\x00\t", ""),
        ("x" * 300, "x" * 200),
    ],
)
def test_a_name_is_one_line_as_it_was_typed(typed, kept):
    assert tidy_line(typed) == kept
