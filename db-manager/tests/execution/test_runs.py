"""Runs beside each other, a run that was cut off or overtaken, and starting over."""

import threading

import pytest

from gatehouse_db_manager import FailedError, LockError, RefusedError, api, apply, plan, reset
from gatehouse_db_manager.database.lock import lock
from gatehouse_db_manager.execution.progress import StepEnded

ADA = "019a0000-0001-7000-8000-000000000001"


def test_starters_on_an_empty_database_do_each_step_once(full, database):
    full.rows([{"id": ADA, "name": "Ada"}])
    configuration, failures = full.load(), []

    def start() -> None:
        try:
            apply(database.url, configuration, test_data=True)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert database.value("select count(*) from dbm.run") == 1
    assert database.value("select count(*) = count(distinct what) from dbm.step")
    assert plan(database.url, configuration, test_data=True).empty


def test_a_lock_that_never_comes_free_ends_with_its_own_exit_code(checkout, database):
    checkout.collection()
    with api.connect(database.url) as other, lock(other, "person", 1), pytest.raises(LockError) as caught:
        database.apply(checkout, lock_wait=0.2)
    assert caught.value.exit_code == 5
    assert "gatehouse-db-manager" in str(caught.value)
    database.apply(checkout)


def test_other_schemas_go_on_while_one_is_locked(checkout, database):
    checkout.collection()
    checkout.schema("topics")
    checkout.collection("resource", schema="topics")
    with api.connect(database.url) as other, lock(other, "person", 1):
        apply(database.url, checkout.load("topics"), lock_wait=0.2)
    assert database.run("select schema from dbm.version") == [("topics",)]


def test_two_schemas_of_one_database_apply_at_the_same_time(checkout, database):
    names = ["person", "topics", "partner", "ledger"]
    for name in names:
        checkout.schema(name)
        checkout.collection("thing", schema=name)
    configurations = [checkout.load(name) for name in names]
    threads = [threading.Thread(target=apply, args=(database.url, one)) for one in configurations]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert database.value("select count(*) from dbm.version") == 4


def test_a_run_that_another_has_overtaken_does_nothing_more(checkout, database):
    checkout.collection()

    def overtake(event: object) -> None:
        if isinstance(event, StepEnded) and event.position == 1:
            database.run("update dbm.fence set epoch = epoch + 1")

    with pytest.raises(FailedError, match="A newer run has taken over person; this one stopped before step 2"):
        database.apply(checkout, report=overtake)
    assert database.tables() == {}
    database.apply(checkout)
    assert set(database.tables()) == {"person"}


def test_a_connection_that_breaks_is_a_failure_to_resume_from(checkout, database):
    checkout.collection()

    def cut(event: object) -> None:
        if isinstance(event, StepEnded) and event.position == 1:
            database.run(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )

    with pytest.raises(FailedError):
        database.apply(checkout, report=cut)
    database.apply(checkout)
    assert database.plan(checkout).empty


def test_reset_starts_over(checkout, database):
    checkout.collection()
    database.apply(checkout)
    reset(database.url, checkout.load())
    assert database.run("select * from dbm.version") == []
    checkout.collection(columns={"nick": {"type": "word"}})
    database.apply(checkout)
    assert "nick" in database.tables()["person"].columns


def test_reset_is_for_local_databases(checkout, database):
    checkout.collection()
    database.apply(checkout, environment="dev")
    with pytest.raises(RefusedError, match="belongs to dev; reset deletes all data"):
        reset(database.url, checkout.load())
