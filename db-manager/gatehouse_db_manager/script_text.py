"""SQL files as far as their order matters: where one statement ends and the next begins, and what each would create.

No parser: it knows what a semicolon may stand inside of, and reads the beginning of a statement.
"""

import re
from collections.abc import Iterator

import msgspec

_PIECE = re.compile(
    r"""--[^\n]*|/\*|\*/|\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$|"(?:[^"]|"")*"|\b[eE]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'"""
    r"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|[();]",
    re.DOTALL,
)
_BLANK = re.compile(r"(?:\s+|--[^\n]*)*")
_ROUTINE = re.compile(r"create\s+(?:or\s+replace\s+)?(?:function|procedure)\b", re.IGNORECASE)
_NAME = r'(?:"(?:[^"]|"")*"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)'
_CREATES = re.compile(
    r"create\s+(or\s+replace\s+)?(?:(?:recursive|constraint)\s+)?"
    r"(function|procedure|aggregate|view|materialized\s+view|trigger|rule|type|domain|collation|sequence)\s+"
    rf"(?:if\s+not\s+exists\s+)?(?:({_NAME})\s*\.\s*)?({_NAME})",
    re.IGNORECASE,
)
# What a table's rules and defaults can be made of.
_BELOW_TABLES = frozenset({"function", "aggregate", "type", "domain", "collation"})
_REPLACEABLE = frozenset({"function", "procedure", "aggregate", "view", "trigger", "rule"})


class Statement(msgspec.Struct, frozen=True):
    """`kind` and `name` (without its schema) of what it creates; empty if it does something else."""

    text: str
    kind: str = ""
    name: str = ""

    @property
    def below_tables(self) -> bool:
        return self.kind in _BELOW_TABLES

    @property
    def replacing(self) -> str:
        """Its text with OR REPLACE, where PostgreSQL has that."""
        found = _CREATES.match(self.text, _start(self.text))
        if self.kind not in _REPLACEABLE or not found or found[1]:
            return self.text
        return f"{self.text[: found.start()]}create or replace{self.text[found.start() + len('create') :]}"


def statements(sql: str) -> list[Statement]:
    """The statements of a file, each without its semicolon."""
    return [_read(text) for text in _split(sql) if text[_start(text) :].strip()]


def _split(sql: str) -> Iterator[str]:
    start = place = depth = inside = 0
    while found := _PIECE.search(sql, place):
        piece, place = found[0], found.end()
        word = piece.lower()
        if piece == "/*":
            place = _end_of_comment(sql, place)
        elif piece[0] == "$":
            end = sql.find(piece, place)
            place = len(sql) if end < 0 else end + len(piece)
        elif piece in "()":
            depth += 1 if piece == "(" else -1
        elif word in {"begin", "case", "end"} and not depth and _ROUTINE.match(sql, start + _start(sql[start:])):
            # BEGIN ATOMIC ... END: the body of a function without quotes.
            inside += {"begin": 1, "case": 1 if inside else 0, "end": -1 if inside else 0}[word]
        elif piece == ";" and depth <= 0 and not inside:
            yield sql[start : found.start()]
            start, depth = place, 0
    yield sql[start:]


def _end_of_comment(sql: str, place: int) -> int:
    """They nest."""
    depth = 1
    for found in re.compile(r"/\*|\*/").finditer(sql, place):
        depth += 1 if found[0] == "/*" else -1
        if not depth:
            return found.end()
    return len(sql)


def _start(text: str) -> int:
    """Where it begins, after blanks and comments."""
    place = 0
    while (found := _BLANK.match(text, place)) and text.startswith("/*", found.end()):
        place = _end_of_comment(text, found.end() + 2)
    return found.end() if found else place


def _read(text: str) -> Statement:
    found = _CREATES.match(text, _start(text))
    if not found:
        return Statement(text)
    name = found[4]
    plain = name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
    return Statement(text, " ".join(found[2].lower().split()), plain)
