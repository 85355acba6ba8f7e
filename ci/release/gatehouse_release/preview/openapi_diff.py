"""What differs between two OpenAPI documents of one service, and what of it breaks a client. Pure.

Which way a schema is used decides: what a client sends may become wider, what it reads narrower. Our services refuse
unknown fields and query parameters (400), so taking one away breaks who sends it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

Document = Mapping[str, Any]
Way = Literal["sent", "read"]
METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")
REFERENCE = "$ref"
# What a value must keep to: name -> whether a greater value is stricter.
LIMITS = {
    "minimum": True,
    "exclusiveMinimum": True,
    "minLength": True,
    "minItems": True,
    "minProperties": True,
    "maximum": False,
    "exclusiveMaximum": False,
    "maxLength": False,
    "maxItems": False,
    "maxProperties": False,
}
EXACT = ("pattern", "format", "const", "uniqueItems")
ALTERNATIVES = ("anyOf", "oneOf")


class ApiDifference(msgspec.Struct, frozen=True, kw_only=True):
    """`where` is an operation and the place in it: `PATCH /api/person/people/{id} · sent.name`."""

    breaking: bool
    where: str
    what: str


def differences(before: Document, after: Document) -> tuple[ApiDifference, ...]:
    """Breaking ones first, then by place; none for equal documents."""
    found = set(_Comparison(before, after).operations())
    return tuple(sorted(found, key=lambda one: (not one.breaking, one.where, one.what)))


def _operations(document: Document) -> dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """`GET /path` -> (operation, path item)"""
    return {
        f"{method.upper()} {path}": (item[method], item)
        for path, item in (document.get("paths") or {}).items()
        for method in METHODS
        if method in item
    }


class _Comparison:
    def __init__(self, before: Document, after: Document) -> None:
        self._before, self._after = before, after
        # References may lead back to where they stand; each pair is looked at once.
        self._seen: set[tuple[str, str, str]] = set()

    def operations(self) -> Iterator[ApiDifference]:
        old, new = _operations(self._before), _operations(self._after)
        for name in old.keys() - new.keys():
            yield ApiDifference(breaking=True, where=name, what="is gone")
        for name in new.keys() - old.keys():
            yield ApiDifference(breaking=False, where=name, what="is new")
        for name in sorted(old.keys() & new.keys()):
            self._seen.clear()
            yield from self._operation(name, old[name], new[name])

    def _operation(self, name: str, old: tuple[Any, Any], new: tuple[Any, Any]) -> Iterator[ApiDifference]:
        (before, _), (after, _) = old, new
        yield from self._callers(name, before, after)
        yield from self._parameters(name, self._parameters_of(old, 0), self._parameters_of(new, 1))
        yield from self._body(name, before.get("requestBody"), after.get("requestBody"))
        yield from self._responses(name, before.get("responses") or {}, after.get("responses") or {})
        if after.get("deprecated") and not before.get("deprecated"):
            yield ApiDifference(breaking=False, where=name, what="is deprecated")

    def _callers(self, name: str, before: Document, after: Document) -> Iterator[ApiDifference]:
        old, new = (one.get("x-gatehouse-allows") for one in (before, after))
        if old != new and old is not None:
            yield ApiDifference(breaking=True, where=name, what=f"may be called by {_said(new)}, not by {_said(old)}")

    def _parameters_of(self, operation: tuple[Any, Any], side: int) -> dict[str, Any]:
        own, item = operation
        document = (self._before, self._after)[side]
        listed = [_resolved(document, one) for one in (*(item.get("parameters") or ()), *(own.get("parameters") or ()))]
        return {f"{one['in']} {one['name']}": one for one in listed}

    def _parameters(self, name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[ApiDifference]:
        for key in old.keys() - new.keys():
            yield ApiDifference(breaking=True, where=f"{name} · {key}", what="is gone")
        for key in new.keys() - old.keys():
            required = bool(new[key].get("required"))
            what = "is new, and required" if required else "is new"
            yield ApiDifference(breaking=required, where=f"{name} · {key}", what=what)
        for key in sorted(old.keys() & new.keys()):
            where = f"{name} · {key}"
            if new[key].get("required") and not old[key].get("required"):
                yield ApiDifference(breaking=True, where=where, what="is required now")
            yield from self._schemas(where, old[key].get("schema") or {}, new[key].get("schema") or {}, "sent")

    def _body(self, name: str, old: Any, new: Any) -> Iterator[ApiDifference]:
        where = f"{name} · sent"
        before, after = _resolved(self._before, old or {}), _resolved(self._after, new or {})
        if before and not after:
            yield ApiDifference(breaking=True, where=where, what="no body is taken any more")
        elif after and not before:
            required = bool(after.get("required"))
            what = "a body is required" if required else "a body is taken"
            yield ApiDifference(breaking=required, where=where, what=what)
        else:
            if after.get("required") and not before.get("required"):
                yield ApiDifference(breaking=True, where=where, what="the body is required now")
            yield from self._contents(where, before, after, "sent")

    def _responses(self, name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[ApiDifference]:
        for status in old.keys() - new.keys():
            yield ApiDifference(breaking=status.startswith("2"), where=f"{name} · {status}", what="is gone")
        for status in new.keys() - old.keys():
            yield ApiDifference(breaking=False, where=f"{name} · {status}", what="is new")
        for status in sorted(old.keys() & new.keys()):
            before, after = _resolved(self._before, old[status]), _resolved(self._after, new[status])
            yield from self._contents(f"{name} · {status}", before, after, "read")

    def _contents(self, where: str, before: Document, after: Document, way: Way) -> Iterator[ApiDifference]:
        old, new = before.get("content") or {}, after.get("content") or {}
        for kind in old.keys() - new.keys():
            yield ApiDifference(breaking=True, where=where, what=f"no {kind} any more")
        for kind in new.keys() - old.keys():
            yield ApiDifference(breaking=False, where=where, what=f"{kind} too")
        for kind in sorted(old.keys() & new.keys()):
            yield from self._schemas(where, old[kind].get("schema") or {}, new[kind].get("schema") or {}, way)

    def _schemas(self, where: str, old: Any, new: Any, way: Way) -> Iterator[ApiDifference]:
        pair = (str(old.get(REFERENCE)), str(new.get(REFERENCE)), way)
        if pair[0] != "None" and pair[1] != "None":
            if pair in self._seen:
                return
            self._seen.add(pair)
        before, after = _resolved(self._before, old), _resolved(self._after, new)
        yield from self._kinds(where, before, after, way)
        yield from _values(where, before, after, way)
        yield from self._properties(where, before, after, way)
        inner = [("items", "[]"), ("additionalProperties", "{}")]
        for key, mark in inner:
            if isinstance(before.get(key), Mapping) and isinstance(after.get(key), Mapping):
                yield from self._schemas(f"{where}{mark}", before[key], after[key], way)
        yield from self._all_of(where, before, after, way)

    def _kinds(self, where: str, before: Document, after: Document, way: Way) -> Iterator[ApiDifference]:
        """Types, null among them, and named alternatives; those of one name are compared further."""
        old, new = self._alternatives(self._before, before), self._alternatives(self._after, after)
        for name in sorted(old.keys() - new.keys()):
            yield ApiDifference(breaking=way == "sent", where=where, what=f"is no {name} any more")
        for name in sorted(new.keys() - old.keys()):
            yield ApiDifference(breaking=way == "read", where=where, what=f"may be {name} now")
        for name in sorted(old.keys() & new.keys()):
            if old[name] is not None and new[name] is not None:
                yield from self._schemas(where, old[name], new[name], way)

    def _alternatives(self, document: Document, schema: Document) -> dict[str, Any]:
        """Name -> the alternative's schema; None for the schema's own type, which is compared where it stands."""
        found: dict[str, Any] = {}
        for key in ALTERNATIVES:
            for one in schema.get(key) or ():
                inner = _resolved(document, one)
                name = str(one.get(REFERENCE, "")).rpartition("/")[2] or _type(inner)
                found[name] = one
        own = schema.get("type")
        for name in own if isinstance(own, list) else [own] if own else []:
            found[str(name)] = None
        return found

    def _properties(self, where: str, before: Document, after: Document, way: Way) -> Iterator[ApiDifference]:
        old, new = before.get("properties") or {}, after.get("properties") or {}
        was, now = set(before.get("required") or ()), set(after.get("required") or ())
        for name in old.keys() - new.keys():
            yield ApiDifference(breaking=True, where=f"{where}.{name}", what="is gone")
        for name in new.keys() - old.keys():
            required = way == "sent" and name in now
            what = "is new, and required" if required else "is new"
            yield ApiDifference(breaking=required, where=f"{where}.{name}", what=what)
        for name in sorted(old.keys() & new.keys()):
            if (name in was) != (name in now):
                breaking = (name in now) if way == "sent" else (name in was)
                what = "is required now" if name in now else "may be absent now"
                yield ApiDifference(breaking=breaking, where=f"{where}.{name}", what=what)
            yield from self._schemas(f"{where}.{name}", old[name], new[name], way)

    def _all_of(self, where: str, before: Document, after: Document, way: Way) -> Iterator[ApiDifference]:
        old, new = before.get("allOf") or (), after.get("allOf") or ()
        if len(old) != len(new):
            yield ApiDifference(breaking=True, where=where, what="is put together otherwise (allOf)")
        for one, other in zip(old, new, strict=False):
            yield from self._schemas(where, one, other, way)


def _values(where: str, before: Document, after: Document, way: Way) -> Iterator[ApiDifference]:
    """Enumerations and limits. Sent values may become freer, read ones stricter."""
    old, new = before.get("enum"), after.get("enum")
    if old is not None and new is not None:
        for value in [one for one in old if one not in new]:
            yield ApiDifference(breaking=way == "sent", where=where, what=f"is never {value!r} any more")
        for value in [one for one in new if one not in old]:
            # A client that reads should let pass what it doesn't know; all the same it is worth a look.
            yield ApiDifference(breaking=False, where=where, what=f"may be {value!r} now")
    elif old != new:
        narrower = new is not None
        what = f"is one of {_said(new)} now" if narrower else "may be any value now"
        yield ApiDifference(breaking=narrower == (way == "sent"), where=where, what=what)
    for key, greater_is_stricter in LIMITS.items():
        low, high = before.get(key), after.get(key)
        if low == high:
            continue
        stricter = high is not None and (low is None or (high > low) == greater_is_stricter)
        what = f"{key} is {_said(high)}, was {_said(low)}"
        yield ApiDifference(breaking=stricter and way == "sent", where=where, what=what)
    for key in EXACT:
        if before.get(key) != after.get(key):
            what = f"{key} is {_said(after.get(key))}, was {_said(before.get(key))}"
            breaking = after.get(key) is not None if way == "sent" else key == "format"
            yield ApiDifference(breaking=breaking, where=where, what=what)


def _type(schema: Document) -> str:
    kind = schema.get("type")
    named = schema.get("title") or schema.get("const") or schema.get("format")
    return str(named or (" or ".join(kind) if isinstance(kind, list) else kind) or "anything")


def _said(value: Any) -> str:
    if value is None:
        return "nothing"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _resolved(document: Document, part: Any) -> Any:
    """What a reference leads to; references of references too."""
    for _ in range(10):
        reference = part.get(REFERENCE) if isinstance(part, Mapping) else None
        if not reference:
            break
        part = document
        for key in str(reference).removeprefix("#/").split("/"):
            part = part.get(key.replace("~1", "/").replace("~0", "~"), {})
    return part
