"""Checks of a resource's address over HTTP: what it answered, and when."""

from uuid import UUID

from litestar import Controller, Request, Response, get, post

from gatehouse_chassis import Actor
from gatehouse_chassis.base.fields import refuse_odd_times
from gatehouse_chassis.http.etags import versioned
from gatehouse_chassis.http.guards import signed_in
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_topics.access import editors
from gatehouse_topics.link_check import queries
from gatehouse_topics.link_check.queries import CHECKS
from gatehouse_topics.link_check.structs import LinkCheckRow, NewLinkCheck, ResourceAfterCheck
from gatehouse_topics.resource.queries import RESOURCE
from gatehouse_topics.resource.structs import ResourceRow


class LinkCheckController(Controller):
    path = "/resources/{id:uuid}/link-checks"
    tags = ("link checks",)

    @get(
        operation_id="ListLinkChecks",
        operation_class=CHECKS.operation,
        summary="Checks of a resource's address, the newest first",
        guards=[signed_in],
    )
    async def list_link_checks(self, request: Request, id: UUID) -> Page[LinkCheckRow]:
        await RESOURCE.get(id)
        return await CHECKS.page(request.query_params, where=[("resource_id = {}", id)])

    @get("/{check_id:uuid}", operation_id="GetLinkCheck", summary="One check of it", guards=[signed_in])
    async def get_link_check(self, id: UUID, check_id: UUID) -> LinkCheckRow:
        return await queries.find(id, check_id)

    @post(
        operation_id="RecordLinkCheck",
        summary="Record a check of a resource's address",
        description="The newest check of the present address says how the link is. No If-Match: checks don't collide.",
        guards=[editors],
    )
    async def record_link_check(
        self, id: UUID, data: NewLinkCheck, actor: Actor, once: Once
    ) -> Response[ResourceAfterCheck]:
        refuse_odd_times(data)
        return await once(queries.record, id, data, actor, named="check_id")

    @post(
        "/{check_id:uuid}/withdraw",
        operation_id="WithdrawLinkCheck",
        summary="Take back a check that was a mistake",
        guards=[editors],
        status_code=200,
    )
    async def withdraw_link_check(self, id: UUID, check_id: UUID, actor: Actor) -> Response[ResourceRow]:
        return versioned(await queries.withdraw(id, check_id, actor))
