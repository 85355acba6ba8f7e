"""Defects of the tool that this idea comes from, and of other migration tools: each test is named after what it guards.
Where one is guarded elsewhere in more detail, the test here is the short form.
"""

import threading

import psycopg
import pytest

from gatehouse_db_manager import FailedError, RefusedError, api, apply
from gatehouse_db_manager.database.lock import lock
from gatehouse_db_manager.execution.progress import LockWait, OldTransaction, StepEnded
from gatehouse_local.testing.waiting import until

ADA = "019a0000-0001-7000-8000-000000000001"
EMAIL = {"email": {"type": "text"}}


@pytest.fixture
def people(checkout, database):
    checkout.collection(columns=EMAIL)
    database.apply(checkout)
    database.run("insert into person.person (name, email) values ('Ada', 'same'), ('Ben', 'same')")
    return checkout


# The configurator this idea comes from


def test_origin_loaded_test_data_into_production(checkout, database):
    checkout.collection()
    checkout.rows([{"id": ADA, "name": "Ada"}])
    database.apply(checkout, environment="production")
    for environment in ("production", "local"):
        with pytest.raises(RefusedError, match="never loaded into production"):
            database.apply(checkout, environment=environment, test_data=True)
    assert database.value("select count(*) from person.person") == 0


def test_origin_dropped_index_options(checkout, database):
    """`unique` was lost, and so duplicates came."""
    options = {
        "columns": ["email"],
        "unique": True,
        "where": "email <> ''",
        "include": ["name"],
        "nulls": "not_distinct",
    }
    checkout.collection(columns=EMAIL, indexes={"by_email": options})
    database.apply(checkout)
    definition = database.value("select pg_get_indexdef('person.person_by_email'::regclass)")
    for part in ("UNIQUE", "WHERE", "INCLUDE (name)", "NULLS NOT DISTINCT"):
        assert part in definition
    checkout.collection(version="1.0.1.0", columns=EMAIL, indexes={"by_email": {**options, "include": ["id"]}})
    database.apply(checkout)
    definition = database.value("select pg_get_indexdef('person.person_by_email'::regclass)")
    assert "UNIQUE" in definition
    assert "INCLUDE (id)" in definition


def test_origin_reported_success_after_failures(people, database, starter):
    people.collection(version="1.1.0.0", columns=EMAIL, unique={"once": {"columns": ["email"]}})
    database.run("update person.person set email = name")
    database.fail_at("CREATE INDEX")
    command = starter.start("apply", people, database.url)
    assert command.wait() == 4
    assert "CREATE INDEX fails" in command.said
    assert "✓ person 1.1.0.0" not in command.said
    assert database.run("select version from dbm.version") == [("1.0.0.0",)]
    assert database.value("select state from dbm.run order by id desc limit 1") == "failed"


def test_origin_ran_versions_in_file_order(checkout, database):
    """As text, 1.10 comes before 1.9; a step from one to the other was taken for a step back."""
    checkout.collection(version="1.9.0.0")
    database.apply(checkout)
    checkout.collection(version="1.10.0.0", columns=EMAIL)
    database.apply(checkout)
    assert database.value("select version from dbm.version") == "1.10.0.0"
    checkout.collection(version="1.9.9.0")
    with pytest.raises(RefusedError, match=r"is older than the applied version 1\.10\.0\.0"):
        database.apply(checkout)


@pytest.mark.usefixtures("unseen_rows")
def test_origin_left_validation_off_after_a_failure(people, database):
    people.collection(version="1.1.0.0", columns=EMAIL, checks={"short": "char_length(name) < 50"})
    database.apply(people)
    people.collection(version="1.2.0.0", columns=EMAIL, checks={"short": "char_length(name) < 3"})
    with pytest.raises(FailedError):
        database.apply(people)
    with pytest.raises(psycopg.errors.CheckViolation):
        database.run(f"insert into person.person (name) values ('{'long' * 20}')")
    assert all(constraint.valid for constraint in database.tables()["person"].constraints.values())


def test_origin_kept_no_history(checkout, database):
    for version in ("1.0.0.0", "1.0.1.0", "1.1.0.0"):
        checkout.collection(version=version)
        database.apply(checkout)
    listed = database.run("select version, state from dbm.history join dbm.run on run = id order by applied_at")
    assert listed == [("1.0.0.0", "done"), ("1.0.1.0", "done"), ("1.1.0.0", "done")]
    assert database.value("select count(*) from dbm.step where ended_at >= started_at") > 0


# What the best fail at


def test_golang_migrate_960_waiting_for_the_lock_and_an_index_build_do_not_wait_for_each_other(people, database):
    """And flyway #1654. A session that waits inside pg_advisory_lock holds a snapshot, which CONCURRENTLY waits for."""
    people.collection(version="1.0.1.0", columns=EMAIL, indexes={"by_email": {"columns": ["email"]}})
    configuration, waits, second = people.load(), [], []

    def start_another(event):
        if type(event).__name__ == "StepStarted" and not second:
            second.append(threading.Thread(target=apply, args=(database.url, configuration), kwargs={"report": note}))
            second[0].start()
            until(lambda: waits, "the second run to wait for the first")

    def note(event):
        if isinstance(event, LockWait):
            waits.append(event)

    apply(database.url, configuration, report=start_another)
    second[0].join(60)
    assert waits
    assert database.tables()["person"].indexes["person_by_email"].valid
    assert database.done_twice() == []


