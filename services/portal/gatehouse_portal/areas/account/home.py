"""Home: what is waiting for the reader, in sections that the areas bring, and where else they may go."""

from litestar import Request, get
from litestar.response import Template

from gatehouse_chassis.base.actor import Actor
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.area import shown_sections
from gatehouse_portal.shell.page import page


@get("/", guards=[guards.person], include_in_schema=False)
async def home(request: Request, actor: Actor) -> Template:
    declared = [section for area in request.app.state.areas for section in area.sections]
    sections = await shown_sections(declared, lambda section: section.load(request, actor))
    return page(request, "account/home.html", sections=sections)
