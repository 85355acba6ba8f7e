"""Splits SQL files into statements that can be recognised by their first words.

Not a full parser: quoted text, dollar quotes and comments are blanked, so nothing in them is mistaken for SQL.
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
_ROUTINE = re.compile(r" ?create (?:or replace )?(?:function|procedure)\b")
_BLOCKS = {"begin": 1, "case": 1, "end": -1}
_IGNORE = re.compile(r"squawk-ignore\s+([\w\-, ]+)")


class SqlStatement(msgspec.Struct, frozen=True):
    """`text`: in small letters with single blanks and empty quotes; `source`: as it was written, with the comments
    before it and without its semicolon. `line`: where it begins, from 1; `last`: where it ends. `ignored`: the rules
    that `-- squawk-ignore ...` above it or in it makes an exception of."""

    text: str
    source: str
    line: int
    last: int
    ignored: frozenset[str]


def statements(sql: str) -> Iterator[SqlStatement]:
    """The statements in order. An unclosed quote extends to the end."""
    words: list[str] = []
    raw: list[str] = []
    ignored: set[str] = set()
    line, first, depth, blocks = 1, 0, 0, 0
    for piece, kind in _pieces(sql):
        if kind == "comment":
            for found in _IGNORE.findall(piece):
                ignored.update(name.strip() for name in found.split(","))
        elif kind == "end" and depth <= 0 and not blocks:
            if text := "".join(words).strip():
                yield SqlStatement(text, "".join(raw), first, line, frozenset(ignored))
            words, raw, ignored, first, depth = [], [], set(), 0, 0
            continue
        elif kind == "space":
            if words and words[-1] != " ":
                words.append(" ")
        else:
            first = first or line
            depth += (piece == "(") - (piece == ")")
            # BEGIN ATOMIC ...; ... END: the body of a function without quotes.
            if piece.lower() in _BLOCKS and not depth and _ROUTINE.match("".join(words)):
                blocks = max(blocks + (_BLOCKS[piece.lower()] if blocks or piece.lower() == "begin" else 0), 0)
            words.append(_plain(piece, kind))
        raw.append(piece)
        line += piece.count("\n")
    if text := "".join(words).strip():
        yield SqlStatement(text, "".join(raw), first, line, frozenset(ignored))


def is_expression(sql: str) -> bool:
    """Whether it can stand inside a statement: without semicolons and comments, with brackets and quotes closed."""
    depth = 0
    for piece, kind in _pieces(sql):
        unclosed = kind == "dollar" and not re.fullmatch(r"(\$\w*\$).*\1", piece, re.DOTALL)
        depth += (piece == "(") - (piece == ")") if kind == "other" else 0
        if kind in {"end", "comment"} or depth < 0 or unclosed or (kind == "other" and piece in "'\""):
            return False
    return depth == 0 and bool(sql.strip())


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
                kind, stop = "comment", end_of_comment(sql, place)
        yield sql[place:stop], kind
        place = stop


def end_of_comment(sql: str, place: int) -> int:
    """Where the comment that starts at `place` ends; /* */ comments may nest."""
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
