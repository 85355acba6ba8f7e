"""Whom a record concerns, and what they are told: an approval that is wanted, a failure, a brake, a Go-Live. Pure.

A notice is said when its record is written (promoter.py), and can be read from the records later (the portal's home).
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from gatehouse_release.model import ENVIRONMENTS, Record, Requester
from gatehouse_release.records import key_of
from gatehouse_release.state import RepositoryState

FAILED = ("failed", "reverted")
# Of a set that goes live, all that work on it are told.
ON_GO_LIVE = frozenset({"engineer", "tester", "sre", "release-manager"})
LONGEST_WHY = 300


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What happened, in a sentence, and to whom it matters: `people` by the names of requesters, and `roles`.

    `by`: who did it, and needn't be told. `about`: the reason given, or what the failure said.
    """

    record: str
    kind: str
    title: str
    about: str
    by: str
    at: datetime
    roles: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()

    def concerns(self, reader: Requester) -> bool:
        return reader.name in self.people or (reader.name != self.by and not reader.roles.isdisjoint(self.roles))


def notice_of(state: RepositoryState, record: Record) -> Notice | None:
    """What the record's present state tells somebody; None: nobody waits for it."""
    found = _moved(state, record) if record.history else _braked(state, record)
    if found is None:
        return None
    kind, title, roles, people, about = found
    last = record.history[-1] if record.history else None
    return Notice(
        record=record.id,
        kind=kind,
        title=title,
        about=about[:LONGEST_WHY],
        by=last.by if last else record.by,
        at=last.at if last else record.at,
        roles=frozenset(roles),
        people=frozenset(people),
    )


def notices(state: RepositoryState, reader: Requester, since: datetime) -> list[Notice]:
    """What concerns a reader and happened since then, the newest first."""
    found = filter(None, (notice_of(state, record) for record in state.records.values()))
    mine = [one for one in found if one.at >= since and one.concerns(reader)]
    return sorted(mine, key=lambda one: (one.at, one.record), reverse=True)


Told = tuple[str, str, set[str], set[str], str]  # kind, title, roles, people, about


def _moved(state: RepositoryState, record: Record) -> Told | None:
    edge = state.policy.edges[record.environment]
    what, place = _what(record), record.environment.capitalize()
    if record.state == "proposed":
        count = f"{len(record.approvals)} of {edge.approvals.count} approvals"
        return "approval-wanted", f"{what} for {place} waits for approval", set(edge.approvals.roles), set(), count
    if record.state == "approved":
        return "approved", f"{what} for {place} is approved", set(edge.who), {record.by}, record.reason
    people = {record.by, *(one.by for one in record.approvals)}
    if record.state in FAILED:
        return "failed", f"{what} failed in {place}", set(edge.who), people, record.history[-1].why
    return _arrived(record, set(edge.who), people) if record.state == "verified" else None


def _arrived(record: Record, roles: set[str], people: set[str]) -> Told | None:
    place = record.environment.capitalize()
    if record.seen and not record.seen.good and record.seen.black_box:
        return "failed", f"{place} fails its black-box suite", roles, people, record.seen.black_box.summary
    if record.kind == "rollback":
        return "rolled-back", f"{place} was rolled back", roles, people, record.reason
    if record.environment == ENVIRONMENTS[-1] and record.kind == "promotion":
        return "live", f"{_what(record)} went live", set(ON_GO_LIVE), people, record.reason
    return None


def _braked(state: RepositoryState, record: Record) -> Told | None:
    place = record.environment.capitalize()
    if record.kind == "hold" and record.id not in state.lifted:
        roles = set(state.policy.edges[record.environment].who)
        return "hold", f"{record.service} is held in {place}", roles, set(), record.reason
    if record.kind == "freeze" and record.id not in state.lifted:
        return "freeze", f"{place} is frozen", set(state.policy.edges[record.environment].who), set(), record.reason
    if record.kind == "veto" and record.id not in state.lifted:
        about = state.records.get(record.about)
        people = {about.by, *(one.by for one in about.approvals)} if about else set()
        return "veto", f"A proposal for {place} was vetoed", set(), people, record.reason
    return None


def _what(record: Record) -> str:
    names = sorted(record.services)
    return ", ".join(names) if len(names) <= 3 else f"A set of {len(names)} services"


def in_text(notice: Notice, address: str = "") -> Iterator[str]:
    """The lines of a message; the last is its link, where the portal's address is known."""
    yield f"{notice.title}{f': {notice.about}' if notice.about else ''}"
    if address:
        yield f"{address.rstrip('/')}/releases/records/{key_of(notice.record)}"
