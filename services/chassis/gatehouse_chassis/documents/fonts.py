"""Which characters the fonts of documents have.

In PDF/A and PDF/UA a character without a glyph is an error, so one donor's name could keep a receipt from being made.
What no font has is replaced before the document is set, and reported to whoever issues it.
"""

import unicodedata
from functools import cache
from pathlib import Path
from struct import unpack_from

import fontpkg

FAMILIES = ("Noto Sans", "Noto Sans Arabic", "Noto Sans Devanagari", "Noto Sans Thai")
"""In the order in which they are looked for a glyph."""
REPLACEMENT = "\u25a1"  # a white square, or the question mark where no font has that
_ENCODINGS = {(0, 3), (0, 4), (3, 1), (3, 10)}


@cache
def paths() -> tuple[Path, ...]:
    return tuple(Path(fontpkg.path(family)) for family in FAMILIES)


@cache
def coverage() -> frozenset[int]:
    """The code points that some font has a glyph for."""
    return frozenset().union(*(_characters(path.read_bytes()) for path in paths()))


def substituted(text: str) -> tuple[str, str]:
    """The text as it can be set, and the characters that were replaced, each once."""
    composed = unicodedata.normalize("NFC", text)
    known = coverage()
    mark = REPLACEMENT if ord(REPLACEMENT) in known else "?"
    missing: dict[str, None] = {}
    parts = []
    for character in composed:
        if character in " \n" or (ord(character) in known and unicodedata.category(character)[0] != "C"):
            parts.append(character)
        elif character in "\u200c\u200d\u200e\u200f":  # joiners and directions: they need no glyph
            continue
        else:
            missing[character] = None
            parts.append(mark)
    return "".join(parts), "".join(missing)


def _characters(font: bytes) -> set[int]:
    """Those of a font's table `cmap` (OpenType 1.9, formats 4 and 12)."""
    tables = unpack_from(">H", font, 4)[0]
    start = next(
        unpack_from(">I", font, 12 + 16 * number + 8)[0]
        for number in range(tables)
        if font[12 + 16 * number : 16 + 16 * number] == b"cmap"
    )
    found: set[int] = set()
    for number in range(unpack_from(">H", font, start + 2)[0]):
        platform, encoding, offset = unpack_from(">HHI", font, start + 4 + 8 * number)
        if (platform, encoding) in _ENCODINGS:
            at = start + offset
            form = unpack_from(">H", font, at)[0]
            found |= _segments(font, at) if form == 4 else _groups(font, at) if form == 12 else set()
    return found - {0xFFFF}


def _segments(font: bytes, at: int) -> set[int]:
    count = unpack_from(">H", font, at + 6)[0] // 2
    ends = unpack_from(f">{count}H", font, at + 14)
    begins = unpack_from(f">{count}H", font, at + 16 + 2 * count)
    deltas = unpack_from(f">{count}H", font, at + 16 + 4 * count)
    ranges_at = at + 16 + 6 * count
    offsets = unpack_from(f">{count}H", font, ranges_at)
    found = set()
    for number, (first, last, delta, offset) in enumerate(zip(begins, ends, deltas, offsets, strict=True)):
        for code in range(first, last + 1):
            glyph = code
            if offset:
                glyph = unpack_from(">H", font, ranges_at + 2 * number + offset + 2 * (code - first))[0]
            if (glyph or not offset) and (glyph + delta) % 65_536:
                found.add(code)
    return found


def _groups(font: bytes, at: int) -> set[int]:
    found = set()
    for number in range(unpack_from(">I", font, at + 12)[0]):
        first, last, glyph = unpack_from(">III", font, at + 16 + 12 * number)
        found.update(range(first if glyph else first + 1, last + 1))
    return found
