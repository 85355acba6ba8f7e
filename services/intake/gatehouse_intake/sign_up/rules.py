"""How a sign-up goes on, and what somebody has to decide about one. Pure functions."""

import hashlib
from typing import get_args

import msgspec

from gatehouse_chassis.base.problems import Conflict
from gatehouse_intake.enumerators import SignUpState
from gatehouse_intake.sign_up.structs import SignUp

LIVE: tuple[SignUpState, ...] = ("person", "invited", "welcomed", "scheduled", "introduced")
"""The states in which somebody is on their way: one sign-up of a person at a time."""
STUCK: frozenset[SignUpState] = frozenset({"received", "person", "returning"})
"""The states that a coordinator may have tried again."""
FOLLOWS: dict[SignUpState, frozenset[SignUpState]] = {
    "invited": frozenset({"person"}),
    "welcomed": frozenset({"person", "invited"}),
    "scheduled": frozenset({"person", "invited", "welcomed", "scheduled"}),
    "introduced": frozenset({"person", "invited", "welcomed", "scheduled"}),
    "matched": frozenset(LIVE),
    "timed_out": frozenset({"person", "invited", "welcomed"}),
}
"""Which states something that happens to the person follows; in any other it changes nothing."""
LEFT = frozenset({"timed_out", "inactive", "archived"})
"""How the person service says that somebody is here no longer."""


def stands_after(status: str, *, on_their_way: bool) -> SignUpState:
    """What becomes of a sign-up whose person is known. `on_their_way`: an earlier sign-up of them is."""
    if on_their_way:
        return "duplicate"
    if status in LEFT:
        return "returning"
    return "person" if status == "pending" else "duplicate"


def refuse_retry(sign_up: SignUp) -> None:
    """Raises Conflict where there is nothing to try again."""
    if sign_up.state not in STUCK and sign_up.problem is None:
        raise Conflict(f"This sign-up is {sign_up.state}. Only one that couldn't go on is tried again.")
    if sign_up.email is None and sign_up.source != "squarespace_order":
        raise Conflict("It has no e-mail address: correct it where it came from, and it is taken again.")


def refuse_rejection(sign_up: SignUp) -> None:
    """Raises Conflict for one that has become somebody."""
    if sign_up.state not in ("received", "returning"):
        raise Conflict(f"This sign-up is {sign_up.state}: change the person's status instead.")


def refuse_introduction(sign_up: SignUp, state: SignUpState) -> None:
    """Raises Conflict for a sign-up of nobody, or of somebody who isn't on their way to one."""
    if sign_up.state not in FOLLOWS[state]:
        raise Conflict(f"This sign-up is {sign_up.state}: there is no introduction to agree on.")


def digest_of(*parts: str | None) -> str:
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


assert set(FOLLOWS) < set(get_args(SignUpState))
