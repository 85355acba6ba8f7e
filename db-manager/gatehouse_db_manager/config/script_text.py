"""What each statement of an SQL file creates, judged by its first words; not a full parser."""

import re

import msgspec

from gatehouse_db_manager.config import sql_text

_BLANK = re.compile(r"(?:\s+|--[^\n]*)*")
_NAME = r'(?:"(?:[^"]|"")*"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)'
_CREATES = re.compile(
    r"create\s+(or\s+replace\s+)?(?:recursive\s+|(constraint)\s+)?"
    r"(function|procedure|aggregate|view|materialized\s+view|trigger|rule|type|domain|collation|sequence)\s+"
    rf"(?:if\s+not\s+exists\s+)?(?:({_NAME})\s*\.\s*)?({_NAME})",
    re.IGNORECASE,
)
# What rules and defaults of tables can use.
_BELOW_TABLES = frozenset({"function", "aggregate", "type", "domain", "collation"})
_REPLACEABLE = frozenset({"function", "procedure", "aggregate", "view", "trigger", "rule"})


class ScriptStatement(msgspec.Struct, frozen=True):
    """`kind` and `name` (without its schema) of what it creates; empty if it does something else."""

    text: str
    kind: str = ""
    name: str = ""

    @property
    def below_tables(self) -> bool:
        return self.kind in _BELOW_TABLES

    @property
    def plain(self) -> str:
        """In small letters, without what is quoted."""
        return next((one.text for one in sql_text.statements(self.text)), "")

    @property
    def replacing(self) -> str:
        """Its text with OR REPLACE, where PostgreSQL has that: not for a constraint trigger."""
        found = _CREATES.match(self.text, _start(self.text))
        if self.kind not in _REPLACEABLE or not found or found[1] or found[2]:
            return self.text
        return f"{self.text[: found.start()]}create or replace{self.text[found.start() + len('create') :]}"


def statements(sql: str) -> list[ScriptStatement]:
    """The statements of a file, each without its semicolon."""
    return [_read(one.source) for one in sql_text.statements(sql)]


def _start(text: str) -> int:
    """Where it begins, after blanks and comments."""
    place = 0
    while (found := _BLANK.match(text, place)) and text.startswith("/*", found.end()):
        place = sql_text.end_of_comment(text, found.end())
    return found.end() if found else place


def _read(text: str) -> ScriptStatement:
    found = _CREATES.match(text, _start(text))
    if not found:
        return ScriptStatement(text)
    name = found[5]
    plain = name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
    return ScriptStatement(text, " ".join(found[3].lower().split()), plain)
