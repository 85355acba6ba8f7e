"""Locks that never come free, in each kind of step: the run gives up with 5, says who is in the way, and leaves what
was there; once the way is free, applying again comes through."""

import pytest

from gatehouse_db_manager import FailedError, RefusedError, api
from gatehouse_db_manager.database.lock import lock
from gatehouse_db_manager.execution import executor
from gatehouse_db_manager.execution.progress import OldTransaction

COLUMNS = {"email": {"type": "text"}, "visits": {"type": "integer", "required": True, "default": 0}}
MOVES = "services/person/database/migrations/person/2.0.0"


@pytest.fixture
def people(checkout, database):
    checkout.collection(columns=COLUMNS, indexes={"by_name": {"columns": ["name"]}})
    database.apply(checkout)
    database.people(100)
    return checkout


def version_2(checkout, columns=COLUMNS, indexes=("by_name",), **more):
    kept = {name: {"columns": ["name"]} for name in indexes}
    checkout.collection(version="2.0.0.0", columns=columns, indexes=kept, **more)


def approved(database, checkout, **more):
    """Applies with the approvals that it needs, if any."""
    return database.apply(checkout, approve=database.plan(checkout).fingerprint, **more)


def gives_up(database, checkout, **more):
    with pytest.raises(FailedError) as caught:
        approved(database, checkout, **more)
    assert caught.value.exit_code == 5
    assert "pply again" in str(caught.value)
    assert database.run("select version from dbm.version") == [("1.0.0.0",)]
    assert database.run("select 1 from dbm.run where state = 'running'") == []
    return str(caught.value)


def comes_through(database, checkout):
    """Without another approval: the run that gave up remembers it."""
    database.apply(checkout)
    assert database.plan(checkout).empty
    assert database.done_twice() == []
    assert all(index.valid for index in database.tables()["person"].indexes.values())


def test_a_run_that_never_ends_is_not_waited_for(people, database, starter):
    version_2(people, columns={**COLUMNS, "nick": {"type": "text"}})
    with database.connect() as blocker:
        blocker.execute("select pg_advisory_lock(hashtextextended('gatehouse db-manager person', 0))")
        command = starter.start("apply", people, database.url, "--lock-wait", "0.3")
        assert command.wait() == 5, command.said
    assert "The schema person is locked by another run" in command.said
    assert "apply again" in command.said
    comes_through(database, people)


CHANGES = {
    "an added column": {"columns": {**COLUMNS, "nick": {"type": "text"}}},
    "a dropped column": {"columns": {"visits": COLUMNS["visits"]}},
    "a renamed column": {"columns": {"visits": COLUMNS["visits"], "mail": {"type": "text", "renamed_from": "email"}}},
    "a rewrite": {"columns": {**COLUMNS, "visits": {"type": "bigint", "required": True, "default": 0}}},
    "a check": {"checks": {"short": "char_length(name) < 50"}},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_reader_that_never_ends_is_not_waited_for(people, database, change):
    version_2(people, **CHANGES[change])
    before = database.tables()
    with database.connect() as reader:
        reader.execute("begin; select from person.person")
        said = gives_up(database, people, patience=0.3)
    assert "find long transactions in pg_stat_activity" in said
    assert database.tables() == before
    comes_through(database, people)


def test_a_backfill_gives_up_at_a_row_that_never_comes_free(people, database):
    version_2(people)
    people.write(f"{MOVES}/01_more.backfill.sql", "update person set visits = visits + 1")
    with database.connect() as writer:
        writer.execute("begin; update person.person set email = 'mine' where name = 'Person 50'")
        assert "it resumes after them" in gives_up(database, people, patience=0.3)
    comes_through(database, people)
    assert database.run("select distinct visits from person.person") == [(1,)]


def test_a_contract_file_gives_up_at_a_row_that_never_comes_free(people, database):
    version_2(people)
    people.write(f"{MOVES}/01_out.contract.sql", "update person set visits = visits + 1;")
    with database.connect() as writer:
        writer.execute("begin; update person.person set email = 'mine' where name = 'Person 50'")
        gives_up(database, people, patience=0.3)
    comes_through(database, people)
    assert database.run("select distinct visits from person.person") == [(1,)]


@pytest.mark.parametrize("indexes", [("by_name", "again"), ()], ids=["built", "dropped"])
def test_an_index_says_whose_old_transaction_it_waits_for_and_gives_up(people, database, indexes, monkeypatch):
    """The writer's lock is also in the way of taking the half-built index away: the next run does."""
    for name, value in {"BUILD_TIMEOUT": "300ms", "UNDO_TIMEOUT": "100ms", "OLD_AFTER": 0.01}.items():
        monkeypatch.setattr(executor, name, value)
    version_2(people, indexes=indexes)
    seen = []
    with database.connect() as writer:
        writer.execute("set application_name = 'a report'; begin")
        writer.execute("insert into person.person (name) values ('Old')")
        said = gives_up(database, people, report=seen.append)
        process = writer.info.backend_pid
    (old,) = [event for event in seen if isinstance(event, OldTransaction)]
    assert (old.process, old.application) == (process, "a report")
    for words in (old.words, said):
        assert f"session {process} of gatehouse_admin, a report, whose transaction is open for " in words
        assert "insert into person.person (name) values ('Old')" in words
    comes_through(database, people)


def test_a_lock_is_free_again_after_a_refusal(people, database):
    version_2(people, columns={})
    with pytest.raises(RefusedError):
        database.apply(people)
    with api.connect(database.url) as other, lock(other, "person", 0):
        pass
