"""Quads: what an expanded document says, and how N-Quads writes it (https://www.w3.org/TR/rdf-canon/#canonical-quads)."""

import re
from collections.abc import Iterator
from itertools import count
from typing import Any, NamedTuple

from gatehouse_credential.linked_data.context import is_absolute
from gatehouse_credential.linked_data.errors import TooComplex, Unreadable
from gatehouse_credential.linked_data.json_text import canonical_json

MOST_QUADS = 10_000
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XSD = "http://www.w3.org/2001/XMLSchema#"
STRING = XSD + "string"
_ESCAPED = re.compile(r'[\x00-\x1f\x7f"\\]')
_SHORT = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


class Literal(NamedTuple):
    text: str
    datatype: str = STRING
    language: str = ""


class Quad(NamedTuple):
    """IRIs and blank nodes (`_:name`) are texts; `graph` is empty for the default graph."""

    subject: str
    predicate: str
    object: str | Literal
    graph: str = ""


def quads_of(nodes: list[dict[str, Any]]) -> list[Quad]:
    """Of an expanded document, each once. Raises TooComplex for more than MOST_QUADS."""
    reader = _QuadReader()
    found: dict[Quad, None] = {}
    for node in nodes:
        for quad in reader.node(node, "", reader.name_of(node)):
            found[quad] = None
            if len(found) > MOST_QUADS:
                raise TooComplex(f"It says more than {MOST_QUADS:,} things.")
    return list(found)


class _QuadReader:
    def __init__(self) -> None:
        self._numbers = count()
        self._blank: dict[str, str] = {}

    def name_of(self, node: dict[str, Any]) -> str:
        id = node.get("@id")
        if id is None:
            return self._fresh()
        return self._blank.setdefault(id, self._fresh()) if id.startswith("_:") else id

    def node(self, node: dict[str, Any], graph: str, name: str) -> Iterator[Quad]:
        for key, values in node.items():
            if key == "@type":
                for kind in values:
                    yield Quad(name, RDF + "type", self.name_of({"@id": kind}), graph)
            elif key == "@graph":
                for one in values:
                    yield from self.node(one, name, self.name_of(one))
            elif not key.startswith("@"):
                for value in values:
                    yield from self._said(name, key, value, graph)

    def _said(self, subject: str, predicate: str, value: dict[str, Any], graph: str) -> Iterator[Quad]:
        if "@value" in value:
            yield Quad(subject, predicate, _literal(value), graph)
        elif "@list" in value:
            yield from self._list(subject, predicate, value["@list"], graph)
        else:
            name = self.name_of(value)
            yield Quad(subject, predicate, name, graph)
            yield from self.node(value, graph, name)

    def _list(self, subject: str, predicate: str, members: list[dict[str, Any]], graph: str) -> Iterator[Quad]:
        for member in members:
            cell = self._fresh()
            yield Quad(subject, predicate, cell, graph)
            yield from self._said(cell, RDF + "first", member, graph)
            subject, predicate = cell, RDF + "rest"
        yield Quad(subject, predicate, RDF + "nil", graph)

    def _fresh(self) -> str:
        return f"_:b{next(self._numbers)}"


def _literal(value: dict[str, Any]) -> Literal:
    given, kind = value["@value"], value.get("@type")
    if kind == "@json":
        return Literal(canonical_json(given), RDF + "JSON")
    if kind is not None and not is_absolute(kind):
        raise Unreadable(f"A value's type is {kind[:100]}, which is no absolute IRI.")
    if isinstance(given, bool):
        return Literal("true" if given else "false", kind or XSD + "boolean")
    if isinstance(given, int | float):
        whole = float(given).is_integer() and abs(given) < 1e21
        if whole and kind != XSD + "double":
            return Literal(str(int(given)), kind or XSD + "integer")
        return Literal(_double(float(given)), kind or XSD + "double")
    language = value.get("@language")
    return Literal(given, RDF + "langString", language) if language else Literal(given, kind or STRING)


def _double(number: float) -> str:
    mantissa, _, exponent = f"{number:.15E}".partition("E")
    mantissa = mantissa.rstrip("0")
    return f"{mantissa}{'0' if mantissa.endswith('.') else ''}E{int(exponent)}"


def line_of(quad: Quad) -> str:
    """Canonical N-Quads, with the line's end."""
    said = quad.object
    text = _literal_text(said) if isinstance(said, Literal) else _named(said)
    graph = f" {_named(quad.graph)}" if quad.graph else ""
    return f"{_named(quad.subject)} <{quad.predicate}> {text}{graph} .\n"


def _named(name: str) -> str:
    return name if name.startswith("_:") else f"<{name}>"


def _literal_text(literal: Literal) -> str:
    text = _ESCAPED.sub(lambda found: _SHORT.get(found[0], f"\\u{ord(found[0]):04X}"), literal.text)
    if literal.language:
        return f'"{text}"@{literal.language}'
    return f'"{text}"' if literal.datatype == STRING else f'"{text}"^^<{literal.datatype}>'
