"""Who sees and changes what of a person, and which statuses follow which. Pure functions: no database, no HTTP."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, Forbidden
from gatehouse_person.enumerators import PersonStatus
from gatehouse_person.person.structs import PRIVATE, Person, PersonRecord
from gatehouse_person.relationships import RelationshipFacts
from gatehouse_person.roles import MENTOR, STAFF

# From -> to. Anyone may be archived, and whoever is can only come back as inactive.
TRANSITIONS: dict[PersonStatus, frozenset[PersonStatus]] = {
    "pending": frozenset({"onboarding", "inactive", "timed_out", "archived"}),
    "onboarding": frozenset({"matching", "hold", "inactive", "timed_out", "archived"}),
    "matching": frozenset({"active", "hold", "inactive", "archived"}),
    "active": frozenset({"hold", "inactive", "archived"}),
    "hold": frozenset({"matching", "active", "inactive", "archived"}),
    "inactive": frozenset({"onboarding", "archived"}),
    "timed_out": frozenset({"pending", "onboarding", "inactive", "archived"}),
    "archived": frozenset({"inactive"}),
}
# In these statuses somebody is to schedule an introduction, or times out.
AWAITS_INTRO = [status for status, after in TRANSITIONS.items() if "timed_out" in after]
# A filter by one of these would tell what the public part doesn't show.
PRIVATE_FILTERS = frozenset({"status", "mentor"})
CONSENT_FILTER = "lacks_consent"
OWN_FIELDS = frozenset({"preferred_name", "phone", "location", "time_zone"})


def shown_to(actor: Actor, person: Person) -> Person:
    """What of a person, whom the caller sees at least in part, they get."""
    own = actor.is_person(person.id) or (actor.has(MENTOR) and actor.is_person(person.mentor_id))
    if own or actor.has(*STAFF):
        return person
    return msgspec.structs.replace(person, view="public", **dict.fromkeys(PRIVATE))


def refuse_change(actor: Actor, person: RelationshipFacts, fields: Iterable[str]) -> None:
    """Raises Forbidden where the caller, who sees the person, may not change one of the fields."""
    if actor.has(*STAFF):
        return
    if not actor.is_person(person.id):
        raise Forbidden("Only the person and the staff change this. Ask a coordinator.")
    others = sorted(set(fields) - OWN_FIELDS)
    if others:
        errors = dict.fromkeys(others, "ask a coordinator to change this")
        raise Forbidden(f"Of yourself you may change {', '.join(sorted(OWN_FIELDS))}.", errors=errors)


def refuse_transition(person: PersonRecord, target: PersonStatus, now: datetime, intro_timeout: timedelta) -> None:
    """Raises Conflict where the person can't get this status (now)."""
    if target == person.status:
        raise Conflict(f"The status is {target} already.")
    allowed = TRANSITIONS[person.status]
    if target not in allowed:
        raise Conflict(f"{person.status} can't become {target}; it can become {', '.join(sorted(allowed))}.")
    if target != "timed_out":
        return
    if person.intro_scheduled_for is not None:
        raise Conflict("An introduction is scheduled, so this person hasn't timed out.")
    due = person.status_changed_at + intro_timeout
    if now < due:
        raise Conflict(f"This person has until {due:%Y-%m-%d %H:%M} UTC to schedule an introduction.")


def refuse_planning(person: PersonRecord) -> None:
    """Raises Conflict for who awaits no introduction, such as one who timed out."""
    if person.status not in AWAITS_INTRO:
        raise Conflict(f"This person is {person.status}, and awaits no introduction.")


def reminder_due(person: PersonRecord) -> bool:
    """Whether somebody, who has waited for long enough, is to be marked for a reminder."""
    return person.status in AWAITS_INTRO and person.intro_scheduled_for is None and person.intro_reminder_at is None
