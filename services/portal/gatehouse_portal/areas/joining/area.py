"""The area `joining`."""

from pathlib import Path

from gatehouse_portal.areas.joining import board, introductions, matching, mentoring, mentors, routes
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
        NavEntry(
            name="Matching",
            path="/joining/matching",
            order=16,
            about="Mentors with room, and members who wait",
            seen_by=board.SEEN_BY,
            needs=("intake",),
        ),
        NavEntry(
            name="Mentoring",
            path="/mentoring",
            order=22,
            about="How many members you take, and when you have time",
            seen_by=("mentor",),
            needs=("intake",),
        ),
    ),
    routes=(*routes.ROUTES, *mentors.ROUTES, *board.ROUTES, *matching.ROUTES, *mentoring.ROUTES, *introductions.ROUTES),
    filters=FILTERS,
    sections=(
        HomeSection(
            title="Your introduction",
            order=2,
            template="joining/home_candidate.html",
            load=introductions.load_candidate,
        ),
        HomeSection(title="Mentoring", order=12, template="joining/home_mentor.html", load=mentoring.load_home),
        HomeSection(title="Matching", order=15, template="joining/home_matching.html", load=matching.load_home),
        HomeSection(title="Joining", order=16, template="joining/home.html", load=board.load_home),
    ),
)
