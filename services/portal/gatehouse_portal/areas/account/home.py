"""Home: what is waiting for the reader, in sections that the areas bring, and where else they may go."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request, get
from litestar.response import Template

from gatehouse_chassis.base.actor import Actor
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.area import HomeSection
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Away, or_away


class ShownSection(msgspec.Struct, frozen=True):
    """A section with its values, or with why it can't be shown."""

    title: str
    template: str
    values: Mapping[str, Any]
    away: Away | None = None


@get("/", guards=[guards.person], include_in_schema=False)
async def home(request: Request, actor: Actor) -> Template:
    declared = [section for area in request.app.state.areas for section in area.sections]
    declared.sort(key=lambda section: section.order)
    loaded = await asyncio.gather(*(_shown(section, request, actor) for section in declared))
    return page(request, "account/home.html", sections=[section for section in loaded if section is not None])


async def _shown(section: HomeSection, request: Request[Any, Any, Any], actor: Actor) -> ShownSection | None:
    values = await or_away(section.load(request, actor))
    if values is None:
        return None
    if isinstance(values, Away):
        return ShownSection(section.title, section.template, {}, values)
    return ShownSection(section.title, section.template, values)
