"""The area `people`."""

from pathlib import Path

from gatehouse_portal.areas.people import finders, home, record, routes
from gatehouse_portal.shell.area import Area, Finder, HomeSection, NavEntry, ProfileSection

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
    routes=(*routes.ROUTES, *record.ROUTES),
    finders=(Finder(title="People", order=10, seen_by=routes.SEEN_BY, find=finders.members),),
    profile=(ProfileSection(title="Record", order=5, template="people/profile_record.html", load=record.load_profile),),
    sections=(
        HomeSection(title="Who waits", order=18, template="people/home_waiting.html", load=home.load_waiting),
        HomeSection(title="Access", order=17, template="people/home_access.html", load=home.load_access),
        HomeSection(title="Consents", order=19, template="people/home_consents.html", load=home.load_consents),
        HomeSection(title="Your members", order=20, template="people/home.html", load=home.load),
    ),
)
