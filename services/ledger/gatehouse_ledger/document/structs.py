"""What a letter or report says, in the order in which it is read. It is kept as it was issued."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class Letterhead(msgspec.Struct, frozen=True):
    """Who writes: its legal name, and lines such as its address and EIN."""

    name: str
    lines: list[str]


class DocumentRow(msgspec.Struct, frozen=True):
    """`sum`: whether it adds up those above it."""

    cells: list[str]
    sum: bool = False


class DocumentBlock(msgspec.Struct, frozen=True, omit_defaults=True):
    """A heading, a paragraph, or a table whose first `texts` columns are words and the others figures."""

    kind: Literal["heading", "paragraph", "small", "table"]
    text: str = ""
    columns: list[str] = []
    rows: list[DocumentRow] = []
    texts: Annotated[int, Meta(ge=0)] = 1


class DocumentContent(msgspec.Struct, frozen=True):
    """`to`: the lines of the reader's address; `signer`: those under the letter; `footer`: at the foot of each page."""

    title: str
    letterhead: Letterhead
    to: list[str]
    blocks: list[DocumentBlock]
    footer: str
    signer: list[str]
