"""The area `mail`: what is new, which mails one wants, mails to look at, and locally the mailbox."""

from pathlib import Path

from gatehouse_portal.areas.mail import home, routes
from gatehouse_portal.shell.area import Area, HomeSection

AREA = Area(
    name="mail",
    folder=Path(__file__).parent,
    routes=routes.ROUTES,
    sections=(
        HomeSection(title="What is new", order=5, template="mail/home_news.html", load=home.load_news),
        HomeSection(title="Mails to look at", order=19, template="mail/home_unsettled.html", load=home.load_unsettled),
    ),
)
