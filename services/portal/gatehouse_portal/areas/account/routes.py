"""Signing in and out. The portal sees no password: identity says who it is, by its provider or, locally, a persona.

The provider's way is OAuth's authorization code with PKCE between identity and us (RFC 7636): the verifier waits,
encrypted, in a cookie of this browser, so a code that somebody else was given is of no use here.
"""

import base64
import contextlib
import hashlib
import secrets
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.params import Parameter
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.problems import ApiProblem, Conflict, Invalid, NotFound, Unauthenticated
from gatehouse_chassis.http.rate_limits import anonymous
from gatehouse_portal.areas.account.structs import Persona, SignInOptions
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.forms import local_path
from gatehouse_portal.shell.page import DENSITIES, DENSITY_COOKIE, THEME_COOKIE, THEMES, page, see
from gatehouse_portal.shell.peers import Away, Peers, or_away
from gatehouse_portal.shell.sessions import COOKIE, IssuedTokens, SessionStore

ATTEMPT_COOKIE = "gatehouse_sign_in"
ATTEMPT_SECONDS = 600
STRANGERS = anonymous(per_minute=60, at_once=30)
YEAR_SECONDS = 365 * 24 * 3600
FAILED = "Signing in didn’t work, or took too long. Try again."
# What identity says when a sign-in ends without a code.
OUTCOMES = {
    "access_denied": "You were not signed in, because the provider was told not to.",
    "provider_unavailable": "The sign-in provider doesn’t answer right now. Try again in a moment.",
    "email_not_verified": "Confirm your e-mail address at the provider first, then sign in again.",
    "email_taken": "An account has this address already. Sign in the way you did before, or ask a coordinator.",
    "archived": "This account is archived. Ask a coordinator.",
    "invitation_over": "This link was used, or has run out. Ask a coordinator for another.",
    "other_account": "You have an account already, and this link is for another one. Sign in without the link.",
}


class Attempt(msgspec.Struct, frozen=True):
    """What waits in the browser while somebody is at the provider."""

    verifier: str
    then: str


@get("/sign-in", guards=[guards.visitor], include_in_schema=False)
async def sign_in(request: Request, peers: Peers, then: str = "/", again: str = "") -> Response[Any]:
    """`again`: also for whoever is signed in, as what they are about to do takes a recent sign-in."""
    where = local_path(then)
    if guards.session_of(request) and not again:
        return see(where)
    return await _sign_in_page(request, peers, where, again=bool(again))


@get("/sign-in/provider", guards=[guards.visitor, STRANGERS], include_in_schema=False)
async def begin(
    request: Request,
    sessions: SessionStore,
    way: Annotated[Literal["oidc", "github"], Parameter(query="with")] = "oidc",
    then: str = "/",
    again: str = "",
    invitation: str = "",
) -> Response[Any]:
    """To identity, which sends the browser on to the provider. `invitation`: of the one-time link they came by."""
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    attempt = msgspec.json.encode(Attempt(verifier, local_path(then))).decode()
    back = f"{request.app.state.service.public_url}/sign-in/callback"
    return Redirect(
        "/api/identity/sign-in",
        query_params={
            "return_to": back,
            "code_challenge": challenge,
            "with": way,
            **({"again": "true"} if again else {}),
            **({"invitation": invitation} if invitation else {}),
        },
        status_code=303,
        cookies=[
            _cookie(request, ATTEMPT_COOKIE, sessions.hide(attempt), path="/sign-in", max_age=ATTEMPT_SECONDS),
        ],
    )


@get("/sign-in/callback", guards=[guards.visitor, STRANGERS], include_in_schema=False)
async def callback(
    request: Request, peers: Peers, sessions: SessionStore, code: str = "", error: str = ""
) -> Response[Any]:
    hidden = sessions.reveal(request.cookies.get(ATTEMPT_COOKIE, ""), seconds=ATTEMPT_SECONDS)
    if hidden is None or not code:
        return await _sign_in_page(request, peers, "/", problem=OUTCOMES.get(error, FAILED))
    attempt = msgspec.json.decode(hidden, type=Attempt)
    try:
        body = {"code": code, "code_verifier": attempt.verifier}
        tokens = await peers.ask("identity", "POST", "/api/identity/sessions", IssuedTokens, json=body, token="")
    except (Invalid, Unauthenticated, NotFound, Conflict):
        return await _sign_in_page(request, peers, attempt.then, problem=FAILED)
    answer = await signed_in_page(request, sessions, tokens, attempt.then)
    answer.delete_cookie(ATTEMPT_COOKIE, path="/sign-in")
    return answer