@pytest.mark.usefixtures("unseen_rows")
def test_authentik_23876_no_lock_stays_behind(people, database):
    """However a run ends: well, refused or failed. (The pooler itself: test_troubles.)"""
    people.collection(version="1.1.0.0", columns=EMAIL, unique={"once": {"columns": ["email"]}})
    with pytest.raises(FailedError):
        database.apply(people)
    people.collection(version="1.0.0.0", columns=EMAIL, description="Other")
    with pytest.raises(RefusedError):
        database.apply(people)
    with api.connect(database.url) as other, lock(other, "person", 0):
        pass


def test_suna_6588_an_index_build_waits_longer_than_lock_timeout(people, database):
    people.collection(version="1.0.1.0", columns=EMAIL, indexes={"by_email": {"columns": ["email"]}})
    seen, waited, ended = [], [], threading.Event()
    waits = "select 1 from pg_stat_activity where datname = current_database() and wait_event = 'virtualxid'"
    with database.connect() as old:
        old.execute("begin; insert into person.person (name) values ('Old')")

        def end_once_it_waits():
            while not database.run(waits) and not ended.is_set():
                pass
            waited.append(ended.wait(0.3))  # three times as long as DDL waits for its lock
            old.execute("commit")

        watcher = threading.Thread(target=end_once_it_waits)
        watcher.start()
        database.apply(people, report=seen.append)
        ended.set()
        watcher.join()
    assert waited == [False], "the build ended before the old transaction did"
    (built,) = [event for event in seen if isinstance(event, StepEnded)]
    assert built.attempts == 1
    assert not [event for event in seen if isinstance(event, OldTransaction)], "half a second is not old"


def test_chatwoot_15885_an_invalid_index_is_not_taken_for_the_wanted_one(people, database):
    """And strong_migrations #233: IF NOT EXISTS sees a name, not whether it is valid."""
    with pytest.raises(psycopg.errors.UniqueViolation):
        database.run("create unique index concurrently person_by_email on person.person (email)")
    database.run("update person.person set email = name")
    people.collection(version="1.1.0.0", columns=EMAIL, indexes={"by_email": {"columns": ["email"], "unique": True}})
    database.apply(people)
    index = database.tables()["person"].indexes["person_by_email"]
    assert (index.valid, index.unique) == (True, True)


@pytest.mark.parametrize("change", [b"\r\n", b"\r"])
def test_flyway_253_line_ends_are_not_content(checkout, database, change):
    """And #1837; nor is a byte order mark, nor where the checkout is."""
    file = checkout.collection()
    script = checkout.write(
        "services/person/database/repeatable/names.sql", "create view names\nas select name\nfrom person;\n"
    )
    database.apply(checkout)
    for one in (file, script) if change == b"\r\n" else (file,):
        one.write_bytes(b"\xef\xbb\xbf" + one.read_bytes().replace(b"\n", change))
    assert not database.apply(checkout).changed


def test_flyway_checksums_do_not_know_the_path(checkout, database, tmp_path_factory):
    checkout.collection()
    database.apply(checkout)
    elsewhere = type(checkout)(tmp_path_factory.mktemp("elsewhere"))
    elsewhere.collection()
    assert not database.apply(elsewhere).changed


def test_langflow_13204_two_starters_on_an_empty_database_both_end_well(checkout, database, starter):
    """And alembic #633."""
    checkout.collection(columns=EMAIL)
    commands = [starter.start("apply", checkout, database.url) for _ in range(2)]
    assert [command.wait() for command in commands] == [0, 0], [command.said for command in commands]
    assert database.value("select count(*) from dbm.run") == 1


def test_pgroll_583_rows_written_meanwhile_do_not_extend_a_backfill(people, database):
    """As many come as are done, so without a bound it would never end. (In more detail: test_migrations.)"""
    people.collection(version="1.1.0.0", columns=EMAIL)
    file = "services/person/database/migrations/person/1.1.0/01_more.backfill.sql"
    people.write(file, "update person set email = 'filled'")
    database.people(5_000)

    def write(event):
        if type(event).__name__ == "BackfillProgress":
            database.people(5_000)

    database.apply(people, report=write)
    assert database.value("select count(*) from person.person where email = 'filled'") == 5_002
    assert database.value("select count(*) from person.person where email is null") >= 5_000


def test_coder_25895_an_enumerator_s_new_value_can_be_used_at_once(checkout, database):
    """A new value of a PostgreSQL enum can't be used in the transaction that adds it; ours are checks."""
    status = {"status": {"type": "enum", "of": "status", "required": True, "default": "pending"}}
    checkout.enumerators(1, status=["pending"])
    checkout.collection(version="1.0.0.1", columns=status)
    database.apply(checkout)
    database.people(1)
    checkout.enumerators(2, status=["pending", "archived"])
    checkout.collection(version="1.0.0.2", columns=status)
    checkout.rows([{"id": ADA, "name": "Ada", "status": "archived"}], kind="reference")
    database.apply(checkout)
    assert database.value("select status from person.person where id = %s", ADA) == "archived"
    assert (
        database.value(
            "select count(*) from pg_type t join pg_namespace n on n.oid = typnamespace "
            "where typtype = 'e' and nspname = 'person'"
        )
        == 0
    )
