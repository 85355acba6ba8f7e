"""What the release page shows, from the repository's state at one revision: one struct, so that no part of the page
can say something else than another. The matrix is the one that `gate promote status` shows.

What main says and what runs are told apart: while a release is being applied neither it nor the one before is shown as
running (kargo #5951 showed the wrong set while a promotion went on).
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from gatehouse_portal.areas.releases.format import blocked_words
from gatehouse_release.decisions import foreseen
from gatehouse_release.matrix import Matrix, MatrixColumn, matrix
from gatehouse_release.model import ENVIRONMENTS, PromotionRequest, Record, ReleaseChange
from gatehouse_release.next_window import next_window
from gatehouse_release.policy import PolicyEdge
from gatehouse_release.state import RepositoryState

LOG_LENGTH = 30


class EdgeButton(msgspec.Struct, frozen=True, kw_only=True):
    """An edge that people promote along. `domains`: those to choose from, with how many of their services differ.

    `blocked`: why a choice can't go in now, by domain, as far as the records say; the empty name: everything.
    `opens`: when neither soak nor window keep the set out any more; None: nothing comes, or its soak hasn't begun.
    """

    environment: str
    edge: PolicyEdge
    differing: int
    domains: dict[str, int]
    may: bool
    blocked: dict[str, str] = {}
    opens: datetime | None = None

    @property
    def choices(self) -> dict[str, int]:
        """What can be chosen, with how many services differ; the empty name: everything."""
        if self.edge.unit == "domain":
            return {name: count for name, count in self.domains.items() if count}
        return {"": self.differing} if self.differing else {}


class EnvironmentColumn(msgspec.Struct, frozen=True, kw_only=True):
    """An environment. `coming`: by service, the record that changes it now."""

    column: MatrixColumn
    count: int
    may: bool
    coming: dict[str, Record]

    @property
    def name(self) -> str:
        return self.column.name

    @property
    def state(self) -> str:
        """`nothing`, `changing`, `verified` or `unverified`."""
        if self.coming:
            return "changing"
        if not self.count:
            return "nothing"
        return "verified" if self.column.good_since else "unverified"

    def change(self, service: str) -> ReleaseChange | None:
        """What is being done to a service now."""
        record = self.coming.get(service)
        return record.services[service] if record else None


class ReleaseBoard(msgspec.Struct, frozen=True, kw_only=True):
    now: datetime
    matrix: Matrix
    places: list[EnvironmentColumn]
    ways: list[EdgeButton]
    log: list[Record]
    log_more: int

    @property
    def empty(self) -> bool:
        """Nothing was ever released to any environment."""
        return not any(place.count or place.coming for place in self.places)

    @property
    def under_way(self) -> list[Record]:
        """What is being applied, what failed and hasn't been seen gone, and what waits for people."""
        columns = self.matrix.columns
        return [record for one in columns for record in one.unsettled] + [
            record for one in columns for record in one.proposals
        ]

    @property
    def brakes(self) -> list[Record]:
        columns = self.matrix.columns
        return [hold for one in columns for hold in one.holds] + [freeze for one in columns for freeze in one.freezes]


def board(state: RepositoryState, roles: Iterable[str], now: datetime) -> ReleaseBoard:
    """The page's content for somebody with these roles."""
    mine, found = frozenset(roles), matrix(state, now)
    log = sorted(state.records.values(), key=lambda record: (record.at, record.id), reverse=True)
    return ReleaseBoard(
        now=now,
        matrix=found,
        places=[_place(state, column, mine) for column in found.columns],
        ways=[_way(state, column, mine, now) for column in found.columns if column.source in ENVIRONMENTS],
        log=log[:LOG_LENGTH],
        log_more=max(0, len(log) - LOG_LENGTH),
    )


def _place(state: RepositoryState, column: MatrixColumn, roles: frozenset[str]) -> EnvironmentColumn:
    return EnvironmentColumn(
        column=column,
        count=len(state.releases[column.name]),
        may=not roles.isdisjoint(state.policy.edges[column.name].who),
        coming={name: record for record in state.undecided(column.name) for name in record.services},
    )


def _way(state: RepositoryState, column: MatrixColumn, roles: frozenset[str], now: datetime) -> EdgeButton:
    """Of the policy's edge into this environment."""
    edge = state.policy.edges[column.name]
    source, target = state.releases[edge.source], state.releases[column.name]
    names = {name for name in {*source, *target} if source.get(name) != target.get(name)}
    domains = dict.fromkeys(sorted(state.domains), 0)
    for name in names & state.services.keys():
        domains[state.services[name].domain] += 1
    button = EdgeButton(
        environment=column.name,
        edge=edge,
        differing=len(names),
        domains=domains,
        may=not roles.isdisjoint(edge.who),
        opens=next_window(state, column.name, now) if names and (edge.soak_hours or edge.windows) else None,
    )
    asked = {one: PromotionRequest(action="promote", environment=column.name, domain=one) for one in button.choices}
    found = {one: next(iter(foreseen(state, request, now)), None) for one, request in asked.items()}
    blocked = {one: blocked_words(reason, edge.source, column.name) for one, reason in found.items() if reason}
    return msgspec.structs.replace(button, blocked=blocked)
