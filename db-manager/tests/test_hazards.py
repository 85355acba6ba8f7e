"""Every operation that linters of migrations warn of, on a table with rows that is written to, with a long reader in
the way: done while nobody stalls for much longer than lock_timeout, or refused with the reason and the way round.

GATEHOUSE_LONG_READER=6 takes a reader of six seconds, as in the figures to reach; the default keeps CI short.
"""

import contextlib
import os
import threading
import time

import psycopg
import pytest

from gatehouse_db_manager import RefusedError, apply

LONG_READER = float(os.environ.get("GATEHOUSE_LONG_READER", "0.7"))  # seconds
LOCK_TIMEOUT = 0.1  # seconds; executor.LOCK_TIMEOUT
# What a busy machine of two cores adds, in s. Behind a reader that is waited for, a stall is LONG_READER.
NOISE = 0.25
ROWS = 10_000
COLUMNS = {
    "status": {"type": "enum", "of": "status", "required": True, "default": "pending"},
    "email": {"type": "text"},
    "visits": {"type": "integer", "required": True, "default": 0},
    "tags": {"type": "text_list"},
}
INDEXES = {"by_email": {"columns": ["email"]}}


def with_column(name, **column):
    return {"columns": {**COLUMNS, name: column}}


def without(name, **others):
    return {"columns": {key: value for key, value in (COLUMNS | others).items() if key != name}}


OPERATIONS = {
    "add a column": with_column("nick", type="word"),
    "add a column with a constant default": with_column("stars", type="rating", required=True, default=3),
    "add a column with a default that differs by row": with_column("key", type="identity"),
    "add a required column without a default": with_column("age", type="integer", required=True),
    "add a generated column": with_column("low", type="text", generated="lower(name)"),
    "add a reference": with_column("boss_id", type="reference", to="person"),
    "require a column that is there": with_column("email", type="text", required=True),
    "no longer require a column": with_column("visits", type="integer", default=0),
    "change a default": with_column("visits", type="integer", required=True, default=1),
    "widen a type": with_column("visits", type="bigint", required=True, default=0),
    "change a type": with_column("visits", type="text", required=True, default="0"),
    "change text to a stricter type": with_column("email", type="email"),
    "rename a column": without("tags", labels={"type": "text_list"}),
    "drop a column": without("tags"),
    "add a check": {"checks": {"short": "char_length(name) < 50"}},
    "add a unique constraint": {"unique": {"once": {"columns": ["name"]}}},
    "add an exclusion constraint": {"exclusions": {"apart": {"elements": {"int4range(visits, visits)": "&&"}}}},
    "build an index": {"indexes": INDEXES | {"by_name": {"columns": ["name"]}}},
    "build a unique index": {"indexes": INDEXES | {"by_name": {"columns": ["name"], "unique": True}}},
    "build an inverted index": {"indexes": INDEXES | {"by_tags": {"columns": ["tags"], "method": "gin"}}},
    "change an index": {"indexes": {"by_email": {"columns": ["email", "name"]}}},
    "drop an index": {"indexes": {}},
    "widen an enumerator": {"values": ["pending", "active", "archived"]},
    "narrow an enumerator": {"values": ["pending"]},
    "describe": {"description": "Somebody else"},
}


class Traffic:
    """Writes and reads of single rows of `table`, one after another; `worst` is the longest that one took, in s."""

    def __init__(self, database, table):
        self.worst, self.count = 0.0, 0
        self._database, self._table = database, table
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(statement,)) for statement in self._statements()]

    def _statements(self):
        first = self._database.value(f"select id from {self._table} limit 1")
        yield f"update {self._table} set name = name where id = '{first}'"
        yield f"insert into {self._table} (name) values ('New ' || random())"
        # Not `*`: a prepared one fails once when a column comes, whatever tool brings it.
        yield f"select id, name from {self._table} limit 1"

    def _run(self, statement):
        with self._database.connect() as connection:
            while not self._stop.is_set():
                asked = time.monotonic()
                connection.execute(statement.encode())
                self.worst = max(self.worst, time.monotonic() - asked)
                self.count += 1
                self._stop.wait(0.005)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()


@contextlib.contextmanager
def long_reader(database):
    """A report that began before the change, and has LONG_READER seconds to go."""
    with database.connect() as connection:
        connection.execute("begin; select count(*) from person.person")
        timer = threading.Timer(LONG_READER, lambda: connection.execute("commit"))
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def begin(checkout, version="1.0.0.1", values=(), **more):
    checkout.enumerators(1, status=["pending", "active"])
    if values:
        checkout.enumerators(2, status=list(values))
        version = "2.0.0.2"
    checkout.collection(version=version, **{"columns": COLUMNS, "indexes": INDEXES, **more})
    checkout.collection("other")


@pytest.fixture(scope="module")
def made_before(postgres):
    """The database with rows, once it is made; a copy of it is quicker."""
    urls = []
    yield urls
    for url in urls:
        postgres.drop_database(url)


@pytest.fixture
def people(checkout, new_database, made_before, postgres):
    """A copy of a database with a table that has rows, and one beside it that nobody changes: what the machine itself
    makes one wait."""
    begin(checkout)
    if not made_before:
        made_before.append(postgres.create_database())
        apply(made_before[0], checkout.load())
        with psycopg.connect(made_before[0]) as connection:
            connection.execute(
                f"insert into person.person (name, email) select 'P' || n, n || '@example.org' "
                f"from generate_series(1, {ROWS}) n; insert into person.other (name) values ('A')"
            )
    return new_database(made_before[0])


def stalled(traffic, beside):
    return traffic.worst - beside.worst - NOISE > 1.2 * LOCK_TIMEOUT


@pytest.mark.parametrize("operation", OPERATIONS)
def test_nobody_stalls_or_it_is_refused_with_the_way_round(people, checkout, operation):
    database = people
    before = database.tables()
    begin(checkout, "2.0.0.1", **OPERATIONS[operation])
    with Traffic(database, "person.person") as traffic, Traffic(database, "person.other") as beside:
        try:
            with long_reader(database):
                database.apply(checkout)
        except RefusedError as refused:
            assert database.tables() == before
            for problem in refused.problems:
                assert problem.mend, f"{operation}: no way round"
                assert len(problem.message) > 30, f"{operation}: no reason"
        else:
            assert database.plan(checkout).empty
            assert database.value("select version from dbm.version where collection = 'person'").startswith("2.")
    assert traffic.count > 10
    assert not stalled(traffic, beside), f"{operation} stalled for {traffic.worst:.3f} s"


@pytest.mark.parametrize("operation", ["drop a column", "narrow an enumerator"])
def test_nobody_stalls_when_it_is_approved(people, checkout, operation):
    database = people
    begin(checkout, "2.0.0.1", **OPERATIONS[operation])
    fingerprint = database.plan(checkout).fingerprint
    with pytest.raises(RefusedError):
        database.apply(checkout, approve="another")
    with Traffic(database, "person.person") as traffic, Traffic(database, "person.other") as beside:
        with long_reader(database):
            database.apply(checkout, approve=fingerprint)
        assert database.plan(checkout).empty
    assert not stalled(traffic, beside), f"{operation} stalled for {traffic.worst:.3f} s"
