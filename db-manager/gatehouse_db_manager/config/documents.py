"""Reads YAML into plain values and keeps the line of every key, so that errors can point to it.

Line endings and byte-order marks never count: a digest is the same whether git checked out CRLF or LF.
"""

import functools
import hashlib
from pathlib import Path
from typing import Any

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, MaxDepthExceededError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from gatehouse_db_manager.errors import Problem

Place = tuple[str | int, ...]
# Values in a file, each alias counted with all it stands for. A table of 1,600 columns, PostgreSQL's limit, has 19,000.
MOST_VALUES = 20_000
# Levels. A JSON Schema in a column is the deepest that files need.
DEEPEST = 40
LARGEST = 1_000_000  # characters
REMEMBERED = 500  # files; a service has about 20


class Document(msgspec.Struct, frozen=True):
    """A file's content as plain values; `lines` has the line (from 1) of each key or list item by its path."""

    file: str
    digest: str
    value: Any
    lines: dict[Place, int]

    def where(self, place: Place) -> str:
        """`file:line` of `place`, or of the closest key above it."""
        for length in range(len(place), 0, -1):
            if line := self.lines.get(place[:length]):
                return f"{self.file}:{line}"
        return self.file

    def problem(self, place: Place, message: str, fix: str, value: object = None) -> Problem:
        shown = "" if value is None else show(value)
        return Problem(file=self.where(place), key=".".join(map(str, place)), value=shown, message=message, fix=fix)


class UnreadableError(Exception):
    """The file is not valid text or YAML; `problem` says where."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


def show(value: object) -> str:
    """A value as short text for an error message."""
    text = value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()
    return text if len(text) <= 60 else text[:57] + "..."


def normalised(path: Path, label: str) -> str:
    """The text of a file without byte-order mark and with LF line endings."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = Problem(file=label, message=f"is not UTF-8 text: {error}.", fix="Save it as UTF-8.")
        raise UnreadableError(problem) from None
    except OSError as error:
        problem = Problem(file=label, message=f"can't be read: {error.strerror}.", fix="Restore the file.")
        raise UnreadableError(problem) from None
    if "\0" in text:
        raise _unstorable(f"{label}:{text[: text.index(chr(0))].count(chr(10)) + 1}", "")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _too_much(where: str) -> UnreadableError:
    message = f"has more than {MOST_VALUES:,} values, {DEEPEST} levels or {LARGEST // 1_000_000} MB."
    return UnreadableError(Problem(file=where, message=message, fix="Split the file, or make it flatter."))


def _unstorable(where: str, key: str) -> UnreadableError:
    message = "has a character that PostgreSQL can't store (NUL, or half of a surrogate pair)."
    return UnreadableError(Problem(file=where, key=key, message=message, fix="Remove that character."))


def digest(text: str) -> str:
    """SHA-256 in hex of normalised text."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_yaml(path: Path, label: str) -> Document:
    """One YAML 1.2 document. Raises UnreadableError."""
    text = normalised(path, label)
    lines_read = text.count("\n")
    if len(text) > LARGEST or lines_read > 2 * MOST_VALUES:
        raise _too_much(f"{label}:{min(lines_read, 2 * MOST_VALUES) + 1}")
    return _parsed(text, label)


@functools.lru_cache(maxsize=REMEMBERED)
def _parsed(text: str, label: str) -> Document:
    """Remembered, since a preview reads nearly the same files at two commits. Nobody changes a document's values."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer, yaml.max_depth = _BoundedComposer, DEEPEST
    try:
        node = yaml.compose(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        if isinstance(error, _TooMuchError | MaxDepthExceededError):
            raise _too_much(f"{label}:{line}") from None
        message = f"is not YAML: {error.problem or error.context}."
        raise UnreadableError(Problem(file=f"{label}:{line}", message=message, fix="Fix that line.")) from None
    except YAMLError as error:
        raise UnreadableError(Problem(file=label, message=f"is not YAML: {error}.", fix="Fix it.")) from None
    lines: dict[Place, int] = {}
    value = None if node is None else _plain(node, (), lines, label)
    return Document(file=label, digest=digest(text), value=value, lines=lines)


class _BoundedComposer(Composer):
    """Stops at a file with too many values, before they are all read."""

    count = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.count += 1
        if self.count > 2 * MOST_VALUES:  # keys are nodes as well
            raise _TooMuchError(
                None, None, f"has more than {MOST_VALUES:,} values", self.parser.peek_event().start_mark
            )
        return super().compose_node(parent, index)


class _TooMuchError(MarkedYAMLError):
    pass


def _plain(node: Any, place: Place, lines: dict[Place, int], label: str) -> Any:
    if len(lines) > MOST_VALUES or len(place) > DEEPEST:
        message = f"has more than {MOST_VALUES:,} values or {DEEPEST} levels, with aliases (*name) written out."
        where = f"{label}:{node.start_mark.line + 1}"
        raise UnreadableError(Problem(file=where, message=message, fix="Write it without aliases."))
    if isinstance(node, ScalarNode):
        if any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in node.value):
            raise _unstorable(f"{label}:{node.start_mark.line + 1}", ".".join(map(str, place)))
        return _scalar(node)
    if isinstance(node, SequenceNode):
        items = []
        for number, item in enumerate(node.value):
            lines[(*place, number)] = item.start_mark.line + 1
            items.append(_plain(item, (*place, number), lines, label))
        return items
    assert isinstance(node, MappingNode)
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        line = key_node.start_mark.line + 1
        if key in values:
            first = lines[(*place, key)]
            message = f"is given twice; first on line {first}."
            where = ".".join(map(str, (*place, key)))
            raise UnreadableError(Problem(file=f"{label}:{line}", key=where, message=message, fix="Keep one."))
        lines[(*place, key)] = line
        values[key] = _plain(value_node, (*place, key), lines, label)
    return values


def _scalar(node: Any) -> Any:
    """Dates and times stay text: PostgreSQL reads them."""
    kind = str(node.tag).rpartition(":")[2]
    text: str = node.value
    if kind == "int":
        return int(text.replace("_", ""), 0) if text.lstrip("+-").startswith(("0x", "0o")) else int(text)
    if kind == "float":
        return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
    if kind == "bool":
        return text.lower() == "true"
    return None if kind == "null" else text
