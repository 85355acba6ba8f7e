"""The area `certificates`."""

from pathlib import Path

from gatehouse_portal.areas.certificates import achievements, own, proposals, public
from gatehouse_portal.shell.area import Area, HomeSection, NavEntry, ProfileSection

AREA = Area(
    name="certificates",
    folder=Path(__file__).parent,
    navigation=(
        NavEntry(
            name="Certificates",
            path=proposals.PROPOSALS,
            order=24,
            about="What waits for a second person's confirmation",
            seen_by=proposals.SEEN_BY,
            needs=("credential",),
        ),
    ),
    routes=(*public.ROUTES, *proposals.ROUTES, *own.ROUTES, *achievements.ROUTES),
    sections=(
        HomeSection(title="Your certificates", order=6, template="certificates/home_own.html", load=own.load_home),
        HomeSection(
            title="Certificates to confirm", order=21, template="certificates/home.html", load=proposals.load_home
        ),
    ),
    profile=(
        ProfileSection(title="Certificates", order=20, template="certificates/profile.html", load=own.load_profile),
    ),
)
