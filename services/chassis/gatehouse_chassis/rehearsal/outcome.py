"""What came of a rehearsal: one line of the log, which is also the metrics that alarms watch.

CloudWatch makes metrics of a line in its "embedded metric format" (user guide, CloudWatch_Embedded_Metric_Format): the
task needs no right for it beyond writing its log, and no header since the awslogs driver puts events as they are.
"""

from datetime import datetime
from typing import Any

import msgspec

from gatehouse_catalog.rehearsal import DAYS_SINCE, DIMENSION, FAILED, METRICS

RTO, RPO = "RecoveryTimeMinutes", "RecoveryPointMinutes"
UNITS = {DAYS_SINCE: "None", FAILED: "Count", RTO: "None", RPO: "None"}


class RehearsalOutcome(msgspec.Struct, kw_only=True):
    """What is known when a rehearsal ends, however it ends.

    Attributes:
        rto_minutes: From the request to restore until all was read.
        rpo_minutes: How old the latest moment was that RDS could restore, when it was asked.
        restored_to: That moment, or the earlier one that was chosen.
        replayed: What was done again, by name.
        still_open: What the log says ended and the copy still has; empty after a replay.
        rows: Rows by schema.
        leftover: Whether a copy of an earlier rehearsal was there, and was deleted.
    """

    reason: str = ""
    rto_minutes: float | None = None
    rpo_minutes: float | None = None
    restored_to: datetime | None = None
    decisions: int = 0
    replayed: dict[str, int] = {}
    still_open: list[str] = []
    rows: dict[str, int] = {}
    leftover: bool = False

    @property
    def outcome(self) -> str:
        return "failed" if self.reason else "ok"


def embedded(environment: str, now: datetime, metrics: dict[str, float | None]) -> dict[str, Any]:
    """The fields that make metrics of a line; a figure that isn't known is none."""
    known = {name: round(value, 4) for name, value in metrics.items() if value is not None}
    listed = [{"Name": name, "Unit": UNITS[name]} for name in sorted(known)]
    directive = {"Namespace": METRICS, "Dimensions": [[DIMENSION]], "Metrics": listed}
    return {
        "_aws": {"Timestamp": int(now.timestamp() * 1000), "CloudWatchMetrics": [directive]},
        DIMENSION: environment,
        **known,
    }
