"""Errors as pages for browsers, as notices for htmx, and as problem details for everything else.

An error page keeps the navigation and the account. A page that doesn't exist and one that isn't for the reader look the
same; both know who is reading, which says nothing about the page.
"""

import contextlib
from typing import Any
from urllib.parse import quote, urlsplit

import structlog
from litestar import Request, Response
from litestar.types import Scope

from gatehouse_chassis.base import context
from gatehouse_chassis.base.problems import ApiProblem, SignInTooOld, Unauthenticated, Unavailable
from gatehouse_chassis.http import error_responses
from gatehouse_portal.shell.forms import local_path
from gatehouse_portal.shell.guards import recognize
from gatehouse_portal.shell.page import address_of, page, reader, see, wants_part
from gatehouse_portal.shell.peers import Away

log = structlog.get_logger()


async def recognize_reader(error: Exception, scope: Scope) -> None:
    """An `after_exception` hook: an address that no route matches has no guard that would have read the session."""
    if scope["type"] != "http" or scope.get("route_handler") is not None or "auth" in scope:
        return
    request: Request[Any, Any, Any] = Request(scope)
    if "text/html" in request.headers.get("accept", ""):
        with contextlib.suppress(ApiProblem):
            await recognize(request)


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The response to any exception."""
    part = wants_part(request)
    if not part and "text/html" not in request.headers.get("accept", ""):
        return error_responses.answer(request, error)
    problem = error_responses.as_problem(error)
    if isinstance(problem, Unauthenticated):
        return _to_sign_in(request, part=part)
    if problem.status >= 500 and not isinstance(error, ApiProblem):
        log.error("unhandled error", kind=type(error).__name__, exc_info=error)
    return _error_page(request, problem, part=part)


def _to_sign_in(request: Request[Any, Any, Any], *, part: bool) -> Response[Any]:
    if part:
        # Its address is of no use to come back to: it is only a part of a page.
        return Response(None, status_code=200, headers={"HX-Redirect": "/sign-in"})
    then = address_of(request)
    return see("/sign-in" if then == "/" or request.method != "GET" else f"/sign-in?then={quote(then, safe='')}")


def _error_page(request: Request[Any, Any, Any], problem: ApiProblem, *, part: bool) -> Response[Any]:
    away = problem.service if isinstance(problem, Away) else None
    items = request.app.state.navigation.items(reader(request))
    response = page(
        request,
        "shell/error_notice.html" if part else "shell/error_page.html",
        status=problem.status,
        problem=problem,
        away=away,
        unavailable=isinstance(problem, Unavailable),
        sign_in=f"/sign-in?again=yes&then={quote(_came_from(request), safe='')}"
        if isinstance(problem, SignInTooOld)
        else None,
        reading=request.method == "GET",
        path=request.url.path,
        request_id=context.request_id(),
        still_working=[item for item in items if away and away not in item.needs],
    )
    response.headers.update(problem.headers)
    if part:
        response.headers.update({"HX-Retarget": "#notices", "HX-Reswap": "innerHTML"})
    return response


def _came_from(request: Request[Any, Any, Any]) -> str:
    """The page whose form was sent, to go on from after signing in; the home page where the browser doesn't say."""
    parts = urlsplit(request.headers.get("referer", ""))
    return local_path(parts.path + (f"?{parts.query}" if parts.query else ""))
