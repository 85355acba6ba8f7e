"""The area `learning`."""

from pathlib import Path

from gatehouse_portal.areas.learning import (
    afterwards,
    assign,
    format,
    go,
    goals,
    home,
    load,
    pace,
    planning,
    routes,
    story,
    together,
)
from gatehouse_portal.shell.area import Area, HomeSection, NavEntry

AREA = Area(
    name="learning",
    folder=Path(__file__).parent,
    navigation=(
        NavEntry(
            name="My curriculum",
            path="/members/{person}",
            order=10,
            about="What you learn now, what comes next, and what you have completed",
            seen_by=("member",),
            needs=("curriculum",),
        ),
    ),
    filters=format.FILTERS,
    routes=(
        *routes.ROUTES,
        *assign.ROUTES,
        *planning.ROUTES,
        *load.ROUTES,
        *pace.ROUTES,
        *go.ROUTES,
        *afterwards.ROUTES,
        *goals.ROUTES,
        *story.ROUTES,
        *together.ROUTES,
    ),
    sections=(HomeSection(title="My way", order=3, template="learning/home.html", load=home.load),),
)
