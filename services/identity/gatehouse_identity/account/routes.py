"""Accounts over HTTP, and who the caller is."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, patch, post
from msgspec.structs import replace

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import allow, recently, signed_in
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_identity.account import queries
from gatehouse_identity.account.queries import ACCOUNTS
from gatehouse_identity.account.structs import Account, AccountChange, Me, NewAccount
from gatehouse_identity.responses import not_found

coordinators = allow("coordinator", "admin")
administrators = allow("admin")


@get(
    "/me",
    operation_id="GetMe",
    summary="Who am I?",
    guards=[signed_in],
    tags=["accounts"],
    responses=not_found("The token's account no longer exists"),
)
async def get_me(actor: Actor) -> Me:
    if actor.kind == "service":
        me = await queries.SERVICE_ME.one(actor.account)
    else:
        me = await queries.ME.one(actor.account)
    if me is None:
        raise NotFound("The token's account no longer exists.")
    return replace(me, session_id=actor.session)


class AccountController(Controller):
    path = "/accounts"
    tags = ("accounts",)

    @get(
        operation_id="ListAccounts",
        summary="Who may sign in",
        guards=[coordinators],
        operation_class=ACCOUNTS.operation,
    )
    async def list_accounts(self, request: Request[Any, Any, Any]) -> Page[Account]:
        return await ACCOUNTS.page(request.query_params)

    @post(operation_id="CreateAccount", summary="Let someone sign in", guards=[coordinators])
    async def create_account(self, data: NewAccount, actor: Actor, once: Once) -> Response[Account]:
        return await once(queries.create_account, data, actor)

    @get("/{id:uuid}", operation_id="GetAccount", summary="An account and its roles", guards=[coordinators])
    async def get_account(self, id: UUID) -> Response[Account]:
        # Never 304: roles and the last sign-in change without a new version of the account.
        return versioned(await queries.read_account(id))

    @patch("/{id:uuid}", operation_id="ChangeAccount", summary="Change an account", guards=[recently(administrators)])
    async def change_account(
        self, id: UUID, data: AccountChange, actor: Actor, if_match: IfMatch = None
    ) -> Response[Account]:
        return versioned(await queries.change_account(id, required_version(if_match), data, actor))

    @post(
        "/{id:uuid}/archive",
        operation_id="ArchiveAccount",
        summary="Let someone sign in no more, and end all sessions",
        guards=[recently(administrators)],
        status_code=200,
    )
    async def archive_account(self, id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[Account]:
        return versioned(await queries.archive_account(id, required_version(if_match), actor))

    @post(
        "/{id:uuid}/restore",
        operation_id="RestoreAccount",
        summary="Let someone sign in again",
        guards=[recently(administrators)],
        status_code=200,
    )
    async def restore_account(self, id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[Account]:
        return versioned(await queries.restore_account(id, required_version(if_match), actor))
