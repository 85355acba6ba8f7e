"""What an area of the portal declares about itself. app.py mounts every area it finds; the shell knows none by name.

An area is a folder below `areas/` with an `area.py` that sets `AREA`. Its templates are in `templates/` (a template of
the area `people` is named `people/<file>`), its style sheet is `<name>.css` beside it. See ../../README.md.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from litestar import Litestar, Request
from litestar.types import ControllerRouterHandler

from gatehouse_chassis import ServiceContext
from gatehouse_chassis.base.actor import Actor
from gatehouse_portal.shell.peers import Away, or_away

OWN = "{person}"


class NavEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the navigation, shown to who may open it.

    Attributes:
        path: `{person}` stands for the reader's own person; such an entry is for people who hold one of the roles
            themselves, not for an admin, who has every role.
        order: entries are sorted by it.
        seen_by: roles of which one suffices; empty for everybody who is signed in.
        needs: services without which the page can't be shown.
    """

    name: str
    path: str
    order: int
    about: str = ""
    seen_by: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    def visible_to(self, actor: Actor) -> bool:
        if OWN in self.path:
            return actor.person is not None and not actor.roles.isdisjoint(self.seen_by)
        return not self.seen_by or actor.has(*self.seen_by)

    def address_for(self, actor: Actor) -> str:
        return self.path.replace(OWN, str(actor.person))


class HomeSection(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the home page.

    Attributes:
        title: names the section where it can't be shown ("Your members can’t be shown right now").
        order: sections are sorted by it.
        template: rendered with what `load` returned.
        load: the template's values, or None where the section isn't for this person. May raise Away.
    """

    title: str
    order: int
    template: str
    load: Callable[[Request[Any, Any, Any], Actor], Awaitable[Mapping[str, Any] | None]]


class ProfileSection(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a person's page. As HomeSection; `load` also gets whose page it is."""

    title: str
    order: int
    template: str
    load: Callable[[Request[Any, Any, Any], Actor, UUID], Awaitable[Mapping[str, Any] | None]]


class ShownSection(msgspec.Struct, frozen=True):
    """A section with its values, or with why it can't be shown."""

    title: str
    template: str
    values: Mapping[str, Any]
    away: Away | None = None


async def shown_sections(
    sections: Iterable[HomeSection | ProfileSection], answers: Callable[[Any], Awaitable[Mapping[str, Any] | None]]
) -> list[ShownSection]:
    """Those that are for the reader, in their order, loaded at once. `answers`: calls a section's `load`."""

    async def one(section: HomeSection | ProfileSection) -> ShownSection | None:
        values = await or_away(answers(section))
        if values is None:
            return None
        if isinstance(values, Away):
            return ShownSection(section.title, section.template, {}, values)
        return ShownSection(section.title, section.template, values)

    ordered = sorted(sections, key=lambda section: section.order)
    return [found for found in await asyncio.gather(*map(one, ordered)) if found is not None]


class SearchHit(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was found by its name. `path` may be an address elsewhere, which opens in a new tab."""

    name: str
    path: str
    about: str = ""

    @property
    def elsewhere(self) -> bool:
        return not self.path.startswith("/")


class Finder(msgspec.Struct, frozen=True, kw_only=True):
    """Finds things of an area by their name, for the command palette.

    Attributes:
        title: heads what it found ("People").
        order: kinds are sorted by it.
        seen_by: roles of which one suffices; empty for everybody who is signed in.
        find: at most so many hits for a text. May raise Away.
    """

    title: str
    order: int
    seen_by: tuple[str, ...] = ()
    find: Callable[[Request[Any, Any, Any], Actor, str, int], Awaitable[list[SearchHit]]]


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """The pages of one domain.

    Attributes:
        name: also the prefix of its templates and the name of its style sheet.
        folder: where its templates and its style sheet are; the folder of its area.py.
        routes: Litestar handlers, each with a guard of shell.guards.
        filters: template filters by name; no two areas may share a name.
        sections: its parts of the home page.
        profile: its parts of a person's page.
        finders: what of it the command palette finds.
        lifespan: opens what its pages need while the application runs, and puts it into `app.state`.
    """

    name: str
    folder: Path
    routes: tuple[ControllerRouterHandler, ...]
    navigation: tuple[NavEntry, ...] = ()
    filters: Mapping[str, Callable[..., Any]] = {}
    sections: tuple[HomeSection, ...] = ()
    profile: tuple[ProfileSection, ...] = ()
    finders: tuple[Finder, ...] = ()
    lifespan: Callable[[ServiceContext, Litestar], AbstractAsyncContextManager[None]] | None = None
