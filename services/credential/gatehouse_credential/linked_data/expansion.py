"""The expansion of JSON-LD 1.1 (https://www.w3.org/TR/json-ld11-api/#expansion-algorithm), strictly.

A term that no context knows, or an address that isn't absolute, would be left out of what is signed: it is refused.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from gatehouse_credential.linked_data.context import (
    ActiveContext,
    Processor,
    Term,
    expanded,
    is_absolute,
    language_of,
)
from gatehouse_credential.linked_data.errors import Unreadable

DEEPEST = 64
"""Objects and lists within each other."""
_PLAIN = Term(iri=None)
_VALUE_KEYS = frozenset({"@value", "@type", "@language", "@index", "@direction"})


def expand(document: Any, load: Callable[[str], Any]) -> list[dict[str, Any]]:
    """The nodes of a document, without contexts. `load`: as for Processor. Raises Unreadable."""
    found = _Expansion(Processor(load)).element(ActiveContext(), None, document, 0)
    nodes = found if isinstance(found, list) else [] if found is None else [found]
    if len(nodes) == 1 and set(nodes[0]) == {"@graph"}:
        nodes = nodes[0]["@graph"]
    if not all("@value" not in node and "@list" not in node for node in nodes):
        raise Unreadable("A document is made of objects.")
    return nodes


class _Node(NamedTuple):
    """An object that is being read. `by_type`: the context in which its types are named; `name`: its own term."""

    active: ActiveContext
    by_type: ActiveContext
    name: str | None
    depth: int


class _Expansion:
    def __init__(self, processor: Processor) -> None:
        self._processor = processor

    def element(
        self, active: ActiveContext, name: str | None, element: Any, depth: int, *, by_map: bool = False
    ) -> Any:
        """An object, a list of them, or None for null. `name`: the term that it is the value of."""
        if depth > DEEPEST:
            raise Unreadable(f"Its objects lie in each other more than {DEEPEST} deep.")
        term = _term(active, name)
        match element:
            case None:
                return None
            case list():
                found = [self.element(active, name, one, depth + 1) for one in element]
                if "@list" in term.container:
                    found = [{"@list": one} if isinstance(one, list) else one for one in found]
                return list(_flat(found))
            case dict():
                return self._object(active, name, element, depth, by_map=by_map)
        if name is None or name == "@graph":
            raise Unreadable("A text or number stands where an object belongs.")
        if term.has_context:
            active = self._processor.process(active, term.context, override=True)
        return _value(active, term, element)

    def _object(
        self, active: ActiveContext, name: str | None, given: dict[str, Any], depth: int, *, by_map: bool
    ) -> Any:
        term = _term(active, name)
        if active.previous is not None and not by_map:
            keys = {_expanded(active, key) for key in given}
            if "@value" not in keys and keys != {"@id"}:
                active = active.previous
        if term.has_context:
            active = self._processor.process(active, term.context, override=True)
        if "@context" in given:
            active = self._processor.process(active, given["@context"])
        by_type = active
        types = sorted(
            kind
            for key, value in given.items()
            if _expanded(active, key) == "@type"
            for kind in (value if isinstance(value, list) else [value])
            if isinstance(kind, str)
        )
        for kind in types:
            if (scoped := by_type.terms.get(kind)) is not None and scoped.has_context:
                active = self._processor.process(active, scoped.context, propagate=False)
        result: dict[str, Any] = {}
        node = _Node(active, by_type, name, depth)
        for key in sorted(given):
            if key != "@context":
                self._entry(result, node, key, given[key])
        return _checked(result, name)

    def _entry(self, result: dict[str, Any], node: _Node, key: str, value: Any) -> None:
        iri = _expanded(node.active, key)
        if iri.startswith("@"):
            self._keyword(result, node, iri, value)
            return
        if not is_absolute(iri):
            raise Unreadable(f"No context says what {key[:100]} means, so nothing would sign it.")
        term = _term(node.active, key)
        found = self._property(node.active, key, term, value, node.depth)
        if found is not None:
            if "@list" in term.container and not (isinstance(found, dict) and "@list" in found):
                found = {"@list": found if isinstance(found, list) else [found]}
            if "@graph" in term.container and not term.container & {"@id", "@index"}:
                found = [{"@graph": [one]} for one in (found if isinstance(found, list) else [found])]
            result.setdefault(iri, []).extend(found if isinstance(found, list) else [found])

    def _property(self, active: ActiveContext, key: str, term: Term, value: Any, depth: int) -> Any:
        if term.type == "@json":
            return {"@value": value, "@type": "@json"}
        if "@language" in term.container and isinstance(value, dict):
            return list(_language_map(active, value))
        if term.container & {"@index", "@id", "@type"} and isinstance(value, dict):
            return self._map(active, key, term, value, depth)
        return self.element(active, key, value, depth + 1)

    def _map(self, active: ActiveContext, key: str, term: Term, value: dict[str, Any], depth: int) -> list[Any]:
        """The values of a map; of one by id, each with its id. What an index says isn't part of the data."""
        if "@type" in term.container or "@graph" in term.container:
            raise Unreadable(f"A map such as {key[:100]} isn't taken here.")
        found: list[Any] = []
        for index in sorted(value):
            for one in _listed(self.element(active, key, value[index], depth + 1, by_map=True)):
                if "@id" in term.container and _expanded(active, index) != "@none" and "@id" not in one:
                    one["@id"] = _address(active, index)
                found.append(one)
        return found

    def _keyword(self, result: dict[str, Any], node: _Node, iri: str, value: Any) -> None:
        active, name, depth = node.active, node.name, node.depth
        if iri in result and iri != "@type":
            raise Unreadable(f"An object says {iri} twice.")
        match iri:
            case "@id" if isinstance(value, str):
                result["@id"] = _address(active, value)
            case "@type":
                kinds = value if isinstance(value, list) else [value]
                result.setdefault("@type", []).extend(_type(node.by_type, kind) for kind in kinds)
            case "@graph":
                result["@graph"] = _listed(self.element(active, "@graph", value, depth + 1))
            case "@value":
                result["@value"] = value
            case "@language" if isinstance(value, str):
                result["@language"] = language_of(value)
            case "@index" if isinstance(value, str):
                result["@index"] = value
            case "@list" if name is not None and name != "@graph":
                result["@list"] = _listed(self.element(active, name, value, depth + 1))
            case "@set":
                result["@set"] = _listed(self.element(active, name, value, depth + 1))
            case _:
                raise Unreadable(f"An object with {iri} like this isn't taken here.")


