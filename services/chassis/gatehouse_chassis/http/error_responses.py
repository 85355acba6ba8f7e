"""Turns every exception into problem details, and logs those that nobody expected."""

import re
from typing import Any

import asyncpg
import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from gatehouse_chassis.base import context
from gatehouse_chassis.base.fields import in_words
from gatehouse_chassis.base.problems import BY_STATUS, MEDIA_TYPE, ApiProblem, Invalid
from gatehouse_chassis.data import database_errors

UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(.+?)`(?: - at `\$\.?(.*)`)?")
MISSING_FIELD = re.compile(r"Object missing required field `(.+?)`(?: - at `\$\.?(.*)`)?")
# Of Litestar: a query parameter that wasn't sent.
MISSING_PARAMETER = re.compile(r"^Missing required \w+ parameter '([^']+)'() for path")
PLACE = re.compile(r" - at `\$\.?(.*?)`")

FROM_THE_DATABASE = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, ConnectionError)
LOGGED = "The error has been logged. Give the id in `instance` when you report it."

log = structlog.get_logger()


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The response for any exception that a handler, a guard or the framework raised."""
    problem = as_problem(error)
    if problem.status >= 500 and not isinstance(error, ApiProblem):
        log.error("unhandled error", kind=type(error).__name__, exc_info=error)
    body = msgspec.json.encode(problem.details(context.request_id()))
    return Response(body, status_code=problem.status, headers=problem.headers, media_type=MEDIA_TYPE)


def as_problem(error: Exception) -> ApiProblem:
    """The problem that the client gets. An exception that isn't known to be safe to show becomes a bare 500."""
    if isinstance(error, ApiProblem):
        return error
    if isinstance(error, FROM_THE_DATABASE):
        return database_errors.as_problem(error) or _unexpected()
    if isinstance(error, ValidationException):
        return _invalid(error)
    if isinstance(error, HTTPException):
        return _of_the_framework(error)
    return _unexpected()


def _of_the_framework(error: HTTPException) -> ApiProblem:
    if error.status_code == 400:
        return Invalid({"request": _sentence(error.detail)})
    kind = BY_STATUS.get(error.status_code)
    if kind is None:
        return _unexpected()
    problem = kind()
    allowed = (error.headers or {}).get("allow")
    if allowed:  # a 405 must say which methods there are (RFC 9110, section 15.5.6)
        problem.headers["Allow"] = allowed
    return problem


def _unexpected() -> ApiProblem:
    return ApiProblem(LOGGED)


def _invalid(error: ValidationException) -> ApiProblem:
    found: dict[str, str] = {}
    items = error.extra if isinstance(error.extra, list) else []
    for item in items:
        if isinstance(item, dict):
            field, message = field_error(str(item.get("message", "")), str(item.get("key", "")))
            found[field] = message
    if not found:
        field, message = field_error(error.detail, "")
        found[field] = message
    return Invalid(found)


def field_error(message: str, key: str) -> tuple[str, str]:
    """(field, what is wrong and how to fix it) of one of msgspec's messages."""
    for pattern, text in (
        (UNKNOWN_FIELD, "is not a known field; remove it"),
        (MISSING_FIELD, "is required; add it"),
        (MISSING_PARAMETER, "is required; add it"),
    ):
        match = pattern.search(message)
        if match:
            place = match[2] or ("" if key == "data" else key)
            return (f"{place}.{match[1]}" if place else match[1]), text
    match = PLACE.search(message)
    field = key or (match[1] if match else "") or "body"
    return field, _sentence(in_words(PLACE.sub("", message)))


def _sentence(text: str) -> str:
    # Litestar puts the address of the request into its messages ("... for POST http://...: body"); a client knows it.
    text = re.sub(r"^Validation failed for \w+ \S+", "can't be read", text)
    return (text[:1].lower() + text[1:]) if text else "can't be read"
