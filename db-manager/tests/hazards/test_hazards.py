"""Every operation that linters of migrations warn of, on a table with rows that is written to, with a long reader in
the way: each ends just as lessons.py declares, and nobody else waits for that reader.

No clock judges it. The reader goes on until the change has given way to it twice, and until others have read and
written after that, so a change that makes others wait for the reader is seen whatever the machine's speed.
"""

import concurrent.futures
import threading
import time
from typing import Any

import msgspec
import psycopg
import pytest

from gatehouse_db_manager import FailedError, RefusedError, apply
from gatehouse_db_manager.errors import Refusal
from gatehouse_db_manager.hazards.lessons import LESSONS
from gatehouse_db_manager.planning.plan import Hazard

from ..world import Checkout, Database

pytestmark = pytest.mark.begins_early
FOLDER = "services/person/database"
# Seconds after which a change that still stands before the reader has stalled everybody behind it; lock_timeout is 0.1.
HANG = 30.0
# As many threads as a machine of two cores bears; each waits for its reader most of the time.
AT_ONCE = 20
ROWS = 10_000
COLUMNS = {
    "status": {"type": "enum", "of": "status", "required": True, "default": "pending"},
    "email": {"type": "text"},
    "visits": {"type": "integer", "required": True, "default": 0},
    "tags": {"type": "text_list"},
    "other_id": {"type": "reference", "to": "other"},
}
UNIQUE = {"pair": {"columns": ["name", "email"]}}
INDEXES = {"by_email": {"columns": ["email"]}}


def with_column(name, **column):
    return {"columns": {**COLUMNS, name: column}}


def without(name, **others):
    return {"columns": {key: value for key, value in (COLUMNS | others).items() if key != name}}


# By the lesson that each is about: what it changes, and more that is to be so before.
OPERATIONS: dict[str, list[dict[str, Any]]] = {
    "column.add": [
        with_column("nick", type="word"),
        with_column("stars", type="rating", required=True, default=3),
    ],
    "column.default.volatile": [with_column("key", type="identity")],
    "column.required.add": [with_column("age", type="integer", required=True)],
    "column.required.full": [with_column("email", type="text", required=True)],
    "column.required.empty": [with_column("tags", type="text_list", required=True)],
    "column.default": [with_column("visits", type="integer", required=True, default=1)],
    "column.type.wider": [with_column("visits", type="integer", default=0)],
    "column.type": [with_column("visits", type="bigint", required=True, default=0)],
    "column.type.values": [with_column("email", type="integer")],
    "column.generated": [with_column("low", type="text", generated="lower(name)")],
    "column.rename": [without("tags", labels={"type": "text_list", "renamed_from": "tags"})],
    "column.drop": [without("tags")],
    "table.rename": [{"collection": "people"}],
    "table.drop": [{"gone": "spare"}],
    "index.build": [
        {"indexes": INDEXES | {"by_name": {"columns": ["name"]}}},
        {"indexes": INDEXES | {"by_tags": {"columns": ["tags"], "method": "gin"}}},
    ],
    "index.change": [{"indexes": {"by_email": {"columns": ["email", "name"]}}}],
    "index.drop": [{"indexes": {}}],
    "unique.add": [{"unique": UNIQUE | {"once": {"columns": ["name"]}}}],
    "unique.change": [{"unique": {"pair": {"columns": ["email", "name"]}}}],
    "unique.drop": [{"unique": {}}],
    "exclusion.add": [{"exclusions": {"apart": {"elements": {"name": "="}, "using": "hash"}}}],
    "foreign_key.add": [with_column("boss_id", type="reference", to="person")],
    "foreign_key.drop": [with_column("other_id", type="uuid")],
    "check.add": [{"checks": {"short": "char_length(name) < 50"}}, with_column("email", type="email")],
    "enumerator.widen": [{"values": ["pending", "active", "archived"]}],
    "enumerator.narrow": [{"values": ["pending"]}],
    "enumerator.narrow.rows": [
        {
            "values": ["active"],
            **with_column("status", type="enum", of="status", required=True, default="active"),
        }
    ],
    "migration.contract": [{"contract": "update other set name = 'gone'"}],
    "sequence.drop": [{"sequences": {}}],
    "role.change": [{"roles": {"service": "hazard_service", "reader": "hazard_reader"}}],
    "version.same": [{"version": "1.0.0.1", "description": "Somebody else"}],
    "column.types": [
        with_column("seen_at", type="timestamp"),
        with_column("details", type="document", schema={"type": "object"}),
    ],
    "key.integer": [{"key": {"id": {"type": "integer", "identity": "by default", "primary": True}}}],
}
# SQL that would be run, but for its lesson.
SQL = {
    "sql.transaction": "update other set name = 'B'; commit; update other set name = 'B';",
    "sql.timeout": "set lock_timeout = 0;",
    "sql.lock": "lock table person;",
    "sql.hold": "alter table person alter column name set statistics 200; update person set name = name;",
    "sql.index": "create index slow on person (name);",
    "sql.index.drop": "drop index person_by_email;",
    "sql.reindex": "reindex table person;",
    "sql.vacuum": "cluster person using person_pkey;",
    "sql.refresh": "refresh materialized view counts;",
    "sql.cascade": "truncate other cascade;",
    "sql.drop": "drop table spare;",
    "sql.column": "alter table person add column code bigserial;",
    "sql.constraint": "alter table person add constraint named check (name <> '');",
    "sql.type": "alter table person alter column visits type bigint;",
    "sql.rename": "alter index person_by_email rename to by_email;",
    "sql.storage": "alter table person set unlogged;",
    "sql.partition": "alter table person attach partition spare for values in ('a');",
    "sql.trigger": "alter table person disable trigger all;",
    "sql.enum": "alter type mood add value 'glad';",
    "sql.domain": "alter domain short add check (value <> '');",
    "sql.table": "create table saved as select * from person;",
    "sql.server": "drop owned by person_service;",
}
OPERATIONS |= {lesson: [{"expand": sql}] for lesson, sql in SQL.items()}
# What has a test of its own: two below, about large tables; test_origin_defects; test_dependents; test_existing_rows;
# and test_pairs (no extension can be had in every PostgreSQL).
ELSEWHERE = {"table.rewrite", "sql.rows", "data.test", "extension.drop", "dependents", "rows.violate"}


