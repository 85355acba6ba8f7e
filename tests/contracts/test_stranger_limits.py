"""What strangers may send is counted: no route changes anything for who isn't signed in without a limit."""

from collections.abc import Iterator

import pytest
from litestar.handlers import HTTPRouteHandler

from gatehouse_chassis.http.guards import label_of
from gatehouse_chassis.http.rate_limits import limit_of
from gatehouse_identity.persona.routes import only_local

from .provider_documents import CATALOG, application

# Each makes or ends a row for whoever calls it, though it is a GET.
WRITING = {
    "GET /api/identity/sign-in",
    "GET /api/identity/sign-in/callback",
    "GET /api/identity/sign-in/callback/github",
}


def stranger_routes(service: str) -> Iterator[tuple[str, bool]]:
    """`METHOD path` of routes that let anyone in, and whether they are limited. Personas exist locally only."""
    for route in application(service).routes:
        for handler in getattr(route, "route_handlers", ()):
            if isinstance(handler, HTTPRouteHandler) and handler.http_methods != {"OPTIONS"}:
                guards = handler.resolve_guards()
                if only_local not in guards and any(label_of(guard) == "anyone" for guard in guards):
                    for method in handler.http_methods:
                        yield f"{method} {route.path}", limit_of(guards) is not None


@pytest.mark.parametrize("service", [service.name for service in CATALOG if service.is_api])
def test_what_a_stranger_writes_is_limited(service: str) -> None:
    routes = dict(stranger_routes(service))
    writing = {route for route in routes if not route.startswith("GET ") or route in WRITING}
    assert {route for route in writing if not routes[route]} == set()


def test_the_routes_of_signing_in_are_limited() -> None:
    limited = {route for route, is_limited in stranger_routes("identity") if is_limited}
    assert limited == WRITING | {
        "POST /api/identity/invitations/look",
        "POST /api/identity/sessions",
        "POST /api/identity/sessions/refresh",
        "POST /api/identity/token",
        "POST /api/identity/token/exchange",
    }
    declared = {limit.route: limit.at_once for limit in application("portal").state.limited_routes}
    assert declared == {
        "GET /sign-in/callback": 30,
        "GET /sign-in/provider": 30,
        "GET /welcome/{token:str}": 30,
        "GET /become-a-mentor/confirm/{token:str}": 20,
        "POST /become-a-mentor": 10,
        "GET /credentials/{id:uuid}/badge.png": 10,
        "GET /credentials/{id:uuid}/certificate.pdf": 10,
        "POST /credentials/verify": 10,
        "POST /become-a-mentor/confirm/{token:str}": 20,
        "POST /join": 10,
        "GET /still-with-us/{token:str}": 20,
        "POST /still-with-us/{token:str}": 20,
        "POST /welcome/{token:str}": 30,
        "GET /receipts/{token:str}": 20,
        "GET /receipts/{token:str}/{receipt_id:uuid}": 20,
    }
