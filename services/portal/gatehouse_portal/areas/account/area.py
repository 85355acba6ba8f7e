"""The area `account`."""

from pathlib import Path

from gatehouse_portal.areas.account import consents, home, invitation, mails, reads, routes, settings
from gatehouse_portal.shell.area import Area, NavEntry

AREA = Area(
    name="account",
    folder=Path(__file__).parent,
    navigation=(NavEntry(name="Home", path="/", order=0),),
    routes=(
        home.home,
        reads.reads,
        consents.consents,
        consents.give,
        consents.withdraw,
        invitation.welcome,
        invitation.accept,
        *mails.ROUTES,
        *settings.ROUTES,
        *routes.ROUTES,
    ),
)
