"""DORA's four figures, from records as promotions write them."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from gatehouse_release.dora import DoraFigures, figures
from gatehouse_release.model import Record, RecordStep, ReleaseChange
from gatehouse_release.state import RepositoryState, read_state
from gatehouse_release.testing.in_memory import release, tree

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def empty(workspace_root) -> RepositoryState:
    policy = (workspace_root / "stacks" / "policy.yaml").read_text()
    return read_state("", tree(policy, {"person": "people"}))


def record(name: str, state: str, began: datetime, ended: datetime, *, kind: str = "promotion") -> Record:
    built = msgspec.structs.replace(release("person", 2), built_at=(began - HOUR).isoformat())
    return Record(
        id=name,
        kind=kind,  # ty: ignore[invalid-argument-type] - one of two words
        environment="dev",
        by="somebody",
        at=began,
        state=state,  # ty: ignore[invalid-argument-type]
        services={"person": ReleaseChange(before=None, after=built)},
        history=(
            RecordStep(state="applying", at=began, by="somebody"),
            RecordStep(state=state, at=ended, by="somebody"),  # ty: ignore[invalid-argument-type]
        ),
    )


def dev(state: RepositoryState, *records: Record) -> DoraFigures:
    found = msgspec.structs.replace(state, records_of={"dev": records})
    return figures(found, NOW)[0]


def test_nothing_happened_and_nothing_is_made_up(empty: RepositoryState):
    found = dev(empty)
    assert (found.environment, found.deployments, found.failure_ratio) == ("dev", 0, None)
    assert (found.lead_seconds, found.restore_seconds) == (None, None)


def test_lead_time_is_from_the_build_until_it_was_seen_running(empty: RepositoryState):
    found = dev(empty, record("1", "verified", NOW - 5 * HOUR, NOW - 4 * HOUR))
    assert (found.deployments, found.lead_seconds, found.failure_ratio) == (1, 7200.0, 0.0)


def test_a_promotion_that_was_put_back_failed_until_then(empty: RepositoryState):
    good = record("1", "verified", NOW - 9 * HOUR, NOW - 8 * HOUR)
    bad = record("2", "reverted", NOW - 5 * HOUR, NOW - 3 * HOUR)
    found = dev(empty, good, bad)
    assert (found.deployments, found.failures, found.failure_ratio) == (1, 1, 0.5)
    assert found.restore_seconds == 7200.0


def test_a_rollback_says_that_the_promotion_before_it_failed(empty: RepositoryState):
    good = record("1", "verified", NOW - 9 * HOUR, NOW - 8 * HOUR)
    bad = record("2", "verified", NOW - 7 * HOUR, NOW - 6 * HOUR)
    back = record("3", "verified", NOW - 5 * HOUR, NOW - 4 * HOUR, kind="rollback")
    found = dev(empty, good, bad, back)
    assert (found.deployments, found.rollbacks, found.failure_ratio) == (3, 1, 0.5)
    assert found.restore_seconds == 2 * 3600.0


def test_what_is_longer_ago_or_undecided_doesnt_count(empty: RepositoryState):
    old = record("1", "verified", NOW - timedelta(days=40), NOW - timedelta(days=40))
    open_ = record("2", "applying", NOW - HOUR, NOW - HOUR)
    assert dev(empty, old, open_).deployments == 0
