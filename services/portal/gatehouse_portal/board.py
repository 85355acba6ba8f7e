"""What the release page shows, from the repository's state at one revision: one struct, so that no part of the page
can say something else than another.

A release counts as running in an environment only when a record says that it was seen there: what the stack file
means and what was verified are told apart (kargo #5951 showed the wrong set while a promotion went on).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from gatehouse_ci.policy import Edge
from gatehouse_ci.state import State
from gatehouse_ci.structs import ENVIRONMENTS, Record, Release

LOG_LENGTH = 30


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """A service in an environment: what main says (`release`), and since when it has been seen running there.

    While a record changes it, `coming` is that record, and what runs is neither surely the one nor the other.
    """

    service: str
    environment: str
    release: Release | None = None
    since: datetime | None = None
    coming: Record | None = None
    holds: list[Record] = []

    @property
    def before(self) -> Release | None:
        """What ran until now, while `coming`."""
        return self.coming.services[self.service].before if self.coming else None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    service: str
    domain: str
    cells: list[Cell]


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """An environment as a whole. `verified`: since when its present set is known to work together."""

    environment: str
    verified: datetime | None
    count: int
    undecided: list[Record]
    proposals: list[Record]
    freezes: list[Record]

    @property
    def state(self) -> str:
        """`nothing`, `changing`, `verified` or `unverified`."""
        if self.undecided:
            return "changing"
        if not self.count:
            return "nothing"
        return "verified" if self.verified else "unverified"


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """An edge that people promote along. `domains`: those in which something differs, with how many services."""

    environment: str
    edge: Edge
    differing: int
    domains: dict[str, int]
    may: bool


class Board(msgspec.Struct, frozen=True, kw_only=True):
    revision: str
    now: datetime
    columns: list[Column]
    rows: list[Row]
    ways: list[Way]
    holds: list[Record]
    freezes: list[Record]
    log: list[Record]
    log_more: int

    @property
    def changing(self) -> list[Record]:
        return [record for column in self.columns for record in column.undecided]

    @property
    def waiting(self) -> list[Record]:
        return [record for column in self.columns for record in column.proposals]


def board(state: State, roles: Iterable[str], now: datetime) -> Board:
    """The page's content for somebody with these roles."""
    mine = frozenset(roles)
    known = sorted(state.services.values(), key=lambda entry: (entry.domain, entry.name))
    gone = sorted({name for found in state.releases.values() for name in found} - state.services.keys())
    domains = {entry.name: entry.domain for entry in known} | dict.fromkeys(gone, "")
    log = sorted(state.records.values(), key=lambda record: (record.at, record.id), reverse=True)
    return Board(
        revision=state.revision,
        now=now,
        columns=[_column(state, name, now) for name in ENVIRONMENTS],
        rows=[
            Row(service=name, domain=domain, cells=[_cell(state, name, environment) for environment in ENVIRONMENTS])
            for name, domain in domains.items()
        ],
        ways=[
            _way(state, name, state.policy.edges[name], mine)
            for name in ENVIRONMENTS
            if state.policy.edges[name].source in ENVIRONMENTS
        ],
        holds=[hold for name in ENVIRONMENTS for hold in state.holds(name)],
        freezes=[freeze for name in ENVIRONMENTS for freeze in state.coming_freezes(name, now)],
        log=log[:LOG_LENGTH],
        log_more=max(0, len(log) - LOG_LENGTH),
    )


def _column(state: State, environment: str, now: datetime) -> Column:
    return Column(
        environment=environment,
        verified=state.good_since(environment) if state.last_seen(environment) else None,
        count=len(state.releases[environment]),
        undecided=state.undecided(environment),
        proposals=state.proposals(environment),
        freezes=state.freezes(environment, now),
    )


def _cell(state: State, service: str, environment: str) -> Cell:
    release = state.releases[environment].get(service)
    coming = next((record for record in state.undecided(environment) if service in record.services), None)
    return Cell(
        service=service,
        environment=environment,
        release=release,
        since=_seen_since(state.of(environment), service, release) if release and coming is None else None,
        coming=coming,
        holds=[hold for hold in state.holds(environment) if hold.service == service],
    )


def _seen_since(records: Sequence[Record], service: str, release: Release) -> datetime | None:
    """When it was seen first, since it last came there."""
    since = None
    for record in reversed(records):
        if record.seen is not None:
            if record.seen.releases.get(service) != release:
                break
            since = record.seen.at
    return since


def _way(state: State, environment: str, edge: Edge, roles: frozenset[str]) -> Way:
    source, target = state.releases[edge.source], state.releases[environment]
    names = {name for name in {*source, *target} if source.get(name) != target.get(name)}
    return Way(
        environment=environment,
        edge=edge,
        differing=len(names),
        domains=_counted(state, names),
        may=not roles.isdisjoint(edge.who),
    )


def _counted(state: State, names: Iterable[str]) -> dict[str, int]:
    found = dict.fromkeys(sorted(state.domains), 0)
    for name in names:
        if entry := state.services.get(name):
            found[entry.domain] += 1
    return found
