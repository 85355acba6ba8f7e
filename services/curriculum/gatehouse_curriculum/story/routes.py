"""The growth story over HTTP: as a PDF to show, as Markdown to go on with. Nobody keeps it on the way."""

from functools import cache
from importlib.resources import files
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Controller, Response, get
from litestar.params import QueryParameter

from gatehouse_chassis import Actor
from gatehouse_chassis.documents.pdf import render
from gatehouse_chassis.http.guards import signed_in
from gatehouse_curriculum.access import Access
from gatehouse_curriculum.curriculum.queries import assignments_of, find
from gatehouse_curriculum.goal.queries import goals_of
from gatehouse_curriculum.story.rules import markdown_of, story_of
from gatehouse_curriculum.tables import DB

StoryFormat = Annotated[Literal["md", "pdf"], QueryParameter(description="md or pdf")]
UNCACHED = {"Cache-Control": "no-store"}


class StoryController(Controller):
    path = "/curricula/{person_id:uuid}"
    tags = ("way",)

    @get(
        "/growth-story",
        operation_id="GetGrowthStory",
        summary="What the member learned, month by month, as a PDF or as Markdown",
        guards=[signed_in],
        description="`format=pdf` answers application/pdf, `format=md` text/markdown.",
        media_type="*/*",
    )
    async def growth_story(
        self, person_id: UUID, actor: Actor, access: Access, format: StoryFormat = "pdf"
    ) -> Response[bytes]:
        await access.require(actor, person_id, "read")
        row = await find(person_id)
        name = await access.name(actor, person_id)
        done = [one for one in await assignments_of(row.id) if one.state == "completed"]
        at = await DB.now()
        story = story_of(name, done, await goals_of(row.id), at)
        named = {"Content-Disposition": f'attachment; filename="growth-story.{format}"'}
        if format == "md":
            return Response(markdown_of(story).encode(), media_type="text/markdown", headers=UNCACHED | named)
        made = await render(_template(), msgspec.to_builtins(story), at=at)
        return Response(made.content, media_type="application/pdf", headers=UNCACHED | named)


@cache
def _template() -> bytes:
    return files("gatehouse_curriculum.story").joinpath("story.typ").read_bytes()
