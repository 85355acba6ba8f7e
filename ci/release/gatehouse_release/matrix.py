"""The matrix of services and environments: what runs where, since when, and what holds it. Pure.

`gate promote status` and the release page are views of these structs.
"""

from datetime import datetime

import msgspec

from gatehouse_catalog.releases import Release
from gatehouse_release.change_set import Impossible, change_set_of
from gatehouse_release.model import MERGE, PromotionRequest, Record, RecordState
from gatehouse_release.outcomes import unsettled
from gatehouse_release.state import MOVES, RepositoryState


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One service in one environment."""

    release: Release | None
    # The promotion that put it there, and since when it has been there; none: it was put there by hand.
    record: str = ""
    state: RecordState | None = None
    since: datetime | None = None
    # The environment before has another release.
    behind: bool = False
    holds: tuple[Record, ...] = ()


class MatrixRow(msgspec.Struct, frozen=True, kw_only=True):
    service: str
    domain: str
    cells: dict[str, Cell]


class MatrixColumn(msgspec.Struct, frozen=True, kw_only=True):
    """One environment as a whole."""

    name: str
    source: str
    unit: str
    # What is being applied, and what failed and hasn't been seen gone.
    unsettled: tuple[Record, ...]
    proposals: tuple[Record, ...]
    freezes: tuple[Record, ...]
    holds: tuple[Record, ...]
    # Since when the present set has been seen working together, without a break.
    good_since: datetime | None
    # Why nothing moves there: its files that can't be read.
    unreadable: tuple[str, ...]
    # Services that a promotion of everything would change now.
    waiting: tuple[str, ...]


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    revision: str
    rows: tuple[MatrixRow, ...]
    columns: tuple[MatrixColumn, ...]


def matrix(state: RepositoryState, now: datetime) -> Matrix:
    """All services of the catalog, and those that run without being in it any more."""
    names = sorted({*state.services, *(name for releases in state.releases.values() for name in releases)})
    known = state.known(*state.releases)
    rows = tuple(
        MatrixRow(
            service=name,
            domain=known[name].domain if name in known else "",
            cells={environment: _cell(state, environment, name) for environment in state.releases},
        )
        for name in names
    )
    columns = tuple(_column(state, environment, now) for environment in state.releases)
    return Matrix(revision=state.revision, rows=rows, columns=columns)


def _cell(state: RepositoryState, environment: str, service: str) -> Cell:
    release = state.releases[environment].get(service)
    source = state.policy.edges[environment].source
    put = _put_by(state, environment, service, release)
    return Cell(
        release=release,
        record=put.id if put else "",
        state=put.state if put else None,
        since=put.history[-1].at if put else None,
        behind=source != MERGE and state.releases[source].get(service) != release,
        holds=tuple(hold for hold in state.holds(environment) if hold.service == service),
    )


def _put_by(state: RepositoryState, environment: str, service: str, release: Release | None) -> Record | None:
    """The newest promotion that brought this release there."""
    for record in reversed(state.of(environment)):
        change = record.services.get(service)
        if release and record.kind in MOVES and record.state in ("applying", "verified") and change:
            return record if change.after == release else None
    return None


def _column(state: RepositoryState, environment: str, now: datetime) -> MatrixColumn:
    edge = state.policy.edges[environment]
    return MatrixColumn(
        name=environment,
        source=edge.source,
        unit=edge.unit,
        unsettled=tuple(unsettled(state, environment)),
        proposals=tuple(state.proposals(environment)),
        freezes=tuple(state.coming_freezes(environment, now)),
        holds=tuple(state.holds(environment)),
        good_since=state.good_since(environment),
        unreadable=tuple(str(problem) for problem in state.unreadable.get(environment, ())),
        waiting=_waiting(state, environment),
    )


def _waiting(state: RepositoryState, environment: str) -> tuple[str, ...]:
    edge = state.policy.edges[environment]
    if edge.source == MERGE:
        return ()
    services = tuple(state.releases[edge.source]) if edge.unit == "changed" else ()
    if edge.unit == "domain":
        source, target = state.releases[edge.source], state.releases[environment]
        return tuple(sorted(name for name in source if source[name] != target.get(name)))
    try:
        return tuple(
            change_set_of(state, PromotionRequest(action="promote", environment=environment, services=services)).changes
        )
    except Impossible:
        return ()
