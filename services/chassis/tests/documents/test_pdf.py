"""A document is the same bytes each time, conforms, takes no markup from its values, and never fails for a name."""

import re
import zlib
from datetime import UTC, datetime

import pytest

from gatehouse_chassis.documents import fonts
from gatehouse_chassis.documents.pdf import render_now, render_png

TEMPLATE = b"""
#let data = json(bytes(sys.inputs.data))
#set document(title: data.title)
#set text(font: ("Noto Sans", "Noto Sans Arabic", "Noto Sans Devanagari", "Noto Sans Thai"), lang: "en")
= #data.title
#par[#data.text]
"""
AT = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


def test_the_same_values_make_the_same_bytes_that_conform():
    first, again = (render_now(TEMPLATE, {"title": "Receipt", "text": "Thank you"}, AT) for _ in range(2))
    assert first.content == again.content
    assert (first.standards, first.substituted) == (("a-2a", "ua-1"), "")
    for part in (b"pdfuaid:part", b"pdfaid:part", b"/MarkInfo"):
        assert part in first.content


@pytest.mark.parametrize(
    ("name", "substituted"),
    [
        ("Zoë Łucja Ångström", ""),
        ("Νίκος Дмитрий Trần Thị Hồng", ""),
        ("محمد สมชาย अनिता", ""),
        ("李小龙", "李小龙"),
        ("A\x00B\ue000C\ufeff 🎁", "\x00\ue000\ufeff🎁"),
        ("#panic() *bold* $x$ \\ //", ""),
    ],
)
def test_every_name_can_be_set_and_what_no_font_has_is_reported(name, substituted):
    made = render_now(TEMPLATE, {"title": "Receipt", "text": name}, AT)
    assert made.substituted == substituted
    assert made.standards


def test_what_it_says_can_be_read_out_of_it():
    """Every letter has a glyph, and the code point that a screen reader or a search finds it by."""
    content = render_now(TEMPLATE, {"title": "Receipt", "text": "Thank you, Łucja"}, AT).content
    streams = [
        zlib.decompress(part) for part in re.findall(rb"FlateDecode.*?stream\r?\n(.*?)\r?\nendstream", content, re.S)
    ]
    mapped = b"".join(part for part in streams if b"begincmap" in part)
    assert [letter for letter in "ReciptThankyouŁj" if f"<{ord(letter):04X}>".encode() not in mapped] == []
    assert b"/FontFile" in content + b"".join(streams)


def test_the_fonts_have_what_names_in_their_scripts_need():
    known = fonts.coverage()
    for first, last in ((0x20, 0x7E), (0xA1, 0x17F), (0x391, 0x3A1), (0x410, 0x44F), (0x1EA0, 0x1EF9), (0xE01, 0xE3A)):
        assert [hex(code) for code in range(first, last + 1) if code not in known] in ([], ["0xad"])


async def test_a_picture_of_a_page_is_a_png_that_takes_no_markup_either():
    page = TEMPLATE.replace(b"#set text", b"#set page(width: 72pt, height: 36pt, margin: 0pt)\n#set text")
    made = await render_png(page, {"title": "#panic()", "text": "李"})
    assert made[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(made[16:20]), int.from_bytes(made[20:24])) == (144, 72)
