"""The area `partners`."""

from pathlib import Path

from gatehouse_portal.areas.partners import finders, format, home, routes
from gatehouse_portal.shell.area import Area, Finder, HomeSection, NavEntry

AREA = Area(
    name="partners",
    folder=Path(__file__).parent,
    navigation=(
        NavEntry(
            name="Partners",
            path="/partners",
            order=25,
            about="Organisations, their contacts and agreements",
            seen_by=routes.SEEN_BY,
            needs=("partner",),
        ),
    ),
    routes=routes.ROUTES,
    finders=(Finder(title="Partners", order=20, seen_by=routes.SEEN_BY, find=finders.partners),),
    filters=format.FILTERS,
    sections=(
        HomeSection(title="Your organisation", order=15, template="partners/home_own.html", load=home.load_own),
        HomeSection(title="Agreements", order=22, template="partners/home_agreements.html", load=home.load_agreements),
        HomeSection(title="Prospects", order=24, template="partners/home_prospects.html", load=home.load_prospects),
    ),
)
