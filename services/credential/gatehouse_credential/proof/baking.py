"""Certificates in PNG pictures (Open Badges 3.0, 5.3 Baked Badge): an iTXt chunk holds the text."""

import struct
import zlib

from gatehouse_credential.linked_data.errors import Unreadable

PNG = b"\x89PNG\r\n\x1a\n"
KEYWORD = b"openbadgecredential"
LONGEST_TEXT = 300_000


def baked(picture: bytes, text: str) -> bytes:
    """The PNG with a text in it (Open Badges 3.0, 5.3 Baked Badge): an iTXt chunk after the header."""
    data = KEYWORD + b"\0\0\0\0\0" + text.encode()
    chunk = struct.pack(">I", len(data)) + b"iTXt" + data + struct.pack(">I", zlib.crc32(b"iTXt" + data))
    header = len(PNG) + 25
    return picture[:header] + chunk + picture[header:]


def baked_in(picture: bytes) -> str | None:
    """None where there is none. Raises Unreadable for what is no PNG."""
    if not picture.startswith(PNG):
        raise Unreadable("The picture is no PNG.")
    at = len(PNG)
    while at + 12 <= len(picture):
        (length,) = struct.unpack(">I", picture[at : at + 4])
        kind, data = picture[at + 4 : at + 8], picture[at + 8 : at + 8 + length]
        at += 12 + length
        if kind == b"iTXt" and data.startswith(KEYWORD + b"\0"):
            return _text_of(data[len(KEYWORD) + 1 :])
    return None


def _text_of(data: bytes) -> str:
    compressed, rest = data[:1] == b"\1", data[2:]
    text = rest.split(b"\0", 2)[-1]
    try:
        if compressed:
            unpacking = zlib.decompressobj()
            text = unpacking.decompress(text, LONGEST_TEXT)
            if unpacking.unconsumed_tail:
                raise Unreadable("The picture's text is too long.")
        return text.decode()
    except (zlib.error, UnicodeError):
        raise Unreadable("The picture's text can't be read.") from None
