"""The OpenAPI document of each service, and the calls that services make to one another."""

from functools import cache
from pathlib import Path
from typing import Any

from litestar import Litestar

from gatehouse_catalog import find_root, load_catalog
from gatehouse_chassis import describe

from .service_calls import Call, calls_of

ROOT = find_root(Path(__file__).parent)
CATALOG = load_catalog(ROOT)


@cache
def application(service: str) -> Litestar:
    """A service's application, not started."""
    return describe.application(CATALOG, service)


@cache
def document(service: str) -> dict[str, Any]:
    """The OpenAPI document of a service, as it serves it."""
    return describe.document(application(service))


PACKAGES = [service.folder / service.package for service in CATALOG if service.is_api or service.kind == "web"]
CONSUMERS = {package.parent.name: package for package in [*PACKAGES, ROOT / "services/chassis/gatehouse_chassis"]}


@cache
def calls(consumer: str) -> tuple[Call, ...]:
    """The calls that a service makes. Not read at import: that would take each worker of a test run a second."""
    return tuple(calls_of(CONSUMERS[consumer]))


def operation_of(path: str, method: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The document of the provider that an address belongs to, and the operation that it calls."""
    # What is at the root of a service's port is the chassis's, and the same wherever it is.
    providers = [one for one in CATALOG if one.path and path.startswith(f"{one.path}/")] or list(CATALOG)
    for whole in (document(provider.name) for provider in providers):
        for template, item in whole["paths"].items():
            if method in item and _fits(template, path):
                shared = item.get("parameters", [])
                return whole, item[method] | {"parameters": [*shared, *item[method].get("parameters", [])]}
    raise AssertionError(f"{' or '.join(one.name for one in providers)} has no operation {method.upper()} {path}")


def answer_schema(path: str, method: str = "get") -> tuple[dict[str, Any], dict[str, Any]]:
    """The document of the provider that an address belongs to, and the schema of its answer."""
    whole, operation = operation_of(path, method)
    answers = operation["responses"]
    (success,) = [answers[status] for status in answers if status.startswith("2")]
    content = success.get("content", {})
    return whole, next(iter(content.values()))["schema"] if content else {}


def _fits(template: str, path: str) -> bool:
    """A `*` of the path stands for a parameter, never for a word of the template."""
    wanted, given = template.strip("/").split("/"), path.strip("/").split("/")
    pairs = zip(wanted, given, strict=False)
    return len(wanted) == len(given) and all(one.startswith("{") or one == other for one, other in pairs)


def resolved(whole: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = whole["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema
