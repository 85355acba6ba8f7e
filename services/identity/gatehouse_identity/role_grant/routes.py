"""Role grants over HTTP: who may do what, since when, by whom and why."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post

from gatehouse_chassis import Actor
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import allow, recently
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_identity.role_grant import queries
from gatehouse_identity.role_grant.queries import GRANT, GRANTS
from gatehouse_identity.role_grant.structs import NewRoleGrant, Revocation, RoleGrant

deciders = allow("coordinator", "admin")


class RoleGrantController(Controller):
    path = "/role-grants"
    tags = ("role grants",)
    guards = (deciders,)

    @get(operation_id="ListRoleGrants", summary="Roles that accounts have and had", operation_class=GRANTS.operation)
    async def list_grants(self, request: Request[Any, Any, Any]) -> Page[RoleGrant]:
        return await GRANTS.page(request.query_params)

    @post(
        operation_id="GrantRole",
        summary="Grant a role",
        guards=[recently(deciders)],
        description="An administrator grants every role; a coordinator `member` and `mentor`, and not to themselves.",
    )
    async def grant_role(self, data: NewRoleGrant, actor: Actor, once: Once) -> Response[RoleGrant]:
        return await once(queries.grant_role, data, actor)

    @get("/{id:uuid}", operation_id="GetRoleGrant", summary="A role grant")
    async def get_grant(self, request: Request[Any, Any, Any], id: UUID) -> Response[RoleGrant]:
        return versioned(await GRANT.get(id), request)

    @post(
        "/{id:uuid}/revoke",
        operation_id="RevokeRole",
        summary="Revoke a role",
        guards=[recently(deciders)],
        status_code=200,
    )
    async def revoke_role(
        self, id: UUID, data: Revocation, actor: Actor, if_match: IfMatch = None
    ) -> Response[RoleGrant]:
        return versioned(await queries.revoke_role(id, required_version(if_match), data.reason, actor))
