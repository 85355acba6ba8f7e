"""The area `people`."""

from pathlib import Path

from gatehouse_portal.areas.people import home, routes
from gatehouse_portal.shell.area import Area, HomeSection, NavEntry

AREA = Area(
    name="people",
    folder=Path(__file__).parent,
    navigation=(
        NavEntry(
            name="Members",
            path="/members",
            order=20,
            about="The people and their curricula",
            seen_by=routes.SEEN_BY,
            needs=("person",),
        ),
    ),
    routes=routes.ROUTES,
    sections=(HomeSection(title="Your members", order=20, template="people/home.html", load=home.load),),
)
