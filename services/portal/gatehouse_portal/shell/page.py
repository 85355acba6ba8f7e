"""How a page is made: the template, what every page has around its content, and errors as pages.

htmx asks for parts of pages (`HX-Request`); without JavaScript the same forms and links lead to whole ones.
"""

import secrets
from typing import Any
from urllib.parse import quote

import jinja2
import msgspec
import structlog
from litestar import Request, Response
from litestar.contrib.jinja import JinjaTemplateEngine
from litestar.datastructures import Cookie
from litestar.response import Redirect, Template
from litestar.template import TemplateConfig

from gatehouse_chassis.base import context
from gatehouse_chassis.base.actor import OPERATOR_ROLES, Actor
from gatehouse_chassis.base.problems import ApiProblem, NotFound, Unauthenticated, Unavailable
from gatehouse_chassis.http import error_responses
from gatehouse_portal import charts, release_words, words
from gatehouse_portal.assets import asset
from gatehouse_portal.forms import FIELD, form_token
from gatehouse_portal.guards import VISITOR_COOKIE, form_cookie
from gatehouse_portal.peers import Away

THEME_COOKIE = "gatehouse_theme"
THEMES = ("light", "dark")
MEMBERS_SEEN_BY = ("mentor", "coordinator", "staff")
# Who runs the platform, tests it, or decides that it goes live.
FIGURES_SEEN_BY = (*sorted(OPERATOR_ROLES), "tester", "release-manager")
# Those too whose veto counts.
RELEASES_SEEN_BY = (*FIGURES_SEEN_BY, "board")

log = structlog.get_logger()


class NavItem(msgspec.Struct, frozen=True):
    """An entry of the navigation; `needs` are the services without which it can't be shown."""

    name: str
    path: str
    about: str = ""
    needs: tuple[str, ...] = ()


def template_config() -> TemplateConfig[JinjaTemplateEngine]:
    """Templates that escape everything and stop at a name that isn't there."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("gatehouse_portal"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    everywhere: dict[str, Any] = {"asset": asset, "FORM_FIELD": FIELD}
    environment.globals.update(everywhere)
    environment.filters.update(words.FILTERS | release_words.FILTERS | {"rate": charts.rate})
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment))


def places(actor: Actor | None) -> list[NavItem]:
    """What this person may open."""
    if actor is None:
        return []
    found = [NavItem("Home", "/")]
    if actor.person is not None and "member" in actor.roles:
        about = "What you learn now, what comes next, and what you have completed"
        found.append(NavItem("My curriculum", f"/members/{actor.person}", about, ("curriculum",)))
    if actor.has(*MEMBERS_SEEN_BY):
        found.append(NavItem("Members", "/members", "The people and their curricula", ("person",)))
    found.append(NavItem("Resources", "/resources", "Articles, books, videos and courses, to search", ("topics",)))
    found.append(NavItem("Paths", "/paths", "Ways through the resources, step by step", ("topics",)))
    if actor.has(*RELEASES_SEEN_BY):
        found.append(NavItem("Releases", "/releases", "What runs where, and what may come next"))
    if actor.has(*FIGURES_SEEN_BY):
        about = "Requests, errors and latency of every service, the last hour"
        found.append(NavItem("Throughput", "/throughput", about))
    if actor.has(*OPERATOR_ROLES):
        found.append(NavItem("Admin", "/admin", "What runs, since when, and whether it is well"))
    return found


def page(request: Request[Any, Any, Any], name: str, *, status: int = 200, **values: Any) -> Template:
    """The template `name`, with what every page shows: who it is, where one may go, and the token of its forms."""
    cookie = form_cookie(request)
    cookies = []
    if cookie is None:
        cookie = secrets.token_urlsafe(32)
        secure = request.app.state.service.environment != "local"
        cookies = [Cookie(key=VISITOR_COOKIE, value=cookie, httponly=True, samesite="lax", secure=secure)]
    actor = _actor(request)
    theme = request.cookies.get(THEME_COOKIE)
    around = {
        "actor": actor,
        "places": places(actor),
        "path": request.url.path,
        "back": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "theme": theme if theme in THEMES else "auto",
        "form_token": form_token(request.app.state.sessions.form_key, cookie),
        "environment": request.app.state.service.environment,
    }
    headers = {"Cache-Control": "no-store", "Vary": "Cookie, HX-Request"}
    return Template(name, context=around | values, status_code=status, headers=headers, cookies=cookies)


def wants_part(request: Request[Any, Any, Any]) -> bool:
    """Whether htmx asks for a part of the page."""
    return request.headers.get("hx-request") == "true"


def see(path: str) -> Redirect:
    """To another page after a form: the browser gets it with GET, and reloading it sends nothing twice."""
    return Redirect(path, status_code=303)


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Any error: a page for a browser, a notice for htmx, problem details for everything else."""
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
    then = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if part:
        # The page around the part is where to come back to.
        return Response(None, status_code=200, headers={"HX-Redirect": "/sign-in"})
    where = "/sign-in" if then == "/" or request.method != "GET" else f"/sign-in?then={quote(then, safe='')}"
    return see(where)


def _error_page(request: Request[Any, Any, Any], problem: ApiProblem, *, part: bool) -> Response[Any]:
    # A page that isn't there and one that isn't for you must look the same, whatever was found out on the way.
    away = problem.service if isinstance(problem, Away) else None
    name = "errors/notice.html" if part else "errors/page.html"
    made = page(
        request,
        name,
        status=problem.status,
        problem=problem,
        away=away,
        unavailable=isinstance(problem, Unavailable),
        request_id=context.request_id(),
        still_working=[place for place in places(_actor(request)) if away and away not in place.needs],
        **({"actor": None, "places": []} if isinstance(problem, NotFound) else {}),
    )
    made.headers.update(problem.headers)
    if part:
        made.headers.update({"HX-Retarget": "#notices", "HX-Reswap": "innerHTML"})
    return made


def _actor(request: Request[Any, Any, Any]) -> Actor | None:
    found = request.scope.get("auth")
    return found if isinstance(found, Actor) else None
