"""The area `encounters`."""

from pathlib import Path

from gatehouse_portal.areas.encounters import amendments, handover, home, routes, scripts, timeline
from gatehouse_portal.areas.encounters.format import FILTERS
from gatehouse_portal.shell.area import Area, HomeSection, NavEntry, ProfileSection

AREA = Area(
    name="encounters",
    folder=Path(__file__).parent,
    navigation=(
        NavEntry(
            name="Scripts",
            path="/scripts",
            order=45,
            about="What is talked about at meetings",
            seen_by=scripts.READERS,
            needs=("encounter",),
        ),
    ),
    routes=(*routes.ROUTES, *amendments.ROUTES, *handover.ROUTES, *scripts.ROUTES),
    filters=FILTERS,
    sections=(
        HomeSection(title="Your next meeting", order=5, template="encounters/home_mentor.html", load=home.load_mentor),
        HomeSection(title="Your meetings", order=12, template="encounters/home_member.html", load=home.load_member),
    ),
    profile=(ProfileSection(title="Encounters", order=10, template="encounters/timeline.html", load=timeline.load),),
)
