"""How tests kill a run at a place of their choice: triggers in the database make it stand still there, from outside,
before a write of a record or after a statement; then its process gets kill -9, or its session is ended."""

import itertools
import os
import signal
import time
from typing import Any

from .world import Checkout, Database

_FUNCTION = """
create schema halt;
create sequence halt.passed;
create table halt.at (number bigint, what text, state text);
insert into halt.at {values};
create function halt.check() returns {returns} language plpgsql as $$
begin
    if {condition} then perform pg_sleep(600); end if;
    {end}
end $$;
"""
_NTH = "nextval('halt.passed') = (select number from halt.at)"
_TRIGGER = "create trigger halt before insert or update on dbm.{} for each row execute function halt.check();"
# Stands still before the n-th write that a run makes of what it does.
BEFORE_A_WRITE = _FUNCTION.format(values="values (%s)", returns="trigger", condition=_NTH, end="return new;") + "".join(
    _TRIGGER.format(table) for table in ("run", "step", "backfill", "collection_version")
)
# Stands still after its n-th statement that changes the catalog.
AFTER_A_STATEMENT = _FUNCTION.format(values="values (%s)", returns="event_trigger", condition=_NTH, end="") + (
    "create event trigger halt on ddl_command_end execute function halt.check();"
)
# Stands still where a step has done its work and is about to say so; or, for `intent`, is about to begin.
AT_A_STEP = _FUNCTION.format(
    values="(what, state) values (%s, %s)",
    returns="trigger",
    condition="exists (select from halt.at where what = new.what and state = new.state)",
    end="return new;",
) + _TRIGGER.format("step")
NEXT_STOP = "update halt.at set number = {}; alter sequence halt.passed restart"
NO_STOP = "drop event trigger if exists halt; drop schema if exists halt cascade"
STANDING = "select pid from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'"
END = f"select pg_terminate_backend(pid, 5000) from ({STANDING}) as standing"

_DONE = "select count(*) + (select coalesce(sum(rows), 0) from dbm.backfill) from dbm.step where state = 'done'"


def stands_still(database: Database, command: Any) -> bool:
    """Waits until the run stands still; False when it came to its end instead."""
    while not database.run(STANDING):
        if not command.runs:
            return False
        time.sleep(0.01)
    return True


def killed(database: Database, checkout: Checkout, starter: Any, *words: str) -> bool:
    """Whether a run stood still and died of kill -9."""
    command = starter.start("apply", checkout, database.url, *words)
    if not stands_still(database, command):
        assert command.wait() == 0, command.said
        return False
    command.kill()
    database.run(END)  # the server notices by itself too, within seconds; test_kill shows that
    return True


def terminated(database: Database, checkout: Checkout, starter: Any, *words: str) -> bool:
    """Whether a run stood still and lost its connection; it says so."""
    command = starter.start("apply", checkout, database.url, *words)
    if not stands_still(database, command):
        assert command.wait() == 0, command.said
        return False
    database.run(END)
    assert command.wait() == 4, command.said
    assert "again" in command.said
    return True


def interrupted(database: Database, checkout: Checkout, starter: Any, *words: str) -> bool:
    """Whether a run stood still and was told to end, as `docker stop` does."""
    command = starter.start("apply", checkout, database.url, *words)
    if not stands_still(database, command):
        assert command.wait() == 0, command.said
        return False
    os.kill(command.process, signal.SIGTERM)
    assert command.wait() == 4, command.said
    assert "again" in command.said
    return True


def dies_before_every_write(database: Database, checkout: Checkout, starter: Any, *approved: str) -> int:
    """One run after the other dies, each a write further than the last one: of kill -9, of a lost connection and of
    SIGTERM in turn. They are told what is approved only until one has written it down. Gives how many died."""
    database.run(BEFORE_A_WRITE % 1)
    stop, done, words = 1, database.value(_DONE), approved
    for died, way in enumerate(itertools.cycle((killed, terminated, interrupted))):
        if not way(database, checkout, starter, *words):
            database.run(NO_STOP)
            return died
        before, done = done, database.value(_DONE)
        # The first two writes are about runs. Where a run came no further than the one before, the next one may.
        stop = 4 if done > before else stop + 1
        words = () if database.run("select from dbm.run where approved <> '[]'") else approved
        assert stop < 12, "it comes no further"
        database.run(NEXT_STOP.format(stop))
    raise AssertionError
