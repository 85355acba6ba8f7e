"""Splits SQL that people write into its statements, so that each can be told from its first words.

No parser: what stands in quotes, dollar quotes and comments is taken out, and so nothing in it is mistaken for SQL.
"""

import re
from collections.abc import Iterator

import msgspec

_PIECE = re.compile(
    r"""
    (?P<comment> --[^\n]* )
  | (?P<open> /\* )
  | (?P<escaped> \b[eE]'(?:[^'\\]|''|\\.)*' )
  | (?P<quoted> '(?:[^']|'')*' )
  | (?P<name> "(?:[^"]|"")*" )
  | (?P<end> ; )
  | (?P<space> \s+ )
  | (?P<word> [\w$.]+ )
  | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_TAG = re.compile(r"\$(?:[a-zA-Z_]\w*)?\$")
_BODY = re.compile(r"create (?:or replace )?(?:function|procedure) .*\bbegin atomic\b")
_IGNORE = re.compile(r"squawk-ignore\s+([\w\-, ]+)")


class Statement(msgspec.Struct, frozen=True):
    """`text`: in small letters with single blanks and empty quotes. `line`: where it begins, from 1; `last`: where it
    ends. `ignored`: the rules that `-- squawk-ignore ...` above it or in it makes an exception of."""

    text: str
    line: int
    last: int
    ignored: frozenset[str]


def statements(sql: str) -> Iterator[Statement]:
    """All of them, in their order. What isn't closed goes on to the end."""
    words: list[str] = []
    ignored: set[str] = set()
    line, first = 1, 0
    for piece, kind in _pieces(sql):
        if kind == "comment":
            for found in _IGNORE.findall(piece):
                ignored.update(name.strip() for name in found.split(","))
        elif kind == "end" and not _inside_a_body(words):
            if text := "".join(words).strip():
                yield Statement(text, first, line, frozenset(ignored))
            words, ignored, first = [], set(), 0
        elif kind == "space":
            if words and words[-1] != " ":
                words.append(" ")
        else:
            first = first or line
            words.append(_plain(piece, kind))
        line += piece.count("\n")
    if text := "".join(words).strip():
        yield Statement(text, first, line, frozenset(ignored))


def _pieces(sql: str) -> Iterator[tuple[str, str]]:
    place = 0
    while place < len(sql):
        found = _TAG.match(sql, place)
        if found:
            end = sql.find(found[0], found.end())
            stop = len(sql) if end < 0 else end + len(found[0])
            kind = "dollar"
        else:
            match = _PIECE.match(sql, place)
            assert match
            kind, stop = match.lastgroup or "other", match.end()
            if kind == "open":
                kind, stop = "comment", _end_of_comment(sql, place)
        yield sql[place:stop], kind
        place = stop


def _end_of_comment(sql: str, place: int) -> int:
    """Comments in /* */ may hold others."""
    depth = 0
    for found in re.compile(r"/\*|\*/").finditer(sql, place):
        depth += 1 if found[0] == "/*" else -1
        if depth == 0:
            return found.end()
    return len(sql)


def _plain(piece: str, kind: str) -> str:
    if kind in {"quoted", "escaped", "dollar"}:
        return "''"
    return piece.strip('"') if kind == "name" else piece.lower()


def _inside_a_body(words: list[str]) -> bool:
    """Of a function in standard SQL: begin atomic ...; ...; end."""
    text = " ".join("".join(words).split())
    return bool(_BODY.match(text)) and not text.endswith(" end")
