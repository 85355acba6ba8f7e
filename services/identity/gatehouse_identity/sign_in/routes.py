"""Signing in: with the OpenID Connect provider, and, in the local environment only, as a persona."""

from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler
from litestar.params import Parameter

from gatehouse_chassis import ServiceContext
from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.http.guards import public
from gatehouse_chassis.lists.filters import storable
from gatehouse_identity import queries
from gatehouse_identity.routes.answers import LOCATION, not_found, sent_to, uncached
from gatehouse_identity.structs import Persona, SessionTokens, SignInOptions

LOCAL = "local"

ReturnTo = Annotated[
    str,
    Parameter(max_length=2000, description="Where the browser goes afterwards; below the platform's public address"),
]
# The S256 challenge is 32 bytes in base64url: 43 characters.
Challenge = Annotated[
    str,
    Parameter(
        pattern="^[A-Za-z0-9_-]{43}$",
        min_length=43,
        max_length=43,
        description="PKCE (S256) challenge of whoever may redeem the one-time code",
    ),
]
State_ = Annotated[str, Parameter(query="state", max_length=200, description="As it was sent to the provider")]
Given = Annotated[str | None, Parameter(max_length=4000)]


class SignInPages(Controller):
    path = "/sign-in"
    tags = ("sign-in",)
    guards = (public,)

    @get(
        "/",
        operation_id="BeginSignIn",
        summary="Send the browser to the provider",
        status_code=302,
        response_headers=LOCATION,
    )
    async def begin(self, state: State, return_to: ReturnTo, code_challenge: Challenge) -> Response[None]:
        return sent_to(await state.sign_ins.begin(return_to, code_challenge))

    @get(
        "/callback",
        operation_id="FinishSignIn",
        summary="Where the provider sends the browser back: on to return_to with `code` or `error`",
        status_code=302,
        response_headers=LOCATION,
    )
    async def callback(
        self, state: State, provider_state: State_, code: Given = None, error: Given = None, iss: Given = None
    ) -> Response[None]:
        answered = None if error is not None else code
        return sent_to(await state.sign_ins.answer(provider_state, answered, iss))

    @get("/options", operation_id="GetSignInOptions", summary="How can one sign in here?")
    async def options(self, state: State, service: ServiceContext) -> SignInOptions:
        provider = state.provider
        return SignInOptions(
            provider=provider.name if provider.configured else None, personas=service.environment == LOCAL
        )


async def only_local(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
    """Answers 404 outside the local environment. No setting can change that."""
    del handler
    if connection.app.state.service.environment != LOCAL:
        raise NotFound


class Personas(Controller):
    path = "/personas"
    tags = ("sign-in",)
    guards = (only_local, public)

    @get(
        "/",
        operation_id="ListPersonas",
        summary="Whom one may sign in as, locally",
        responses=not_found("Outside the local environment there are no personas"),
    )
    async def list_personas(self) -> list[Persona]:
        return await queries.PERSONAS.all()

    @post(
        "/{key:str}/sessions", operation_id="SignInAsPersona", summary="Sign in as a persona, locally", status_code=201
    )
    async def sign_in(self, state: State, key: str) -> Response[SessionTokens]:
        account = await queries.PERSONA_ACCOUNT.value(key) if storable(key) else None
        if account is None:
            raise NotFound("There is no such persona; GET /api/identity/personas lists them.")
        return uncached(await state.sessions.start(account, "persona"), status_code=201)
