"""Each gauge that a dashboard or a rule reads is moved by its cause in a test, or there is a reason why none is."""

import re
from pathlib import Path

import pytest

from gatehouse_catalog import find_root, load_catalog
from gatehouse_observability.dashboards import dashboards
from gatehouse_observability.prometheus import rule_groups

from .small.faults import FAULTS

ROOT = find_root(Path(__file__).parent)
COUNTED = re.compile(r"_(total|bucket|count|sum)$|^process_cpu_seconds")
DATABASE = "services/chassis/tests/data/test_database.py"
POOL = f"{DATABASE}::test_the_pool_can_be_read"
LOCKED = f"{DATABASE}::test_a_session_that_waits_for_a_lock_is_seen"
EVENTS = (
    "services/chassis/tests/events/test_reader.py::test_what_is_parked_and_a_feed_that_can_t_be_read_move_the_gauges"
)
PROBE = "observability/tests/probe/test_probe.py"
JOBS = "services/chassis/tests/jobs/test_runner.py"
PROCESS = "services/chassis/tests/metrics/test_registry.py::test_a_process_is_shown_as_it_is"
FIGURES = "tests/delivery/test_figures.py::test_each_panel_has_data_once_a_release_arrived_and_another_did_not"
# The test in which its cause moves it: a file and a test, or the name of a fault that test_faults.py injects live.
MOVED = {
    "gatehouse_collections_unmet": "a migration is pending",
    "gatehouse_database_up": "PostgreSQL is stopped",
    "gatehouse_db_archive_age_seconds": "services/chassis/tests/metrics/test_pg_sessions.py"
    "::test_the_age_of_the_archive_grows_while_archiving_fails_and_falls_when_it_works_again",
    "gatehouse_db_oldest_transaction_seconds": LOCKED,
    "gatehouse_db_open_transaction_seconds": "a session sits idle in a transaction",
    "gatehouse_db_pool_connections": POOL,
    "gatehouse_db_pool_idle": POOL,
    "gatehouse_db_pool_max": POOL,
    "gatehouse_db_pool_waiting": POOL,
    "gatehouse_db_sessions": LOCKED,
    "gatehouse_delivery_changes": FIGURES,
    "gatehouse_delivery_failure_ratio": FIGURES,
    "gatehouse_delivery_lead_seconds": FIGURES,
    "gatehouse_delivery_restore_seconds": FIGURES,
    "gatehouse_events_held_seconds": "services/chassis/tests/events/test_feed.py"
    "::test_what_commits_late_is_not_passed_over",
    "gatehouse_events_lag_seconds": EVENTS,
    "gatehouse_events_unhandled": EVENTS,
    "gatehouse_http_requests_in_flight": "services/chassis/tests/http/test_middleware.py"
    "::test_one_address_takes_a_part_of_the_places_and_the_rest_is_told_to_come_again",
    "gatehouse_job_failures": f"{JOBS}::test_failures_are_seen_without_values_and_tried_again_after_growing_pauses",
    "gatehouse_job_overdue_seconds": f"{JOBS}::test_what_was_due_while_everything_was_down_runs_once_after_the_start",
    "gatehouse_probe_certificate_expiry_seconds": f"{PROBE}"
    "::test_when_its_certificate_ends_is_a_gauge_until_it_has_ended",
    "gatehouse_probe_success": f"{PROBE}::test_its_gauge_goes_to_zero_with_the_fault_and_back_with_its_end",
    "gatehouse_sockets_open": "services/curriculum/tests/test_live.py::test_one_account_has_ten_at_most",
    **dict.fromkeys(
        ("process_max_fds", "process_open_fds", "process_resident_memory_bytes", "process_start_time_seconds"), PROCESS
    ),
}
NOT_MOVED = {
    "gatehouse_build_info": "always 1; its labels are what is read",
    "gatehouse_collection_version_info": "always 1; its labels are what is read",
}


def gauges() -> set[str]:
    exprs = [rule.expr for group in rule_groups(load_catalog(ROOT)) for rule in group.rules]
    exprs += [query.expr for board in dashboards() for panel in board.panels for query in panel.queries]
    exprs += [board.releases for board in dashboards() if board.releases]
    named = {name for expr in exprs for name in re.findall(r"\b(?:gatehouse|process)_\w+", expr)}
    return {name for name in named if not COUNTED.search(name)}


def test_every_gauge_is_moved_or_has_a_reason():
    assert gauges() - MOVED.keys() - NOT_MOVED.keys() == set(), "say in MOVED which test moves it by its cause"
    assert (MOVED.keys() | NOT_MOVED.keys()) - gauges() == set(), "no dashboard and no rule reads it any more"


@pytest.mark.parametrize("where", sorted(set(MOVED.values())))
def test_what_moves_it_is_there(where: str):
    file, _, name = where.partition("::")
    if name:
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")
    else:
        assert where in {fault.name for fault in FAULTS}
