"""When an application may be confirmed and decided, and how many mails it may cause. Pure functions."""

from datetime import timedelta

from gatehouse_chassis.base.problems import Conflict
from gatehouse_intake.application.structs import Application
from gatehouse_intake.enumerators import ApplicationState

MOST_MAILS = 5
"""To one address within a day, however many forms name it."""
A_DAY = timedelta(hours=24)
UNCONFIRMED_FOR = timedelta(days=7)
KEPT: dict[ApplicationState, timedelta] = {"unconfirmed": UNCONFIRMED_FOR, "declined": timedelta(days=365)}
"""After which time they are deleted; source: the institute's defaults, "Retention"."""


def refuse_decision(application: Application) -> None:
    """Raises Conflict for one whose address isn't confirmed, or that was decided."""
    if application.state != "confirmed":
        raise Conflict(f"This application is {application.state}: only a confirmed one is decided.")


def refuse_link(application: Application) -> None:
    if application.state != "unconfirmed":
        raise Conflict(f"This application is {application.state} already.")