@post("/sign-in/personas/{key:str}", guards=[guards.visitor], include_in_schema=False)
async def as_persona(request: Request, peers: Peers, sessions: SessionStore, key: str) -> Response[Any]:
    """Local only: identity refuses it anywhere else, and so do we."""
    if request.app.state.service.environment != "local" or not key.replace("-", "").isalnum():
        raise NotFound
    form = await request.form()
    where = f"/api/identity/personas/{key}/sessions"
    tokens = await peers.ask("identity", "POST", where, IssuedTokens, params={"audience": "identity"}, token="")
    return await signed_in_page(request, sessions, tokens, local_path(form.get("then")))


@post("/sign-out", guards=[guards.visitor], include_in_schema=False)
async def sign_out(request: Request, peers: Peers, sessions: SessionStore) -> Response[Any]:
    session = guards.session_of(request)
    if session is not None:
        await sessions.end(session)
        # If identity can't be asked, nobody has the tokens any more all the same.
        with contextlib.suppress(ApiProblem):
            await peers.ask("identity", "DELETE", "/api/identity/sessions/current", type(None))
    answer = see("/sign-in")
    answer.delete_cookie(COOKIE)
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


@post("/theme", guards=[guards.visitor], include_in_schema=False)
async def choose_theme(request: Request) -> Response[Any]:
    form = await request.form()
    answer = see(local_path(form.get("back")))
    theme = form.get("theme")
    if theme in THEMES:
        answer.set_cookie(_cookie(request, THEME_COOKIE, str(theme), max_age=YEAR_SECONDS))
    else:
        answer.delete_cookie(THEME_COOKIE)
    return answer


@post("/density", guards=[guards.person], include_in_schema=False)
async def choose_density(request: Request) -> Response[Any]:
    form = await request.form()
    answer = see(local_path(form.get("back")))
    density = form.get("density")
    if density in DENSITIES:
        answer.set_cookie(_cookie(request, DENSITY_COOKIE, str(density), max_age=YEAR_SECONDS))
    return answer


async def _sign_in_page(
    request: Request[Any, Any, Any], peers: Peers, then: str, *, problem: str = "", again: bool = False
) -> Response[Any]:
    options = await or_away(peers.ask("identity", "GET", "/api/identity/sign-in/options", SignInOptions, token=""))
    personas: list[Persona] = []
    if isinstance(options, SignInOptions) and options.personas:
        found = await or_away(peers.ask("identity", "GET", "/api/identity/personas", list[Persona], token=""))
        if isinstance(found, Away):
            options = found
        else:
            personas = found
    away = options if isinstance(options, Away) else None
    return page(
        request,
        "account/sign_in.html",
        status=503 if away else 200,
        then=then,
        options=SignInOptions() if isinstance(options, Away) else options,
        personas=personas,
        away=away,
        problem=problem,
        again=again,
    )


async def signed_in_page(
    request: Request[Any, Any, Any], sessions: SessionStore, tokens: IssuedTokens, then: str
) -> Response[Any]:
    """A new session in this browser, in place of one that it had."""
    before = guards.session_of(request)
    if before is not None:
        await sessions.end(before)
    actor = await request.app.state.authenticator.actor(f"Bearer {tokens.access_token}")
    answer = see(then)
    cookie = await sessions.begin(tokens, actor.account)
    answer.set_cookie(_cookie(request, COOKIE, cookie, max_age=int(sessions.lifetime)))
    answer.delete_cookie(guards.VISITOR_COOKIE)
    return answer


def _cookie(request: Request[Any, Any, Any], name: str, value: str, *, path: str = "/", max_age: int) -> Cookie:
    secure = request.app.state.service.environment != "local"
    return Cookie(key=name, value=value, path=path, max_age=max_age, httponly=True, samesite="lax", secure=secure)


ROUTES: tuple[ControllerRouterHandler, ...] = (
    sign_in,
    begin,
    callback,
    as_persona,
    sign_out,
    choose_theme,
    choose_density,
)
