"""A run that is told to end (SIGTERM, as by `docker stop`, or Ctrl-C) ends at once and in order: the statement is
cancelled, the step undone and recorded as failed, the lock free. It says so, and its exit code is 4."""

import os
import signal

import pytest

from gatehouse_db_manager import api
from gatehouse_db_manager.database.lock import lock

from ..standing import AT_A_STEP, NO_STOP, STANDING, stands_still

COLUMNS = {"visits": {"type": "integer", "required": True, "default": 0}}
WAITING = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
SIGNALS = [signal.SIGTERM, signal.SIGINT]


@pytest.fixture
def people(checkout, database):
    checkout.collection(columns=COLUMNS)
    database.apply(checkout)
    database.people(5_000)
    return checkout


def stop(command, number):
    os.kill(command.process, number)
    assert command.wait() == 4, command.said
    assert f"stopped by {number.name}" in command.said
    assert "pply again" in command.said
    assert "Traceback" not in command.said
    return command.said


def is_free_and_resumes(database, checkout):
    with api.connect(database.url) as other, lock(other, "person", 0):
        pass
    assert database.run("select 1 from dbm.run where state = 'running'") == []
    database.apply(checkout)
    assert database.plan(checkout).empty
    assert database.done_twice() == []


@pytest.mark.parametrize("number", SIGNALS)
def test_in_a_transaction_the_step_is_undone(people, database, starter, number):
    people.collection(version="1.1.0.0", columns={**COLUMNS, "nick": {"type": "word"}})
    database.run(AT_A_STEP.replace("%s", "$a$%s$a$") % ("add column nick", "done"))
    command = starter.start("apply", people, database.url)
    assert stands_still(database, command)
    said = stop(command, number)
    assert f"person.person: stopped by {number.name}; did not add column nick. The step was undone" in said
    assert "nick" not in database.tables()["person"].columns
    assert database.run(STANDING) == []
    database.run(NO_STOP)
    last = "select state, error from dbm.run order by id desc limit 1"
    assert database.run(last) == [("failed", f"stopped by {number.name}")]
    is_free_and_resumes(database, people)


def test_in_an_index_build_nothing_is_left_of_it(people, database, starter):
    people.collection(version="1.1.0.0", columns=COLUMNS, indexes={"by_name": {"columns": ["name"]}})
    before = database.tables()
    with database.connect() as old:
        old.execute("begin isolation level repeatable read; select 1")
        command = starter.start("apply", people, database.url)
        while not database.run(WAITING):
            assert command.runs, command.said
        said = stop(command, signal.SIGTERM)
        assert "did not build index person_by_name" in said
    assert all(index.valid for index in database.tables()["person"].indexes.values())
    assert database.tables() == before
    is_free_and_resumes(database, people)


def test_in_a_backfill_its_batches_stay(people, database, starter):
    people.collection(version="1.1.0.0", columns=COLUMNS)
    file = "services/person/database/migrations/person/1.1.0/01_more.backfill.sql"
    people.write(file, "update person set visits = visits + 1")
    database.run(
        "create function public.slow() returns trigger language plpgsql as $$ begin "
        "if new.name = 'Person 3000' then perform pg_sleep(600); end if; return new; end $$;"
        "create trigger slow before update on person.person for each row execute function public.slow()"
    )
    command = starter.start("apply", people, database.url)
    assert stands_still(database, command)
    assert "Completed batches are kept" in stop(command, signal.SIGTERM)
    assert database.value("select sum(visits) from person.person") == 2_000
    database.run("drop function public.slow cascade")
    is_free_and_resumes(database, people)
    assert database.run("select distinct visits from person.person") == [(1,)]


def test_while_it_waits_for_another_run_nothing_is_begun(people, database, starter):
    people.collection(version="1.1.0.0", columns={**COLUMNS, "nick": {"type": "word"}})
    with api.connect(database.url) as other, lock(other, "person", 0):
        command = starter.start("apply", people, database.url)
        while "waiting for another run to finish" not in command.said:
            assert command.runs, command.said
        stop(command, signal.SIGTERM)
    assert database.value("select count(*) from dbm.run") == 1
    is_free_and_resumes(database, people)
