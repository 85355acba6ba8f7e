"""Resources over HTTP."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, Request, Response, get, patch, post
from litestar.params import Parameter

from gatehouse_chassis import Actor
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import signed_in
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_topics.access import editors
from gatehouse_topics.fetch.fetcher import Fetcher
from gatehouse_topics.resource import queries
from gatehouse_topics.resource.preview import preview_of
from gatehouse_topics.resource.queries import RESOURCE, RESOURCES, RESOURCES_BY_ID
from gatehouse_topics.resource.structs import (
    ImportLinks,
    ImportResult,
    LinkPreview,
    NewResource,
    RatedResource,
    ResourceChange,
    ResourceRow,
    Twins,
)
from gatehouse_topics.tables import DB


class ResourceController(Controller):
    path = "/resources"
    tags = ("resources",)

    @get(
        operation_id="ListResources", operation_class=RESOURCES.operation, summary="List resources", guards=[signed_in]
    )
    async def list_resources(self, request: Request) -> Page[RatedResource]:
        listing = RESOURCES_BY_ID if "id" in request.query_params else RESOURCES
        return await listing.page(request.query_params)

    @get("/{id:uuid}", operation_id="GetResource", summary="Read a resource", guards=[signed_in])
    async def get_resource(self, request: Request, id: UUID) -> Response[ResourceRow]:
        return versioned(await RESOURCE.get(id), request)

    @post(operation_id="CreateResource", summary="Add a resource", guards=[editors])
    async def create_resource(self, data: NewResource, actor: Actor, once: Once) -> Response[ResourceRow]:
        return await once(queries.create_resource, data, actor)

    @patch("/{id:uuid}", operation_id="ChangeResource", summary="Change a resource", guards=[editors])
    async def change_resource(
        self, id: UUID, data: ResourceChange, actor: Actor, if_match: IfMatch = None
    ) -> Response[ResourceRow]:
        return versioned(await queries.change_resource(id, required_version(if_match), data, actor))

    @post(
        "/{id:uuid}/archive",
        operation_id="ArchiveResource",
        summary="Archive a resource: topics and paths leave it out from then on",
        guards=[editors],
        status_code=200,
    )
    async def archive_resource(self, id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[ResourceRow]:
        return versioned(await queries.archive_resource(id, required_version(if_match), actor))


class LinkController(Controller):
    """Addresses of resources, compared by what they lead to."""

    path = "/links"
    tags = ("resources",)

    @get(
        operation_id="FindResourcesByLink",
        summary="The current resource that an address leads to, however it is written; an empty list without one",
        guards=[signed_in],
    )
    async def find_by_link(self, url: Annotated[str, Parameter(min_length=1, max_length=2083)]) -> list[ResourceRow]:
        return await queries.resources_at(url)

    @post(
        "/import",
        operation_id="ImportLinks",
        summary="Add a list of links as resources: each that leads where none does",
        description="The same list again adds nothing. All of it, or none.",
        guards=[editors],
        status_code=200,
    )
    async def import_links(self, data: ImportLinks, actor: Actor) -> ImportResult:
        async with DB.transaction():
            return await queries.import_links(data, actor)

    @get(
        "/preview",
        operation_id="PreviewLink",
        summary="What the page at an address says of itself; asks only addresses of the public Internet",
        guards=[editors],
    )
    async def preview_link(
        self, url: Annotated[str, Parameter(min_length=1, max_length=2083)], fetcher: Fetcher
    ) -> LinkPreview:
        return await preview_of(url, fetcher)

    @get(
        "/twins",
        operation_id="ListTwins",
        summary="Resources whose addresses lead to the same page",
        guards=[signed_in],
    )
    async def list_twins(self) -> list[Twins]:
        return await queries.twins()
