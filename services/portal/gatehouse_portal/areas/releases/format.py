"""Releases and their records in words, for templates."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from gatehouse_portal.shell.format import span
from gatehouse_release import records
from gatehouse_release.model import ENVIRONMENTS, Reason, Record

FIELDS = (
    "action",
    "environment",
    "domain",
    "services",
    "record",
    "fingerprint",
    "digest",
    "reason",
    "until",
    "break_glass",
    "approved_plans",
    "accepted_tests",
)
VERBS = {
    "approve": "Approve",
    "apply": "Go live with",
    "hold": "Hold in",
    "lift": "Lift in",
    "veto": "Veto in",
    "freeze": "Freeze",
    "unfreeze": "Unfreeze",
    "verify": "Verify",
    "accept-tests": "Accept the black-box run for",
}
WORDS = {"proposed": "Waiting for approvals", "applying": "Being applied", "reverted": "Failed, rolled back"}
# What each state of a record means to somebody who waits for it.
STATES = {
    "proposed": "Waiting for approvals",
    "approved": "Approved, waiting to be applied",
    "applying": "Being applied",
    "verified": "Verified: running as recorded",
    "failed": "Failed",
    "reverted": "Failed and rolled back",
}
CHIPS = {"proposed": "lamp", "approved": "lamp", "applying": "lamp", "verified": "good", "failed": "bad"}
# The way of a promotion that needs approvals, and of one that doesn't.
LONG_WAY = ("proposed", "approved", "applying", "verified")
SHORT_WAY = ("applying", "verified")
# What stands in the way of a button, in a few words; the preview has all of it.
BLOCKED = {
    "being-promoted": "being promoted right now",
    "already-proposed": "proposed already, see what is under way",
    "black-box": "the black-box suite hasn’t passed in {source}",
    "not-seen-together": "this set hasn’t been verified in {source}",
    "hold": "held in {target}",
    "window": "closed until its next window",
    "freeze": "{target} is frozen",
    "unreadable": "its records can’t be read",
}
FEW = 3  # names in a title
ADDRESS = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def short(digest: str) -> str:
    """`1f3a9c2` of a digest."""
    return digest.removeprefix("sha256:")[:7]


def place(environment: str) -> str:
    """An environment's name as people write it: `Test`."""
    return environment.capitalize()


def title(action: str, environment: str, domain: str = "", record: Record | None = None) -> str:
    """What somebody is about to do."""
    if action == "promote":
        if environment == ENVIRONMENTS[-1]:
            return "Go-Live"
        return f"Promote {domain or 'everything'} to {place(environment)}"
    if action == "rollback":
        return f"Roll {place(environment)} back"
    if action in ("approve", "apply") and record is not None:
        return f"{VERBS[action]} the set that {person_name(record.by)} proposed for {place(environment)}"
    return f"{VERBS.get(action, action)} {place(environment)}"


def record_title(record: Record) -> str:
    """What a record did, or is about to."""
    if record.kind == "rollback":
        return f"Rollback of {place(record.environment)}"
    if record.kind == "promotion":
        names = sorted(record.services)
        what = ", ".join(names) if len(names) <= FEW else f"{len(names)} services"
        return f"{what} to {place(record.environment)}"
    if record.kind == "verification":
        return f"Verification of {place(record.environment)}"
    if record.kind == "acceptance":
        return f"Black-box run of {record.service} accepted for {place(record.environment)}"
    what = {"lift": "Lifting a brake", "hold": f"Hold on {record.service}"}.get(record.kind, record.kind.capitalize())
    return f"{what} in {place(record.environment)}"


def way(record: Record) -> list[tuple[str, str]]:
    """The states of a record's way, each `done`, `here` or `ahead`."""
    passed = [step.state for step in record.history]
    whole = list(LONG_WAY if "proposed" in passed else SHORT_WAY)
    if passed and passed[-1] in ("failed", "reverted"):
        whole = list(dict.fromkeys(passed))
    current = record.state
    found, ahead = [], False
    for state in whole:
        found.append((state, "ahead" if ahead else "here" if state == current else "done"))
        ahead = ahead or state == current
    return found


def key_of(record_id: str) -> str:
    return records.key_of(record_id)


def any_of(mine: Iterable[str], wanted: Iterable[str]) -> bool:
    return not frozenset(mine).isdisjoint(wanted)


def person_name(requester: str) -> str:
    """`Kofi Mensah` of kofi.mensah@example.org; a bot's name stays as it is."""
    name, at, _ = requester.partition("@")
    return " ".join(word.capitalize() for word in name.split(".")) if at and name else requester


def role_names(roles: Iterable[str]) -> str:
    """`engineers, testers and SREs`. Automation is nobody who reads a page."""
    plural = {"sre": "SREs", "board": "board members", "staff": "staff"}
    names = [plural.get(role, f"{role.replace('-', ' ')}s") for role in roles if role != "automation"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def blocked_words(reason: Reason, source: str, target: str) -> str:
    """Why a choice can't go in, in a few words."""
    words = BLOCKED.get(reason.rule, sentence(reason.message).rstrip("."))
    return words.format(source=place(source), target=place(target))


def zoned(moment: datetime, zone: str) -> str:
    """`1 Jan 2099, 08:00 (Europe/Berlin)`: in the reader's zone."""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b %Y, %H:%M} ({zone})"


def ago(moment: datetime, now: datetime) -> str:
    """`3 min ago`, by the clock that decides: a rehearsal's may be ahead."""
    return f"{span((now - moment).total_seconds())} ago"


def sentence(text: str) -> str:
    """A reason of the core for a page: names for mail addresses, and a capital letter first."""
    named = ADDRESS.sub(lambda found: person_name(found[0]), text)
    return named[:1].upper() + named[1:]


FILTERS: dict[str, Callable[..., Any]] = {
    "short": short,
    "place": place,
    "key_of": key_of,
    "way": way,
    "sentence": sentence,
    "titled": record_title,
    "any_of": any_of,
    "person_name": person_name,
    "role_names": role_names,
    "zoned": zoned,
    "ago": ago,
    "record_state": lambda state: STATES.get(state or "", state or ""),
    "record_word": lambda state: WORDS.get(state or "", (state or "").capitalize()),
    "record_chip": lambda state: CHIPS.get(state or "", "bad" if state == "reverted" else ""),
}
