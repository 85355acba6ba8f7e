"""Signing in as a persona, in the local environment only."""

from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler
from litestar.params import Parameter

from gatehouse_chassis.base.actor import EVERY_SERVICE
from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.http.guards import public
from gatehouse_chassis.lists.filters import storable
from gatehouse_identity.persona import queries
from gatehouse_identity.persona.structs import Persona
from gatehouse_identity.responses import not_found, uncached
from gatehouse_identity.session.structs import SessionTokens
from gatehouse_identity.token_exchange.structs import ServiceName


async def only_local(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
    """Answers 404 outside the local environment. No setting can change that."""
    del handler
    if connection.app.state.service.environment != "local":
        raise NotFound


class PersonaController(Controller):
    path = "/personas"
    tags = ("sign-in",)
    guards = (only_local, public)

    @get(
        operation_id="ListPersonas",
        summary="Whom one may sign in as, locally",
        responses=not_found("Outside the local environment there are no personas"),
    )
    async def list_personas(self) -> list[Persona]:
        return await queries.PERSONAS.all()

    @post(
        "/{key:str}/sessions", operation_id="SignInAsPersona", summary="Sign in as a persona, locally", status_code=201
    )
    async def sign_in(
        self,
        state: State,
        key: str,
        audience: Annotated[
            ServiceName, Parameter(description="Whom the access token is for; every service where it isn't given")
        ] = EVERY_SERVICE,
    ) -> Response[SessionTokens]:
        account = await queries.PERSONA_ACCOUNT.value(key) if storable(key) else None
        if account is None:
            raise NotFound("There is no such persona; GET /api/identity/personas lists them.")
        return uncached(await state.sessions.start(account, "persona", audience=audience), status_code=201)
