"""The guided tour of a rehearsal: what to do next, and what is done already, as the records say. Pure.

docs/rehearsal.md tells the same at length; tests/benchmarks/tour.py takes it in a browser.
"""

from collections.abc import Iterable

import msgspec

from gatehouse_release.model import Record
from gatehouse_release.state import RepositoryState

SEEDED = 1  # promotions to Dev that the rehearsal begins with


class TourStep(msgspec.Struct, frozen=True, kw_only=True):
    """`who`: the persona to sign in as; `command`: what to type in the checkout, where it takes that."""

    title: str
    text: str
    done: bool
    who: str = ""
    command: str = ""


def steps(state: RepositoryState) -> list[TourStep]:
    """All steps; whoever did more than the tour asks for has done its steps as well."""
    test, staging, live = (_verified(state, name) for name in ("test", "staging", "production"))
    changed = _verified(state, "dev")[SEEDED:]
    proposals = [one for one in state.of("production") if one.kind == "promotion"]
    wanted = state.policy.edges["production"].approvals.count
    return [
        TourStep(
            title="Promote partners to Test",
            text="The second release waits in Dev. Read its preview, tick the box, and follow it until it is verified.",
            who="Kofi Mensah, tester",
            done=bool(test),
        ),
        TourStep(
            title="Promote to Staging",
            text="Everything that runs together in Test goes, as one set.",
            who="Kofi Mensah, tester",
            done=bool(staging),
        ),
        TourStep(
            title="Change a line and merge it",
            text="Change the sentence on the sign-in page, commit, and merge. Its unit tests run, and Dev answers it.",
            command="./local/gate rehearse merge",
            done=bool(changed),
        ),
        TourStep(
            title="Take it to Staging",
            text="Promote portal to Test, then everything to Staging.",
            who="Kofi Mensah, tester",
            done=_brings(test, "portal") and _brings(staging, "portal"),
        ),
        TourStep(
            title="Propose the Go-Live",
            text="Press Go-Live! and propose it. What it still waits for stands in the preview.",
            who="Sunita Rao, SRE",
            done=bool(proposals),
        ),
        TourStep(
            title="Approve it, twice",
            text="Each reviews the same preview. Nobody approves their own proposal.",
            who="Tomas Varga, then Viktor Stahl, release managers",
            done=any(len(one.approvals) >= wanted for one in proposals),
        ),
        TourStep(
            title="Go live",
            text="A set stays in Staging for a day, and Production has its window: skip to it, then go live.",
            who="Sunita Rao, SRE",
            done=bool(live),
        ),
        TourStep(
            title="Break something",
            text="Merge a release that the black-box suite finds bad: it stays in Dev, and Test refuses it.",
            command="./local/gate rehearse merge",
            done=any(_bad(one) for one in state.of("dev")),
        ),
        TourStep(
            title="Roll back, and lift the hold",
            text="What a rollback takes away is held, so no later merge brings it back. Lift it once it is fixed.",
            who="Sunita Rao, SRE",
            done=any(one.kind == "lift" for one in state.records.values()),
        ),
        TourStep(
            title="Let Test stop a release",
            text="Promote a line that goes wrong at Test’s address only: Dev passes it, the suite stops it in Test, "
            "and Staging refuses it. Roll Test back.",
            who="Kofi Mensah, tester, then Sunita Rao, SRE",
            command="./local/gate rehearse merge",
            done=any(_bad(one) for one in state.of("test")),
        ),
        TourStep(
            title="Freeze an environment",
            text="Nothing comes in until you unfreeze it, but for break-glass, which the record names for good.",
            who="Sunita Rao, SRE",
            done=any(one.kind == "freeze" for one in state.records.values()),
        ),
    ]


def _verified(state: RepositoryState, environment: str) -> list[Record]:
    return [one for one in state.of(environment) if one.kind == "promotion" and one.state == "verified"]


def _brings(records: Iterable[Record], service: str) -> bool:
    return any(service in one.services for one in records)


def _bad(record: Record) -> bool:
    return record.state in ("failed", "reverted") or (record.seen is not None and not record.seen.good)
