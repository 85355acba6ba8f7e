"""Paths over HTTP: modules, their topics, and those topics' resources as one tree."""

from uuid import UUID

from litestar import Controller, Request, Response, get, patch, post

from gatehouse_chassis import Actor
from gatehouse_chassis.http.etags import IfMatch, has_already, required_version, versioned
from gatehouse_chassis.http.guards import signed_in
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_topics.access import editors
from gatehouse_topics.path import queries
from gatehouse_topics.path.queries import PATH, PATHS
from gatehouse_topics.path.structs import NewPath, PathChange, PathInList, PathRow, PathTree


class PathController(Controller):
    path = "/paths"
    tags = ("paths",)

    @get(operation_id="ListPaths", operation_class=PATHS.operation, summary="List paths", guards=[signed_in])
    async def list_paths(self, request: Request) -> Page[PathInList]:
        return await PATHS.page(request.query_params)

    @get("/{id:uuid}", operation_id="GetPath", summary="Read the whole tree of a path", guards=[signed_in])
    async def get_path(self, request: Request, id: UUID) -> Response[PathTree]:
        row = await PATH.get(id)
        settled = has_already(request, row.version) and await queries.path_settled(id)
        return versioned(await queries.path_tree(row), request if settled else None)

    @post(operation_id="CreatePath", summary="Add a path", guards=[editors])
    async def create_path(self, data: NewPath, actor: Actor, once: Once) -> Response[PathTree]:
        return await once(queries.create_path, data, actor)

    @patch("/{id:uuid}", operation_id="ChangePath", summary="Change a path or its modules", guards=[editors])
    async def change_path(
        self, id: UUID, data: PathChange, actor: Actor, if_match: IfMatch = None
    ) -> Response[PathTree]:
        return versioned(await queries.change_path(id, required_version(if_match), data, actor))

    @post("/{id:uuid}/archive", operation_id="ArchivePath", summary="Archive a path", guards=[editors], status_code=200)
    async def archive_path(self, id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[PathRow]:
        return versioned(await queries.archive_path(id, required_version(if_match), actor))
