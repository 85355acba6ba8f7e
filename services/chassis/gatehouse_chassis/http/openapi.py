"""The OpenAPI document of a service: what Litestar derives, completed by what it can't know.

Adds who may call an operation, its error answers (as problem details), the ETag and 304 of what has a version, and the
bearer scheme, so that clients and schemathesis find every status documented.
"""

import typing
from typing import Any

from litestar import Litestar, Response
from litestar.handlers import HTTPRouteHandler

from gatehouse_chassis.base.problems import BY_STATUS, MEDIA_TYPE, ApiProblem, Invalid, ProblemDetails, Unavailable
from gatehouse_chassis.http.etags import NOT_NEEDED
from gatehouse_chassis.http.guards import label_of
from gatehouse_chassis.service.client import RequestRefused, TooLate

PROBLEM_SCHEMA = {
    "type": "object",
    "title": "ProblemDetails",
    "description": (ProblemDetails.__doc__ or "").strip(),
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "The request's id: the log has it too"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
TITLES: dict[int, type[ApiProblem]] = {
    400: Invalid,
    502: RequestRefused,
    503: Unavailable,
    504: TooLate,
    **BY_STATUS,
}
ETAG = {"description": 'The version, such as "3": for If-None-Match and If-Match', "schema": {"type": "string"}}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of what the caller has already: nothing is sent when it is still the same",
    "schema": {"type": "string"},
}


def statuses(method: str, guard: str, operation: dict[str, Any], path: str, *, asks_others: bool = False) -> list[int]:
    """The error statuses that an operation can answer, from its method, guard, parameters and body.

    `asks_others`: its service calls others than identity, which can refuse (502) or take too long (504).
    """
    found = {400, 503}
    if asks_others:
        found |= {502, 504}
    if guard != "anyone":
        found.add(401)
    if method != "get" and guard not in ("anyone", "anyone signed in"):
        found.add(403)
    if "{" in path or guard not in ("anyone", "anyone signed in"):
        found.add(404)
    if method != "get":
        found |= {403, 404, 409, 413, 422, 429}
        if "requestBody" in operation:
            found.add(415)
        if "{" in path:
            found |= {412, 428}
        if any(one.get("description") == NOT_NEEDED for one in operation.get("parameters", ())):
            found.discard(428)
    return sorted(found)


def described(app: Litestar) -> dict[str, Any]:
    """The whole OpenAPI 3.1 document of `app`."""
    document: dict[str, Any] = app.openapi_schema.to_schema()
    components = document.setdefault("components", {})
    components.setdefault("schemas", {})["ProblemDetails"] = PROBLEM_SCHEMA
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    handlers = _handlers(app)
    asks_others = bool(set(app.state.service.entry.uses.services) - {"identity"})
    for path, item in document.get("paths", {}).items():
        for method, operation in item.items():
            handler = handlers.get(operation.get("operationId", ""))
            if handler is not None:
                _complete(operation, method, path, handler, asks_others=asks_others)
                if method == "get" and has_version(handler):
                    _conditional(operation)
    return document


def has_version(handler: HTTPRouteHandler) -> bool:
    """Whether its answers carry an ETag: they are a `Response` of a struct with a `version`."""
    returned = handler.parsed_fn_signature.return_type.annotation
    if typing.get_origin(returned) is not Response:
        return False
    row = typing.get_args(returned)[0]
    return "version" in getattr(row, "__struct_fields__", ())


def _conditional(operation: dict[str, Any]) -> None:
    operation.setdefault("parameters", []).append(IF_NONE_MATCH)
    operation["responses"]["304"] = {"description": "The caller has this version already", "headers": {"ETag": ETAG}}
    operation["responses"]["200"].setdefault("headers", {})["ETag"] = ETAG


def _handlers(app: Litestar) -> dict[str, HTTPRouteHandler]:
    return {
        handler.operation_id: handler
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        if isinstance(handler, HTTPRouteHandler) and isinstance(handler.operation_id, str)
    }


def _complete(
    operation: dict[str, Any], method: str, path: str, handler: HTTPRouteHandler, *, asks_others: bool
) -> None:
    labels = [label for guard in handler.resolve_guards() if (label := label_of(guard))]
    guard = labels[-1] if labels else "anyone"
    operation["x-gatehouse-allows"] = guard
    operation["security"] = [] if guard == "anyone" else [{"bearer": []}]
    operation.setdefault("parameters", []).extend(handler.opt.get("parameters", ()))
    responses = operation.setdefault("responses", {})
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    responses.pop("400", None)  # Litestar's own form, which this chassis doesn't answer with
    for status in statuses(method, guard, operation, path, asks_others=asks_others and guard != "anyone"):
        responses.setdefault(str(status), {"description": TITLES[status].title, "content": content})
