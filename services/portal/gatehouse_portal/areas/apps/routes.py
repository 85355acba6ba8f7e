"""What apps call instead of services: `/bff/<service>/...`, as the person who is signed in (backend for frontend).

The browser holds no token. It sends the session cookie, which scripts can't read; the service gets the session's access
token from here. What changes something needs an `Origin` of ours and the token of `GET /bff/session` as well.
"""

import hmac
from typing import Any
from uuid import UUID

import msgspec
from litestar import HttpMethod, Request, Response, get, route
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import MEDIA_TYPE, Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from gatehouse_chassis.http.guards import SAFE_METHODS, guard
from gatehouse_chassis.service.client import RequestRefused, TooLate
from gatehouse_portal.areas.apps.operations import read_operations
from gatehouse_portal.shell.forms import form_token, same_origin
from gatehouse_portal.shell.guards import form_cookie, recognize
from gatehouse_portal.shell.navigation import NavItem
from gatehouse_portal.shell.page import THEME_COOKIE, THEMES
from gatehouse_portal.shell.peers import Away, Peers, as_said

CSRF_HEADER = "X-CSRF-Token"
SENT_ON = ("If-Match", "If-None-Match", "Idempotency-Key", "Prefer")
SENT_BACK = ("ETag", "Idempotency-Replayed")
OPERATIONS = read_operations()


class NotFromAnApp(Forbidden):
    """403: the request doesn't come from a page of this session."""

    slug = "not-from-an-app"
    title = "The request doesn't come from a page of yours"


class AppSession(msgspec.Struct, frozen=True):
    """Who uses an app, and what it shows around its content.

    Attributes:
        csrf: what a request that changes something sends as `X-CSRF-Token`; it lives as long as the session.
        navigation: the entries that this person may open; `at` marks the current one.
    """

    account_id: UUID
    person_id: UUID | None
    name: str
    roles: list[str]
    csrf: str
    theme: str
    environment: str
    navigation: list[NavItem]


@guard("anyone signed in")
async def app_user(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
    """Anyone with a session; a change must come from a page of ours that has read `/bff/session`."""
    if await recognize(connection) is None:
        raise Unauthenticated("Sign in to go on.")
    if connection.scope.get("method") in SAFE_METHODS:
        return
    # Unlike a form's, these requests are made by scripts only, and every browser says where those come from.
    if not connection.headers.get("origin") or not same_origin(connection, connection.app.state.service.public_url):
        raise NotFromAnApp("It was sent from another site. Nothing was changed.")
    expected = form_token(connection.app.state.sessions.form_key, form_cookie(connection) or "")
    if not hmac.compare_digest(connection.headers.get(CSRF_HEADER, "").encode(), expected.encode()):
        raise NotFromAnApp(f"{CSRF_HEADER} isn't that of this session. Ask /bff/session for it and try again.")


@get("/bff/session", guards=[app_user], include_in_schema=False)
async def session(request: Request[Any, Any, Any], actor: Actor, at: str = "") -> Response[AppSession]:
    """Who is signed in. `at`: the path of the app, for the navigation."""
    cookie = form_cookie(request)
    assert cookie is not None
    theme = request.cookies.get(THEME_COOKIE)
    state = request.app.state
    found = AppSession(
        account_id=actor.account,
        person_id=actor.person,
        name=actor.name,
        roles=sorted(actor.roles),
        csrf=form_token(state.sessions.form_key, cookie),
        theme=theme if theme in THEMES else "auto",
        environment=state.service.environment,
        navigation=state.navigation.items(actor, at),
    )
    return Response(found, headers={"Cache-Control": "no-store"})


@route(
    "/bff/{service_name:str}/{rest:path}",
    http_method=[HttpMethod.GET, HttpMethod.POST, HttpMethod.PUT, HttpMethod.PATCH, HttpMethod.DELETE],
    guards=[app_user],
    include_in_schema=False,
    status_code=200,
)
async def passed_on(request: Request[Any, Any, Any], peers: Peers, service_name: str, rest: str) -> Response[Any]:
    """A service's answer, as it is."""
    address = OPERATIONS.address(service_name, request.method, rest)
    if address is None:
        raise NotFound(
            f"Apps can't call {request.method} /bff/{service_name}{rest}; operations.json lists what they can."
        )
    headers = {name: request.headers[name] for name in SENT_ON if name in request.headers}
    query = f"?{request.url.query}" if request.url.query else ""
    try:
        answer = await peers.pass_on(service_name, request.method, address + query, await _body(request), headers)
    except RequestRefused as refused:
        if refused.problem is None or refused.answered == Unauthenticated.status:
            raise as_said(refused) from refused
        return Response(refused.problem, status_code=refused.answered, media_type=MEDIA_TYPE)
    except (Unavailable, TooLate) as error:
        raise Away(service_name) from error
    back = {name: answer.headers[name] for name in SENT_BACK if name in answer.headers}
    location = answer.headers.get("Location", "")
    if location.startswith(f"/api/{service_name}/"):
        back["Location"] = "/bff/" + location.removeprefix("/api/")
    back["Cache-Control"] = "no-store"
    media_type = answer.headers.get("Content-Type", "application/json")
    return Response(answer.content or None, status_code=answer.status_code, headers=back, media_type=media_type)


async def _body(request: Request[Any, Any, Any]) -> msgspec.Raw | None:
    body = await request.body()
    if not body:
        return None
    if request.content_type[0] != "application/json":
        raise Invalid({"body": "isn't JSON; send application/json"})
    return msgspec.Raw(body)


ROUTES: tuple[ControllerRouterHandler, ...] = (session, passed_on)