class Traffic:
    """Writes and reads of single rows of `table`, one after another; `counts` says how many of each have ended."""

    def __init__(self, database, table):
        self._database = database
        self._stop = threading.Event()
        first = database.value(f"select id from {table} limit 1")
        statements = (
            f"update {table} set name = name where id = '{first}'",
            # Not `*`: a prepared one fails once when a column comes, whatever tool brings it.
            f"select id, name from {table} limit 1",
        )
        self.counts = [0] * len(statements)
        self._threads = [threading.Thread(target=self._run, args=pair) for pair in enumerate(statements)]

    def _run(self, kind, statement):
        with self._database.connect() as connection:
            while not self._stop.wait(0.02):
                try:
                    connection.execute(statement.encode())
                except psycopg.errors.UndefinedTable:
                    return  # it was renamed, with approval
                self.counts[kind] += 1

    def passed(self, since):
        """Whether every kind has ended a statement that it began after its counts were `since`."""
        ended = zip(self._threads, self.counts, since, strict=True)
        return all(count >= before + 2 or not thread.is_alive() for thread, count, before in ended)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()


WAITS = """select pid, waitstart, locktype = 'relation' from pg_locks
where not granted and waitstart is not null and %s = any(pg_blocking_pids(pid))"""


class LongReader:
    """A report that began before the change. It ends when the change has waited for it and others have passed since:
    twice, if the change waits for the table; once, if it waits for the transaction (CONCURRENTLY), which stops nobody.
    It ends with the change, too. `stalled` says that others didn't pass.
    """

    def __init__(self, database, traffic):
        self.stalled = False
        self._database, self._traffic = database, traffic
        self._changed = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self._reader = psycopg.connect(self._database.url, autocommit=True)
        self._reader.execute("begin; select count(*) from person.person")
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._changed.set()
        self._thread.join()
        self._reader.close()

    def _watch(self):
        waited = set()

        def gave_way():
            waits = monitor.execute(WAITS, [self._reader.info.backend_pid]).fetchall()
            waited.update((process, since) for process, since, is_for_table in waits if is_for_table)
            return len(waited) > 1 or any(not is_for_table for *_, is_for_table in waits)

        with self._database.connect() as monitor:
            self._wait(gave_way)
            counts = list(self._traffic.counts)
            self._wait(lambda: self._traffic.passed(counts))
        self._reader.execute("commit")

    def _wait(self, condition):
        ends = time.monotonic() + HANG
        while not (self.stalled or condition() or self._changed.wait(0.02)):
            self.stalled = time.monotonic() > ends


