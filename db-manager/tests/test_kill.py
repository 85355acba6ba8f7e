"""Runs are killed wherever they write, and inside what takes long; the next run ends in the schema of an undisturbed
one, and does nothing twice.

A run is stopped from outside: triggers in the database make it stand still at its n-th write, or its n-th statement.
"""

import itertools
import time

import pytest

COLUMNS = {
    "status": {"type": "enum", "of": "status", "required": True, "default": "pending"},
    "email": {"type": "text"},
}
ADA = {"id": "019a0000-0001-7000-8000-000000000001", "name": "Ada"}

STAND_STILL = """
create schema halt;
create sequence halt.passed;
create table halt.at (number bigint);
insert into halt.at values (%s);
create function halt.check() returns {returns} language plpgsql as $$
begin
    if nextval('halt.passed') = (select number from halt.at) then perform pg_sleep(600); end if;
    {end}
end $$;
"""
BEFORE_A_WRITE = STAND_STILL.format(returns="trigger", end="return new;") + "".join(
    f"create trigger halt before insert or update on dbm.{table} for each row execute function halt.check();"
    for table in ("run", "step", "backfill", "collection_version")
)
AFTER_A_STATEMENT = STAND_STILL.format(returns="event_trigger", end="") + (
    "create event trigger halt on ddl_command_end execute function halt.check();"
)
NEXT_STOP = "update halt.at set number = {}; alter sequence halt.passed restart"
NO_STOP = "drop event trigger if exists halt; drop schema if exists halt cascade"
STANDING = "select pid from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'"
END = f"select pg_terminate_backend(pid, 5000) from ({STANDING}) as standing"


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


def stands_still(database, command):
    """Waits until the run stands still; False when it came to its end instead."""
    while not database.run(STANDING):
        if not command.runs:
            return False
        time.sleep(0.01)
    return True


def killed(database, checkout, starter):
    """Whether a run stood still and died of kill -9."""
    command = starter.start("apply", checkout, database.url)
    if not stands_still(database, command):
        assert command.wait() == 0, command.said
        return False
    command.kill()
    database.run(END)  # the server notices by itself too, within seconds: see below
    return True


def terminated(database, checkout, starter):
    """A run stands still and loses its connection; it says so."""
    command = starter.start("apply", checkout, database.url)
    assert stands_still(database, command), command.said
    database.run(END)
    assert command.wait() == 4, command.said
    assert "again" in command.said


def die_everywhere(wanted, checkout, new_database, starter, *, before, halt, every=1):
    """One run is killed at its first stop, another at its second, and so on; each time the next is cut off as it begins
    to resume, and the third must come through. Gives the databases that died and came through."""
    for number in itertools.count(1, every):
        database = new_database(before)
        database.run(halt % number)
        if not killed(database, checkout, starter):
            return
        if halt is BEFORE_A_WRITE:
            # Its first two writes are about runs, the third is about the step that was killed.
            database.run(NEXT_STOP.format(3))
            terminated(database, checkout, starter)
        database.run(NO_STOP)
        database.apply(checkout)
        assert database.fingerprint() == wanted, f"killed at stop {number}"
        assert database.done_twice() == [], f"killed at stop {number}"
        assert database.plan(checkout).empty
        yield database


def test_killed_before_any_write_of_a_change_it_resumes(people, database, new_database, starter):
    before = new_database(database.url).url
    grow(people)
    steps = database.apply(people).schemas[0].steps
    wanted = database.fingerprint()
    died = die_everywhere(wanted, people, new_database, starter, before=before, halt=BEFORE_A_WRITE)
    assert len(list(died)) > steps


def test_killed_after_any_statement_on_an_empty_database_it_resumes(checkout, database, new_database, starter):
    begin(checkout)
    database.apply(checkout)
    # Every statement would be 35 databases; that of a transaction makes no difference to what is left of it.
    wanted = database.fingerprint()
    died = die_everywhere(wanted, checkout, new_database, starter, before=None, halt=AFTER_A_STATEMENT, every=4)
    assert len(list(died)) > 4


# Inside what takes long


def test_killed_before_any_write_of_a_backfill_it_does_no_row_twice(checkout, database, new_database, starter):
    visits = {"visits": {"type": "integer", "required": True, "default": 0}}
    checkout.collection(columns=visits)
    database.apply(checkout)
    database.people(9_000)
    before = new_database(database.url).url
    checkout.collection(version="1.1.0.0", columns=visits)
    file = "services/person/database/migrations/person/1.1.0/01_more.backfill.sql"
    checkout.write(file, "update person set visits = visits + 1")
    database.apply(checkout)
    wanted = database.fingerprint()
    died = die_everywhere(wanted, checkout, new_database, starter, before=before, halt=BEFORE_A_WRITE)
    once = [one.run("select distinct visits from person.person") for one in died]
    assert len(once) > 6
    assert {row for rows in once for row in rows} == {(1,)}


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
    how(other, people, starter)
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
