"""How delivery does, from the record of promotions: the four figures of DORA, per environment, over the last days.

Deployments: promotions and rollbacks that were seen running. Lead time: from the build of what was merged until it was
seen running here. Failures: promotions that failed, or were rolled back. Time to restore: from the beginning of a
failure (the deployment that failed, or that a rollback took away) until it was over. https://dora.dev/guides/
"""

from datetime import datetime, timedelta
from statistics import median

import msgspec

from gatehouse_release.model import ENVIRONMENTS, Record
from gatehouse_release.state import RepositoryState

DAYS = 30


class DoraFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Of one environment. None: nothing of that kind happened."""

    environment: str
    deployments: int
    failures: int
    rollbacks: int
    lead_seconds: float | None
    restore_seconds: float | None

    @property
    def failure_ratio(self) -> float | None:
        """The share of changes that failed or were taken back; a rollback itself is no change."""
        changes = self.deployments - self.rollbacks + self.failures
        return min(1.0, (self.failures + self.rollbacks) / changes) if changes else None


def figures(state: RepositoryState, now: datetime, *, days: int = DAYS) -> list[DoraFigures]:
    """In the order of the environments. Only outcomes of the last `days` count."""
    return [_of(state.of(environment), environment, now - timedelta(days=days)) for environment in ENVIRONMENTS]


def _of(records: tuple[Record, ...], environment: str, since: datetime) -> DoraFigures:
    done = sorted(
        (one for one in records if one.kind in ("promotion", "rollback") and one.state in _OUTCOMES and one.history),
        key=lambda one: one.history[-1].at,
    )
    recent = [one for one in done if one.history[-1].at >= since]
    running = [one for one in recent if one.state == "verified"]
    failed = [one for one in recent if one.state != "verified"]
    leads = [lead for record in running if record.kind == "promotion" for lead in _leads(record)]
    restored = [_until_restored(record, done) for record in recent]
    return DoraFigures(
        environment=environment,
        deployments=len(running),
        failures=len(failed),
        rollbacks=sum(1 for one in running if one.kind == "rollback"),
        lead_seconds=median(leads) if leads else None,
        restore_seconds=median(known) if (known := [one for one in restored if one is not None]) else None,
    )


_OUTCOMES = ("verified", "failed", "reverted")


def _leads(record: Record) -> list[float]:
    """Seconds from each build until it was seen running; releases that don't say when they were built don't count."""
    seen = record.history[-1].at
    built = [change.after.built_at for change in record.services.values() if change.after and change.after.built_at]
    return [(seen - datetime.fromisoformat(when)).total_seconds() for when in built]


def _until_restored(record: Record, done: list[Record]) -> float | None:
    """From the beginning of a failure until it was over; None when this record ended none."""
    end = record.history[-1].at
    if record.state == "reverted":
        begun = next((step.at for step in record.history if step.state == "applying"), None)
    elif record.kind == "rollback" and record.state == "verified":
        earlier = [one for one in done if one.state == "verified" and one.history[-1].at < end]
        begun = earlier[-1].history[-1].at if earlier else None
    else:
        begun = None
    return (end - begun).total_seconds() if begun else None
