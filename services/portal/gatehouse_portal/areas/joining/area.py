"""The area `joining`."""

from pathlib import Path

from gatehouse_portal.areas.joining import board, mentors, routes
from gatehouse_portal.areas.joining.view import FILTERS
from gatehouse_portal.shell.area import Area, HomeSection, NavEntry

AREA = Area(
    name="joining",
    folder=Path(__file__).parent,
    navigation=(
        NavEntry(
            name="Joining",
            path="/joining",
            order=15,
            about="Who wants to learn here, and how far they are",
            seen_by=board.SEEN_BY,
            needs=("intake",),
        ),
    ),
    routes=(*routes.ROUTES, *mentors.ROUTES, *board.ROUTES),
    filters=FILTERS,
    sections=(HomeSection(title="Joining", order=16, template="joining/home.html", load=board.load_home),),
)
