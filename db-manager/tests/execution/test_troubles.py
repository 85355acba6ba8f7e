"""What goes wrong around a run: each ends with its exit code and a message that says what to do, and records nothing
by halves; once the trouble is gone, applying again comes through."""

import threading
import time
import uuid

import pytest
from psycopg.conninfo import make_conninfo

from gatehouse_db_manager import FailedError, apply
from gatehouse_db_manager.execution.progress import BackfillProgress, StepEnded
from gatehouse_local.testing.waiting import until

from ..proxy import Proxy

COLUMNS = {"email": {"type": "text"}}


@pytest.fixture
def people(checkout, database):
    checkout.collection(columns=COLUMNS)
    database.apply(checkout)
    database.people(1000)
    return checkout


def ask_for_more(checkout):
    checkout.collection(
        version="1.1.0.0",
        columns={**COLUMNS, "nick": {"type": "word"}},
        indexes={"by_name": {"columns": ["name"]}},
        checks={"short": "char_length(name) < 50"},
    )


def comes_through(database, checkout):
    database.apply(checkout)
    assert database.plan(checkout).empty
    assert database.done_twice() == []


def nothing_by_halves(database):
    """No version of what isn't there, and no step that claims more than it did."""
    assert database.run("select version from dbm.version") == [("1.0.0.0",)]
    assert database.run("select 1 from dbm.run where state = 'running'") == []
    assert all(constraint.valid for constraint in database.tables()["person"].constraints.values())


# The connection


@pytest.fixture
def proxy(database):
    made = Proxy(database.url)
    yield made
    made.close()


@pytest.mark.parametrize("position", [1, 2, 3])
def test_a_connection_that_is_lost_between_steps_is_resumed_from(people, database, proxy, position):
    ask_for_more(people)

    def cut(event):
        if isinstance(event, StepEnded) and event.position == position:
            proxy.cut()

    with pytest.raises(FailedError, match=r"(?s)connection was lost.*pply again"):
        apply(proxy.url, people.load(), report=cut)
    assert database.run("select version from dbm.version") == [("1.0.0.0",)]
    comes_through(database, people)
    assert database.run("select state from dbm.run order by id") == [("done",), ("failed",), ("done",)]


def test_a_connection_that_is_lost_inside_a_step_undoes_the_step(people, database, proxy):
    """The step's transaction waits for a lock; when the way to the server is cut, the server notices and undoes it."""
    ask_for_more(people)
    failures = []

    def change():
        try:
            apply(proxy.url, people.load())
        except FailedError as error:
            failures.append(error)

    with database.connect() as blocker:
        blocker.execute("begin; lock table person.person in access share mode")
        thread = threading.Thread(target=change)
        thread.start()
        waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        until(lambda: database.run(waiting), "the change to wait for the lock")
        proxy.cut()
        thread.join()
    assert "connection was lost" in str(failures[0])
    assert "nick" not in database.tables()["person"].columns
    comes_through(database, people)


BUILDING = "select 1 from pg_stat_activity where datname = current_database() and query like 'create index conc%'"


def test_a_connection_that_is_lost_in_an_index_build_is_resumed_from(people, database, proxy):
    """The build waits for an old transaction. Once the way is cut, the server ends it by itself within a second."""
    ask_for_more(people)
    failures = []

    def change():
        try:
            apply(proxy.url, people.load())
        except FailedError as error:
            failures.append(error)

    with database.connect() as old:
        old.execute("begin isolation level repeatable read; select 1")
        thread = threading.Thread(target=change)
        thread.start()
        while not database.run(BUILDING + " and wait_event_type = 'Lock'"):
            assert thread.is_alive()
        proxy.cut()
        thread.join()
        while database.run(BUILDING):
            time.sleep(0.05)
        old.execute("commit")
    assert failures[0].exit_code == 4
    assert "connection was lost" in str(failures[0])
    assert database.run("select version from dbm.version") == [("1.0.0.0",)]
    comes_through(database, people)
    assert database.tables()["person"].indexes["person_by_name"].valid


def test_a_connection_that_is_lost_in_a_backfill_is_resumed_from(people, database, proxy):
    columns = {**COLUMNS, "visits": {"type": "integer", "required": True, "default": 0}}
    people.collection(version="1.1.0.0", columns=columns)
    database.apply(people)
    database.people(5_000)
    people.collection(version="1.2.0.0", columns=columns)
    file = "services/person/database/migrations/person/1.2.0/01_more.backfill.sql"
    people.write(file, "update person set visits = visits + 1")

    def cut(event):
        if isinstance(event, BackfillProgress):
            proxy.cut()

    with pytest.raises(FailedError, match=r"(?s)connection was lost.*pply again"):
        apply(proxy.url, people.load(), report=cut)
    assert 0 < database.value("select sum(visits) from person.person") < 6_000
    comes_through(database, people)
    assert database.run("select distinct visits from person.person") == [(1,)]


# Rights


@pytest.fixture
def helper(database, postgres):
    """The address of an administrator who may do most things: make schemas and tables, but no roles, nor change what is
    somebody else's."""
    database.run(
        "do $$ begin create role half_admin login password 'for-tests-only'; "
        "exception when duplicate_object then end $$;"
        "do $$ begin execute format('grant create, connect on database %I to half_admin', current_database()); end $$"
    )
    return postgres.role_url(database.url, "half_admin")


def fails(starter, checkout, url):
    command = starter.start("apply", checkout, url)
    assert command.wait() == 4, command.said
    assert "Connect as the owner of the object, or grant this role the privilege." in command.said
    assert "pply again" in command.said
    assert "Traceback" not in command.said
    return command.said


def test_no_right_to_do_a_step_is_said_with_the_object(people, database, starter, helper):
    """Somebody else's table, in the middle of a run: the steps before it are done."""
    people.collection("pet")
    ask_for_more(people)
    database.run(
        "grant usage, create on schema dbm, person to half_admin; grant all on all tables in schema dbm to half_admin;"
        "grant all on all sequences in schema dbm to half_admin"
    )
    before = database.tables()
    said = fails(starter, people, helper)
    assert "could not add column nick: must be owner of table person" in said
    assert database.tables()["person"] == before["person"]
    nothing_by_halves(database)
    database.run("alter table person.pet owner to current_user")
    comes_through(database, people)


def test_no_right_to_make_roles_is_said(checkout, database, starter, helper):
    name = f"rights_{uuid.uuid4().hex[:8]}"
    checkout.schema(name)
    checkout.collection("thing", schema=name)
    said = fails(starter, checkout, helper)
    assert "could not create role" in said
    assert "ermission denied to create role" in said
    assert database.run("select from dbm.version where schema = %s", name) == []
    comes_through(database, checkout)


def test_no_right_to_make_an_extension_is_said(people, database, starter, helper):
    database.run(
        "grant usage, create on schema dbm, person to half_admin; grant all on all tables in schema dbm to half_admin;"
        "grant all on all sequences in schema dbm to half_admin"
    )
    people.schema("person", extensions=["vector"])
    people.collection(version="1.1.0.0", columns=COLUMNS)
    said = fails(starter, people, helper)
    assert 'ermission denied to create extension "vector"' in said
    nothing_by_halves(database)
    comes_through(database, people)


def test_no_right_to_log_in_is_one_sentence(people, database, starter):
    url = make_conninfo(database.url, user="nobody_at_all", password="wrong")
    command = starter.start("apply", people, url)
    assert command.wait() == 4
    assert "Can't connect to the database" in command.said
    assert "Traceback" not in command.said
