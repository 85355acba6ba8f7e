"""The area `library`."""

from pathlib import Path

from gatehouse_portal.areas.library import format, routes
from gatehouse_portal.shell.area import Area, NavEntry

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
    routes=routes.ROUTES,
    filters=format.FILTERS,
)
