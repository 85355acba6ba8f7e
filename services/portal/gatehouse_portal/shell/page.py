"""How a page is made: a template, and what every page shows around its content.

htmx asks for parts of pages (`HX-Request`); without JavaScript the same forms and links lead to whole ones.
"""

import secrets
from typing import Any

from litestar import Request
from litestar.datastructures import Cookie
from litestar.response import Redirect, Template

from gatehouse_chassis.base.actor import Actor
from gatehouse_portal.shell import toast
from gatehouse_portal.shell.forms import form_token
from gatehouse_portal.shell.guards import VISITOR_COOKIE, form_cookie

THEME_COOKIE = "gatehouse_theme"
THEMES = ("light", "dark")
DENSITY_COOKIE = "gatehouse_density"
DENSITIES = ("compact", "comfortable")  # of tables; the first is that of who hasn't chosen
# More entries of the navigation than that are folded away, under More.
MOST_ENTRIES = 6


def page(request: Request[Any, Any, Any], name: str, *, status: int = 200, **values: Any) -> Template:
    """The template `name` with `values`, the reader, the navigation, and the token that forms carry."""
    cookie = form_cookie(request)
    cookies = []
    if cookie is None:
        cookie = secrets.token_urlsafe(32)
        secure = request.app.state.service.environment != "local"
        cookies = [Cookie(key=VISITOR_COOKIE, value=cookie, httponly=True, samesite="lax", secure=secure)]
    shown = None if wants_part(request) else toast.pending(request)
    if shown is not None:
        cookies.append(toast.forget(request))
    actor = reader(request)
    theme, density = request.cookies.get(THEME_COOKIE), request.cookies.get(DENSITY_COOKIE)
    frame = {
        "actor": actor,
        "navigation": request.app.state.navigation.items(actor, request.url.path),
        "back": address_of(request),
        "most_entries": MOST_ENTRIES,
        "toast": shown,
        "density": density if density in DENSITIES else DENSITIES[0],
        "theme": theme if theme in THEMES else "auto",
        "form_token": form_token(request.app.state.sessions.form_key, cookie),
        "environment": request.app.state.service.environment,
    }
    headers = {"Cache-Control": "no-store", "Vary": "Cookie, HX-Request"}
    return Template(name, context=frame | values, status_code=status, headers=headers, cookies=cookies)


def reader(request: Request[Any, Any, Any]) -> Actor | None:
    """Who is signed in, as far as a guard has found out."""
    actor = request.scope.get("auth")
    return actor if isinstance(actor, Actor) else None


def address_of(request: Request[Any, Any, Any]) -> str:
    """Path and query of this request."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def wants_part(request: Request[Any, Any, Any]) -> bool:
    """Whether htmx asks for a part of the page."""
    return request.headers.get("hx-request") == "true"


def see(path: str) -> Redirect:
    """To another page after a form: the browser gets it with GET, and reloading it sends nothing twice."""
    return Redirect(path, status_code=303)
