"""The navigation: what the areas declare, as far as the reader may open it."""

from collections.abc import Iterable

import msgspec

from gatehouse_catalog.structs import Service
from gatehouse_chassis.base.actor import Actor
from gatehouse_portal.shell.area import Area, NavEntry


class NavItem(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the navigation for one reader. `current`: "page", "true" (a page below it) or empty."""

    name: str
    path: str
    about: str = ""
    needs: tuple[str, ...] = ()
    current: str = ""


class Navigation:
    """The entries of all areas, and after them those of the single-page applications."""

    def __init__(self, areas: Iterable[Area], apps: Iterable[Service] = ()) -> None:
        entries = [entry for area in areas for entry in area.navigation]
        last = max((entry.order for entry in entries), default=0)
        entries += [
            NavEntry(
                name=app.name.replace("-", " ").capitalize(), path=f"{app.path}/", about=app.summary, order=last + 1
            )
            for app in apps
        ]
        self._entries = sorted(entries, key=lambda entry: entry.order)

    def items(self, actor: Actor | None, path: str = "") -> list[NavItem]:
        """What this reader may open; the entry that `path` belongs to is marked as current."""
        if actor is None:
            return []
        items = [
            NavItem(name=entry.name, path=entry.address_for(actor), about=entry.about, needs=entry.needs)
            for entry in self._entries
            if entry.visible_to(actor)
        ]
        return [msgspec.structs.replace(item, current=_current(item, items, path)) for item in items]


def _current(item: NavItem, items: Iterable[NavItem], path: str) -> str:
    """A page belongs to the entry whose address is the longest part of its own: /members/7 may have one itself."""
    closest = max((other.path for other in items if _below(path, other.path)), key=len, default=None)
    if item.path != closest:
        return ""
    return "page" if path == item.path else "true"


def _below(path: str, root: str) -> bool:
    return path == root or (root != "/" and path.startswith(f"{root.rstrip('/')}/"))