def begin(checkout, version="1.0.0.1", *, values=(), contract="", expand="", gone="", key=(), **more):
    """The schema as it was, but for what is given."""
    checkout.enumerators(1, status=["pending", "active"])
    if values:
        checkout.enumerators(2, status=list(values))
        version = "2.0.0.2"
    sequences = more.pop("sequences", {"ticket": {}})
    roles = {"roles": more.pop("roles")} if "roles" in more else {}
    checkout.schema("person", sequences=sequences, **roles)
    name = more.pop("collection", "person")
    if name != "person":
        (checkout.root / f"{FOLDER}/collections/person.yaml").unlink()
        more |= {"renamed_from": "person"}
    columns = more.pop("columns", COLUMNS)
    checkout.collection(name, version, **{"columns": columns, "indexes": INDEXES, "unique": UNIQUE, **more})
    if gone:
        (checkout.root / f"{FOLDER}/collections/{gone}.yaml").unlink()
    else:
        checkout.collection("spare")
    if contract:
        checkout.write(f"{FOLDER}/migrations/person/2.0.0/01_it.contract.sql", contract)
    if expand:
        checkout.write(f"{FOLDER}/migrations/person/2.0.0/01_it.expand.sql", expand)
    checkout.collection("other")
    if key:
        checkout.collection("number", columns=key)


class Ended(msgspec.Struct):
    """How an operation went: refused outright, approved, or neither; and what that did to others."""

    refusals: tuple[Any, ...] = ()
    hazards: tuple[Any, ...] = ()
    notes: tuple[str, ...] = ()
    refused: bool = False
    failure: str = ""
    in_place: bool = False
    untouched: bool = True
    stalled: bool = False
    count: int = 0


def do(database, checkout, change):
    """Tries without approval and then, if it is asked for, with it; what is refused, at once with it."""
    before = database.tables()
    begin(checkout, **{"version": "2.0.0.1", **change})
    planned = database.plan(checkout)
    ended = Ended(planned.refusals, planned.hazards, planned.schemas[0].notes)
    with Traffic(database, "person.person") as traffic:
        for approve in ([planned.fingerprint],) if planned.refusals else ((), [planned.fingerprint]):
            try:
                with LongReader(database, traffic) as reader:
                    database.apply(checkout, approve=approve)
                break
            except RefusedError:
                ended.untouched &= database.tables() == before
                ended.refused = True
            except FailedError as error:
                ended.failure = str(error)
                break
            finally:
                ended.stalled |= reader.stalled
    if not planned.refusals:
        after = database.plan(checkout)
        ended.in_place = after.empty and not after.refusals
    ended.count = sum(traffic.counts)
    return ended


EVERY = [(lesson, number) for lesson, changes in OPERATIONS.items() for number in range(len(changes))]


