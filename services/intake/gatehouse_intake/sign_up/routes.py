"""Sign-ups over HTTP: what coordinators see and decide."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post

from gatehouse_chassis import Actor
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import allow
from gatehouse_chassis.lists.listing import Page
from gatehouse_intake.access import COORDINATORS
from gatehouse_intake.sign_up import queries
from gatehouse_intake.sign_up.queries import SIGN_UP, SIGN_UPS
from gatehouse_intake.sign_up.structs import ListedSignUp, SignUp


class SignUpController(Controller):
    path = "/sign-ups"
    tags = ("sign-ups",)
    guards = (allow(*COORDINATORS),)

    @get(operation_id="ListSignUps", operation_class=SIGN_UPS.operation, summary="Who wants to learn here")
    async def list_sign_ups(self, request: Request[Any, Any, Any]) -> Page[ListedSignUp]:
        return await SIGN_UPS.page(request.query_params)

    @get("/{id:uuid}", operation_id="GetSignUp", summary="One sign-up")
    async def get_sign_up(self, request: Request[Any, Any, Any], id: UUID) -> Response[SignUp]:
        return versioned(await SIGN_UP.get(id), request)

    @post("/{id:uuid}/retry", operation_id="RetrySignUp", status_code=200, summary="Have a sign-up go on that couldn't")
    async def retry(self, id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[SignUp]:
        return versioned(await queries.try_again(id, required_version(if_match), actor))

    @post(
        "/{id:uuid}/reject", operation_id="RejectSignUp", status_code=200, summary="Say that it is no sign-up, but spam"
    )
    async def reject(self, id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[SignUp]:
        return versioned(await queries.reject(id, required_version(if_match), actor))
