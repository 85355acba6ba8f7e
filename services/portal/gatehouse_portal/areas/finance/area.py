"""The area `finance`."""

from pathlib import Path

from gatehouse_portal.areas.finance import (
    board,
    budget,
    contractors,
    donor_page,
    entries,
    files,
    format,
    gifts,
    home,
    reports,
    routes,
    taxes,
)
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
    routes=(
        *routes.ROUTES,
        *reports.ROUTES,
        *entries.ROUTES,
        *gifts.ROUTES,
        *donor_page.ROUTES,
        *taxes.ROUTES,
        *contractors.ROUTES,
        *budget.ROUTES,
        *board.ROUTES,
    ),
    filters=format.FILTERS,
    sections=(HomeSection(title="The books", order=21, template="finance/home.html", load=home.load),),
    lifespan=files.patient,
)