@pytest.fixture(scope="module")
def ended(postgres, tmp_path_factory):
    """What is refused changes nothing: one after another on one database. All others at once, each on a copy, so that
    they wait for their readers together."""
    first = Database(postgres.create_database())
    start = Checkout(tmp_path_factory.mktemp("start"))
    begin(start)
    apply(first.url, start.load())
    first.run(
        f"insert into person.person (name, email) select 'P' || n, 'p' || n || '@example.org' "
        f"from generate_series(1, {ROWS}) n; "
        "insert into person.other (name) values ('B'); insert into person.spare (name) values ('C')"
    )
    refused = [one for one in EVERY if LESSONS[one[0]].how == "refused"]
    others = [one for one in EVERY if one not in refused]
    databases = {one: Database(postgres.create_database(first.url)) for one in others}
    alone = Database(postgres.create_database(first.url))

    def run(one, database):
        checkout = Checkout(tmp_path_factory.mktemp("one"))
        begin(checkout)
        try:
            return do(database, checkout, OPERATIONS[one[0]][one[1]])
        except Exception as error:  # it is this operation's failure, not all others'
            return Ended(failure=repr(error))

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        one_by_one = pool.submit(lambda: {one: run(one, alone) for one in refused})
        found = dict(zip(others, pool.map(run, others, databases.values()), strict=True)) | one_by_one.result()
    yield found
    for database in (first, alone, *databases.values()):
        postgres.drop_database(database.url)


def test_every_lesson_is_shown():
    assert OPERATIONS.keys() | ELSEWHERE == LESSONS.keys()


@pytest.mark.deep
@pytest.mark.parametrize("one", EVERY, ids=lambda one: f"{one[0]}-{one[1]}")
def test_it_ends_as_its_lesson_declares_and_nobody_stalls(ended, one):
    lesson, how = LESSONS[one[0]], ended[one]
    assert not how.failure
    assert how.refused == (lesson.how in {"asks", "refused"})
    assert any(lesson.danger in note for note in how.notes) == (lesson.how == "warns")
    assert how.untouched, "a refusal changes nothing"
    if lesson.how == "refused":
        assert how.refusals
        assert all(problem.fix for problem in how.refusals)
    else:
        assert not how.refusals
        assert how.in_place
        assert bool(how.hazards) == (lesson.how == "asks")
    if lesson.how == "asks":
        assert one[0] in {hazard.kind for hazard in how.hazards}
    if one[0] in SQL:
        assert lesson.danger in {problem.why for problem in how.refusals}
        assert how.refusals[0].file.endswith("01_it.expand.sql:1")
    for problem in (*how.refusals, *how.hazards):
        if isinstance(problem, Refusal | Hazard):
            assert problem.why
            assert problem.bad
            assert problem.good
    assert how.count > 1, "somebody read and wrote meanwhile"
    # How long they wait for the lock itself: `gate bench db-manager`.
    assert not how.stalled, "others waited for the reader, behind the change"


def test_rewrite_of_a_large_table_is_refused(checkout, database, monkeypatch):
    """Whoever approves: nobody could read or write until it is done."""
    begin(checkout)
    database.apply(checkout)
    database.run("insert into person.person (name) values ('Ada')")
    monkeypatch.setattr("gatehouse_db_manager.planning.table_rewrite.SMALL", 100)
    begin(checkout, "2.0.0.1", columns=with_column("visits", type="bigint")["columns"])
    planned = database.plan(checkout)
    with pytest.raises(RefusedError) as caught:
        database.apply(checkout, approve=planned.fingerprint)
    (problem,) = caught.value.problems
    assert isinstance(problem, Refusal)
    assert "under an exclusive lock" in problem.why
    assert problem.good == LESSONS["table.rewrite"].said(LESSONS["table.rewrite"].good, {})


def test_rows_of_a_large_table_are_not_changed_in_one_transaction(checkout, database, monkeypatch):
    begin(checkout)
    database.apply(checkout)
    database.people(3)
    sql = "update other set name = 'B'; delete from only person.person where false;"
    begin(checkout, "2.0.0.1", expand=sql)
    assert not database.plan(checkout).refusals
    monkeypatch.setattr("gatehouse_db_manager.hazards.sql_lint.SMALL", 100)
    (problem,) = database.plan(checkout).refusals
    assert isinstance(problem, Refusal)
    assert (problem.key, problem.why) == ("update-many-rows", LESSONS["sql.rows"].danger)
    begin(checkout, "2.0.0.1", expand=sql.replace("delete", "-- squawk-ignore update-many-rows\ndelete"))
    assert not database.plan(checkout).refusals
