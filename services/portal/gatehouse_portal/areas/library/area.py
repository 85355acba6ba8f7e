"""The area `library`."""

from pathlib import Path

from gatehouse_portal.areas.library import finders, format, links, paste, resource, routes
from gatehouse_portal.shell.area import Area, Finder, NavEntry

AREA = Area(
    name="library",
    folder=Path(__file__).parent,
    navigation=(
        NavEntry(
            name="Resources",
            path="/resources",
            order=30,
            about="Articles, books, videos and courses, to search",
            needs=("topics",),
        ),
        NavEntry(
            name="Paths", path="/paths", order=40, about="Step-by-step paths through the resources", needs=("topics",)
        ),
    ),
    routes=(*routes.ROUTES, *paste.ROUTES, *links.ROUTES, *resource.ROUTES),
    finders=(
        Finder(title="Resources", order=30, find=finders.resources),
        Finder(title="Paths", order=40, find=finders.paths),
    ),
    filters=format.FILTERS,
)
