"""The area `finance`."""

from pathlib import Path

from gatehouse_portal.areas.finance import files, format, home, routes
from gatehouse_portal.shell.area import Area, HomeSection, NavEntry

AREA = Area(
    name="finance",
    folder=Path(__file__).parent,
    navigation=(
        NavEntry(
            name="Books",
            path="/books",
            order=23,
            about="Bank files, lines to reconcile, months to close and reports",
            seen_by=routes.SEEN_BY,
            needs=("ledger",),
        ),
    ),
    routes=routes.ROUTES,
    filters=format.FILTERS,
    sections=(HomeSection(title="The books", order=21, template="finance/home.html", load=home.load),),
    lifespan=files.patient,
)
