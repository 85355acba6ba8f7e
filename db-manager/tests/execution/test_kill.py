"""Runs are killed wherever they write, and inside what takes long; the next run ends in the schema of an undisturbed
one, and does nothing twice.

What somebody has to approve first: test_kill_approved.
"""

import itertools
import time

import pytest

from ..standing import AFTER_A_STATEMENT, NO_STOP, dies_before_every_write, killed, terminated

pytestmark = pytest.mark.begins_early
COLUMNS = {
    "status": {"type": "enum", "of": "status", "required": True, "default": "pending"},
    "email": {"type": "text"},
}
ADA = {"id": "019a0000-0001-7000-8000-000000000001", "name": "Ada"}


def begin(checkout):
    checkout.enumerators(1, status=["pending", "active"])
    checkout.collection(version="1.0.0.1", columns=COLUMNS)


def grow(checkout):
    """Version 1.1.0.2: steps of every kind."""
    checkout.enumerators(2, status=["pending", "active", "archived"])
    checkout.collection(
        version="1.1.0.2",
        columns={**COLUMNS, "nick": {"type": "word"}},
        unique={"email_once": {"columns": ["email"]}},
        indexes={"by_nick": {"columns": ["nick"]}},
        checks={"short": "char_length(name) < 50"},
    )
    view = "create or replace view names as select name from person"
    checkout.write("services/person/database/repeatable/names.sql", view)
    checkout.rows([ADA], kind="reference")


@pytest.fixture
def people(checkout, database):
    """Version 1.0.0.1 with rows."""
    begin(checkout)
    database.apply(checkout)
    rows = "select 'P' || n, n || '@example.org' from generate_series(1, 50) n"
    database.run(f"insert into person.person (name, email) {rows}")
    return checkout


def test_a_change_that_dies_before_every_write_ends_as_an_undisturbed_one(people, database, new_database, starter):
    other = new_database(database.url)
    grow(people)
    steps = database.apply(people).schemas[0].steps
    assert dies_before_every_write(other, people, starter) > steps
    assert other.fingerprint() == database.fingerprint()
    assert other.done_twice() == []
    assert other.plan(people).empty


@pytest.mark.deep
def test_killed_after_any_statement_on_an_empty_database_it_resumes(checkout, database, new_database, starter):
    begin(checkout)
    database.apply(checkout)
    wanted = database.fingerprint()
    # Every statement would be 35 databases; that of a transaction makes no difference to what is left of it.
    for number in itertools.count(1, 5):
        other = new_database()
        other.run(AFTER_A_STATEMENT % number)
        if not killed(other, checkout, starter):
            break
        other.run(NO_STOP)
        other.apply(checkout)
        assert other.fingerprint() == wanted, f"killed after statement {number}"
        assert other.done_twice() == [], f"killed after statement {number}"
    assert number > 16


# Inside what takes long


@pytest.mark.deep
def test_a_backfill_that_dies_before_every_write_does_no_row_twice(checkout, database, new_database, starter):
    visits = {"visits": {"type": "integer", "required": True, "default": 0}}
    checkout.collection(columns=visits)
    database.apply(checkout)
    database.people(9_000)
    other = new_database(database.url)
    checkout.collection(version="1.1.0.0", columns=visits)
    file = "services/person/database/migrations/person/1.1.0/01_more.backfill.sql"
    checkout.write(file, "update person set visits = visits + 1")
    database.apply(checkout)
    assert dies_before_every_write(other, checkout, starter) > 9
    assert other.run("select distinct visits from person.person") == [(1,)]
    assert other.run("select from dbm.backfill") == []
    assert other.fingerprint() == database.fingerprint()
    assert other.done_twice() == []


def slow_check(database, number):
    """A rule that looks at the first row of `number` for ten minutes, so that VALIDATE does."""
    body = f"select name <> '' and (name <> 'P{number}' or pg_sleep(600) is not null)"
    database.run(f"create or replace function public.fine(name text) returns boolean language sql as $$ {body} $$")


@pytest.mark.parametrize("how", [killed, terminated])
def test_killed_while_rows_are_checked_it_resumes(people, database, new_database, starter, how):
    other = new_database(database.url)
    slow_check(database, 999)
    slow_check(other, 25)
    people.collection(version="1.1.0.1", columns=COLUMNS, checks={"fine": "public.fine(name)"})
    database.apply(people)
    assert how(other, people, starter)
    slow_check(other, 999)
    other.apply(people)
    assert other.fingerprint() == database.fingerprint()
    assert other.done_twice() == []


BUILDING = """
select pid from pg_stat_activity where datname = current_database() and query like 'create % index concurrently%'
    and state = 'active'
"""


def test_killed_while_an_index_is_built_the_server_notices_and_the_next_run_resumes(
    people, database, new_database, starter
):
    """The build waits for an old transaction. Nobody ends the session that the dead process leaves on the server."""
    other = new_database(database.url)
    people.collection(version="1.1.0.1", columns=COLUMNS, indexes={"by_email": {"columns": ["email"], "unique": True}})
    database.apply(people)
    with other.connect() as old:
        old.execute("begin; insert into person.person (name) values ('Old')")
        command = starter.start("apply", people, other.url)
        while not other.run(BUILDING):
            assert command.runs, command.said
        command.kill()
        again = starter.start("apply", people, other.url, "--lock-wait", "10")
        while other.run(BUILDING):
            time.sleep(0.05)
        old.execute("commit")
        assert again.wait() == 0, again.said
    assert other.fingerprint() == database.fingerprint()
    assert other.done_twice() == []