def _checked(result: dict[str, Any], name: str | None) -> Any:
    """What an object with these entries is: a value, a list, a set's members or a node."""
    if "@value" in result:
        return _checked_value(result)
    if "@list" in result or "@set" in result:
        if set(result) - {"@list", "@set", "@index"} or {"@list", "@set"} <= set(result):
            raise Unreadable("A list or a set has nothing else beside it.")
        return result.get("@set", result)
    if "@language" in result:
        raise Unreadable("A language stands without a text.")
    if name in (None, "@graph") and set(result) <= {"@id"}:
        return result if result else None
    return result


def _checked_value(result: dict[str, Any]) -> Any:
    if unknown := sorted(set(result) - _VALUE_KEYS):
        raise Unreadable(f"A value has {unknown[0][:100]} beside it.")
    kinds = result.get("@type")
    if kinds is not None:
        if len(kinds) != 1 or "@language" in result:
            raise Unreadable("A value has one type, or a language.")
        result["@type"] = kinds[0]
        if kinds[0] == "@json":
            return result
    if result["@value"] is None:
        return None
    if not isinstance(result["@value"], str | int | float | bool):
        raise Unreadable("A value is a text, a number, true or false.")
    if "@language" in result and not isinstance(result["@value"], str):
        raise Unreadable("Only a text has a language.")
    return result


def _value(active: ActiveContext, term: Term, value: Any) -> dict[str, Any]:
    """A text, number or boolean, by what its term says of it."""
    if isinstance(value, str):
        if term.type == "@id":
            return {"@id": _address(active, value)}
        if term.type == "@vocab":
            return {"@id": _absolute(_expanded(active, value), value)}
    elif not isinstance(value, bool | int | float):
        raise Unreadable("A value is a text, a number, true or false.")
    found: dict[str, Any] = {"@value": value}
    if term.type not in (None, "@id", "@vocab", "@none"):
        found["@type"] = term.type
    elif isinstance(value, str):
        language = term.language if term.has_language else active.language
        if language is not None:
            found["@language"] = language
    return found


def _language_map(active: ActiveContext, value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for language in sorted(value):
        for text in value[language] if isinstance(value[language], list) else [value[language]]:
            if text is None:
                continue
            if not isinstance(text, str):
                raise Unreadable("A map of languages holds texts.")
            found: dict[str, Any] = {"@value": text}
            if _expanded(active, language) != "@none":
                found["@language"] = language_of(language)
            yield found


def _term(active: ActiveContext, name: str | None) -> Term:
    return _PLAIN if name is None else active.terms.get(name, _PLAIN)


def _expanded(active: ActiveContext, value: str) -> str:
    return expanded(value, active.terms, active.vocab)


def _address(active: ActiveContext, value: str) -> str:
    return _absolute(expanded(value, active.terms, None, by_term=False), value)


def _absolute(iri: str, given: str) -> str:
    if not (is_absolute(iri) or iri.startswith("_:")):
        raise Unreadable(f"{given[:100]} is no absolute address, so nothing would sign it.")
    return iri


def _type(by_type: ActiveContext, kind: Any) -> str:
    if not isinstance(kind, str):
        raise Unreadable("A type is a text.")
    iri = _expanded(by_type, kind)
    return iri if iri == "@json" else _absolute(iri, kind)


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [] if found is None else [found]


def _flat(found: list[Any]) -> Iterator[Any]:
    for one in found:
        if isinstance(one, list):
            yield from one
        elif one is not None:
            yield one
