"""Responses that must not be cached, and errors documented beyond what the chassis derives from the guards."""

from collections.abc import Mapping
from typing import TypeVar

from litestar import Response
from litestar.datastructures import ResponseHeader
from litestar.openapi.datastructures import ResponseSpec

from gatehouse_chassis.base.problems import MEDIA_TYPE, ApiProblem, NotFound, ProblemDetails, Unauthenticated

T = TypeVar("T")

# Tokens and codes stay out of every cache (RFC 6749, section 5.1).
UNCACHED = {"Cache-Control": "no-store"}

LOCATION = [ResponseHeader(name="Location", description="Where the browser goes next", documentation_only=True)]


def _documented(problem: type[ApiProblem], reason: str) -> dict[int, ResponseSpec]:
    specification = ResponseSpec(
        data_container=ProblemDetails, description=reason, media_type=MEDIA_TYPE, generate_examples=False
    )
    return {problem.status: specification}


def unauthenticated(reason: str) -> dict[int, ResponseSpec]:
    return _documented(Unauthenticated, reason)


def not_found(reason: str) -> dict[int, ResponseSpec]:
    return _documented(NotFound, reason)


def uncached(content: T, *, status_code: int = 200, headers: Mapping[str, str] | None = None) -> Response[T]:
    return Response(content, status_code=status_code, headers={**UNCACHED, **(headers or {})})


def sent_to(address: str) -> Response[None]:
    """302; the address may hold a code, so nothing is cached and no referrer is sent on."""
    headers = {**UNCACHED, "Location": address, "Referrer-Policy": "no-referrer"}
    return Response(None, status_code=302, headers=headers)
