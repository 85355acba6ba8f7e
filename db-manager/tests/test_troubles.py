"""What goes wrong around a run: each ends with its exit code and a message that says what to do, and records nothing
by halves; once the trouble is gone, applying again comes through."""

import contextlib
import socket
import threading

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gatehouse_db_manager import FailedError, apply
from gatehouse_db_manager.progress import StepEnded

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


# Locks


def test_a_run_that_never_ends_is_not_waited_for(people, database, starter):
    ask_for_more(people)
    with database.connect() as blocker:
        blocker.execute("select pg_advisory_lock(hashtextextended('gatehouse db-manager person', 0))")
        command = starter.start("apply", people, database.url, "--lock-wait", "0.3")
        assert command.wait() == 5, command.said
    assert "The schema person is locked by another run" in command.said
    assert "apply again" in command.said
    nothing_by_halves(database)
    comes_through(database, people)


def test_a_table_that_never_comes_free_is_not_waited_for(people, database):
    ask_for_more(people)
    with database.connect() as blocker:
        blocker.execute("begin; lock table person.person in access share mode")
        with pytest.raises(FailedError, match=r"(?s)look for long transactions.*apply again") as caught:
            database.apply(people, patience=0.5)
        assert caught.value.exit_code == 5
    nothing_by_halves(database)
    comes_through(database, people)


# The connection


class Proxy:
    """A way to the server that can be cut."""

    def __init__(self, url):
        known = conninfo_to_dict(url)
        self._target = (str(known["host"]), int(known["port"] or 5432))
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = make_conninfo(url, port=self._door.getsockname()[1])
        self._open = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._door.accept()
                server = socket.create_connection(self._target)
                self._open += [client, server]
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=self._copy, args=(one, other), daemon=True).start()

    def _copy(self, one, other):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self):
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        self._door.close()
        self.cut()
        for end in self._open:
            end.close()


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

    with pytest.raises(FailedError, match=r"(?s)connection is lost.*pply again"):
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
        while not database.run(waiting):
            pass
        proxy.cut()
        thread.join()
    assert "connection is lost" in str(failures[0])
    assert "nick" not in database.tables()["person"].columns
    comes_through(database, people)


# Rights


def test_no_right_to_do_a_step_is_said_with_the_object(people, database, starter, postgres):
    """Somebody else's table: PostgreSQL says must be owner of table person; the run ends with 4."""
    ask_for_more(people)
    database.run(
        "do $$ begin create role half_admin login password 'for-tests-only'; "
        "exception when duplicate_object then end $$;"
        "grant usage, create on schema dbm, person to half_admin; grant all on all tables in schema dbm to half_admin;"
        "do $$ begin execute format('grant create, connect on database %I to half_admin', current_database()); end $$"
    )
    before = database.tables()
    command = starter.start("apply", people, postgres.role_url(database.url, "half_admin"))
    assert command.wait() == 4, command.said
    assert "must be owner of table person" in command.said
    assert "Traceback" not in command.said
    assert database.tables() == before
    nothing_by_halves(database)
    comes_through(database, people)


def test_no_right_to_log_in_is_one_sentence(people, database, starter):
    url = make_conninfo(database.url, user="nobody_at_all", password="wrong")
    command = starter.start("apply", people, url)
    assert command.wait() == 4
    assert "There is no database to be reached" in command.said
    assert "Traceback" not in command.said
