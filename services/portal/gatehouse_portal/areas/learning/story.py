"""A member's growth story, as a file."""

from uuid import UUID

from litestar import Response, get
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.problems import NotFound
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.peers import Peers

FORMATS = {"pdf": "application/pdf", "md": "text/markdown; charset=utf-8"}


@get("/members/{person_id:uuid}/growth-story/{format:str}", guards=[guards.person], include_in_schema=False)
async def growth_story(peers: Peers, person_id: UUID, format: str) -> Response[bytes]:
    if format not in FORMATS:
        raise NotFound
    path = f"/api/curriculum/curricula/{person_id}/growth-story"
    content = await peers.content("curriculum", "GET", path, params={"format": format})
    headers = {"Content-Disposition": f'attachment; filename="growth-story.{format}"', "Cache-Control": "no-store"}
    return Response(content, media_type=FORMATS[format], headers=headers)


ROUTES: tuple[ControllerRouterHandler, ...] = (growth_story,)
