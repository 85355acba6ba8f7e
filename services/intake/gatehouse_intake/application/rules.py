"""When an application may be confirmed and decided, and how many mails it may cause. Pure functions."""

from collections.abc import Iterable
from datetime import timedelta

from gatehouse_chassis.base.problems import Conflict, Invalid
from gatehouse_intake.application.structs import AgreedConsent, Application
from gatehouse_intake.enumerators import ApplicationState

MOST_MAILS = 5
"""To one address within a day, however many forms name it."""
A_DAY = timedelta(hours=24)
UNCONFIRMED_FOR = timedelta(days=7)
KEPT: dict[ApplicationState, timedelta] = {"unconfirmed": UNCONFIRMED_FOR, "declined": timedelta(days=365)}
"""After which time they are deleted; source: the institute's defaults, "Retention"."""


NEEDED_CONSENTS = ("code_of_conduct", "data_processing")


def refuse_without_consents(consents: Iterable[AgreedConsent]) -> None:
    """Raises Invalid unless they agree to what every mentor agrees to."""
    given = {one.kind for one in consents}
    missing = {kind: "has to be agreed to" for kind in NEEDED_CONSENTS if kind not in given}
    if missing:
        raise Invalid(missing)


def refuse_decision(application: Application) -> None:
    """Raises Conflict for one whose address isn't confirmed, or that was decided."""
    if application.state != "confirmed":
        raise Conflict(f"This application is {application.state}: only a confirmed one is decided.")


def refuse_link(application: Application) -> None:
    if application.state != "unconfirmed":
        raise Conflict(f"This application is {application.state} already.")
