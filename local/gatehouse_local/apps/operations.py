"""What apps may call: the operations of each service that need somebody to be signed in and answer with no secret.

Pure: OpenAPI documents in, operations and the part of a document that describes them out. The portal passes on exactly
these (`/bff/<service>/...`), and the typed clients offer exactly these.
"""

import re
from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]
METHODS = ("get", "put", "post", "delete", "patch")
# Names of fields that carry what a browser must not hold. `next` cursors and ids aren't among them.
SECRET = re.compile(r"(^|_)(token|secret|password|private_key)s?$")
_REFERENCE = "#/components/schemas/"


def allowed_operations(document: Document, path: str) -> list[tuple[str, str]]:
    """(method, path template) of each operation below the service's `path` that apps may call, sorted."""
    return sorted(
        (method.upper(), template)
        for template, method, operation in _operations(document)
        if template.startswith(f"{path}/") and _is_for_apps(document, operation)
    )


def for_apps(document: Document, path: str) -> Document:
    """The document with these operations only, and the schemas that they refer to."""
    kept = set(allowed_operations(document, path))
    paths = {
        template: {key: value for key, value in item.items() if key not in METHODS or (key.upper(), template) in kept}
        for template, item in document["paths"].items()
    }
    paths = {template: item for template, item in paths.items() if any(method in item for method in METHODS)}
    schemas = document.get("components", {}).get("schemas", {})
    used = _referred(document, paths)
    components = {"schemas": {name: schema for name, schema in schemas.items() if name in used}}
    return {"openapi": document["openapi"], "info": document["info"], "paths": paths, "components": components}


def _operations(document: Document) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for template, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield template, method, item[method]


def _is_for_apps(document: Document, operation: dict[str, Any]) -> bool:
    if operation.get("x-gatehouse-allows", "anyone") in ("anyone", "other services"):
        return False  # it needs no session (among them are all that begin one), or takes none
    answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    return not any(SECRET.search(name) for name in _fields(document, answers))


def _fields(document: Document, part: Any) -> set[str]:
    """The names of all fields of all schemas that a part of the document holds or refers to."""
    schemas = document.get("components", {}).get("schemas", {})
    parts = [part, *(schemas[name] for name in _referred(document, part))]
    return {name for one in parts for found in _dicts(one) for name in _properties(found)}


def _properties(schema: dict[str, Any]) -> list[str]:
    properties = schema.get("properties")
    return list(properties) if isinstance(properties, dict) else []


def _referred(document: Document, part: Any) -> set[str]:
    """The names of the schemas that a part refers to, directly or through others."""
    schemas = document.get("components", {}).get("schemas", {})
    found: set[str] = set()
    waiting = [part]
    while waiting:
        for one in _dicts(waiting.pop()):
            reference = one.get("$ref")
            name = reference.removeprefix(_REFERENCE) if isinstance(reference, str) else ""
            if name in schemas and name not in found:
                found.add(name)
                waiting.append(schemas[name])
    return found


def _dicts(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
        for value in part.values():
            yield from _dicts(value)
    elif isinstance(part, list):
        for value in part:
            yield from _dicts(value)
