"""What somebody can do to an item of a curriculum: the words for it, the commands behind it, and how it is undone.

An undo is a few commands of the service, one after the other: `reopen`, `move:next:3`. A form carries them as text, so
they are read as strictly as everything else that a browser sends.
"""

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from gatehouse_chassis.base.problems import Invalid
from gatehouse_portal.enumerators import VALUES

STEP = re.compile(
    r"(start|unstart|complete|reopen|stop|restore|decline)|move:(later|next|now):(\d{1,4})|propose:(now|next|later|remove)",
    re.ASCII,
)
MOST_STEPS = 2
CommandName = Literal[
    "start", "unstart", "complete", "reopen", "stop", "unassign", "restore", "accept", "decline", "move"
]


class MoveTo(msgspec.Struct, frozen=True):
    """The body of `move`. Without a position, to the end."""

    state: str
    position: int | None = None


class Command(msgspec.Struct, frozen=True):
    """A command of curriculum about one assignment. `to` is its body."""

    name: CommandName
    to: MoveTo | None = None


class Proposal(msgspec.Struct, frozen=True):
    """The command of curriculum by which a member proposes something about one assignment."""

    change: str


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """Attributes:
    label: the button; `again`: the button that offers it once more after a conflict.
    done: what the toast says afterwards. `{name}` is the resource's.
    states: the states from which it makes sense.
    """

    label: str
    done: str
    again: str
    states: tuple[str, ...]


UNFINISHED = ("now", "next", "later")
ACTIONS: Mapping[str, Action] = {
    "start": Action(label="Start", done="Started “{name}”.", again="Start “{name}”", states=UNFINISHED),
    "complete": Action(label="Done", done="Completed “{name}”.", again="Complete “{name}”", states=UNFINISHED),
    "reopen": Action(label="Reopen", done="Reopened “{name}”.", again="Reopen “{name}”", states=("completed",)),
    "now": Action(
        label="Plan for now", done="Planned “{name}” for now.", again="Plan “{name}” for now", states=("next", "later")
    ),
    "next": Action(
        label="Move to Next", done="Moved “{name}” to Next.", again="Move “{name}” to Next", states=("now", "later")
    ),
    "later": Action(
        label="Move to Later", done="Moved “{name}” to Later.", again="Move “{name}” to Later", states=("now", "next")
    ),
    "unassign": Action(label="Remove", done="Removed “{name}”.", again="Remove “{name}”", states=UNFINISHED),
    "stop": Action(
        label="Not for me",
        done="Stopped “{name}”; it is out of the plan.",
        again="Stop “{name}”",
        states=UNFINISHED,
    ),
    "propose-now": Action(
        label="Propose for now",
        done="Proposed “{name}” for now.",
        again="Propose “{name}” for now",
        states=("next", "later"),
    ),
    "propose-next": Action(
        label="Propose for Next",
        done="Proposed “{name}” for Next.",
        again="Propose “{name}” for Next",
        states=("now", "later"),
    ),
    "propose-later": Action(
        label="Propose for Later",
        done="Proposed “{name}” for Later.",
        again="Propose “{name}” for Later",
        states=("now", "next"),
    ),
    "propose-remove": Action(
        label="Propose to remove",
        done="Proposed to remove “{name}”.",
        again="Propose to remove “{name}”",
        states=UNFINISHED,
    ),
    "accept": Action(
        label="Accept", done="Accepted what was proposed for “{name}”.", again="Accept for “{name}”", states=UNFINISHED
    ),
    "decline": Action(
        label="Decline",
        done="Declined what was proposed for “{name}”.",
        again="Decline for “{name}”",
        states=UNFINISHED,
    ),
    "withdraw": Action(
        label="Withdraw",
        done="Withdrew what you proposed for “{name}”.",
        again="Withdraw for “{name}”",
        states=UNFINISHED,
    ),
}


class Place(msgspec.Struct, frozen=True):
    """Where an item was before an action: `position` counts from 1 among those of the same state.

    `started`: it had been begun; `proposed`: what had been proposed for it; `own`: whoever acts may move it anyhow.
    """

    state: str
    position: int
    started: bool = False
    own: bool = True
    proposed: str = ""


def place_of(text: str) -> Place | None:
    """From `next:3:started:own:later`, the last three of which may be empty; None for anything else."""
    state, _, rest = text.partition(":")
    position, _, rest = rest.partition(":")
    started, _, rest = rest.partition(":")
    own, _, proposed = rest.partition(":")
    if state not in VALUES["curriculum"]["assignment_state"] or not (position.isascii() and position.isdigit()):
        return None
    if proposed and proposed not in VALUES["curriculum"]["proposed_change"]:
        return None
    return Place(state, min(int(position), 9_999), bool(started), bool(own), proposed)


def command_of(action: str) -> Command | Proposal:
    """The command behind one of ACTIONS."""
    if action in UNFINISHED:
        return Command("move", MoveTo(action))
    if action.startswith("propose-"):
        return Proposal(action.removeprefix("propose-"))
    if action == "withdraw":
        return Command("decline")
    return Command(msgspec.convert(action, CommandName))


def undo_of(action: str, before: Place | None) -> str:
    """The commands that take `action` back; empty when that can't be known, or can't be done by whoever acts."""
    if before is None:
        return ""
    back = f"move:{before.state}:{max(before.position, 1)}"
    again = f"propose:{before.proposed}" if before.proposed else ""
    steps = {
        "start": " ".join(["" if before.started else "unstart", "" if before.state == "now" else back]).strip(),
        "complete": "reopen" if before.state == "now" else f"reopen {back}",
        "reopen": "complete",
        "unassign": "restore",
        "stop": "restore",
        "accept": "restore" if before.proposed == "remove" else back,
        "withdraw": again,
    }
    if action in UNFINISHED:
        # A member who planned what isn't theirs may put it back, and only by starting it plan it again.
        return back if before.own else "start" if before.started else ""
    return (again or "decline") if action.startswith("propose-") else steps.get(action, "")


def commands_of(steps: str) -> list[Command | Proposal]:
    """Each command with its body. Raises Invalid for anything that no page of ours sends."""
    commands: list[Command | Proposal] = []
    for step in steps.split()[: MOST_STEPS + 1]:
        match = STEP.fullmatch(step)
        if match is None:
            raise Invalid({"steps": "open the page again"})
        if match[1]:
            commands.append(Command(msgspec.convert(match[1], CommandName)))
        elif match[2]:
            commands.append(Command("move", MoveTo(match[2], max(int(match[3]), 1))))
        else:
            commands.append(Proposal(match[4]))
    if not 1 <= len(commands) <= MOST_STEPS:
        raise Invalid({"steps": "open the page again"})
    return commands


class Offer(msgspec.Struct, frozen=True):
    """What a reader may do to an item: the action that comes next, and those that are folded away."""

    first: str
    others: tuple[str, ...]


def offer_of(state: str, *, started: bool, learner: bool, may_move: bool, may_remove: bool) -> Offer:
    """`learner`: the reader is the member; `may_move`, `may_remove`: without asking anybody."""
    if state == "completed":
        return Offer("reopen", ())
    first = "start" if learner else "now"
    if state == "now":
        # Opening it starts it, so what is left to say is that it is done.
        first = "complete" if started or learner else "start"
    others = [] if first == "complete" else ["complete"]
    if first != "start" and not started:
        others.append("start")
    for target in UNFINISHED:
        if target not in (state, first):
            others.append(target if may_move else f"propose-{target}")
    others.append("unassign" if may_remove else "propose-remove")
    if learner:
        others.append("stop")
    return Offer(first, tuple(others))
