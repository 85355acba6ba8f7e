"""Changes to tables that have rows, while they are read and written; and those that are refused, with the way round."""

import subprocess
import sys
import threading

import psycopg
import pytest

from gatehouse_db_manager import FailedError, RefusedError, apply
from gatehouse_db_manager.errors import Refusal
from gatehouse_db_manager.execution import executor
from gatehouse_db_manager.execution.progress import OldTransaction, StepRetried
from gatehouse_local.testing.waiting import until

EMAIL = {"email": {"type": "text"}}


@pytest.fixture
def people(checkout, database):
    """A table with three rows, as version 1.0.0.1."""
    checkout.enumerators(1, status=["pending", "active"])
    start(checkout)
    database.apply(checkout)
    database.run(
        "insert into person.person (name, email) "
        "values ('Ada', 'a@example.org'), ('Ben', 'b@example.org'), ('Cy', null)"
    )
    return checkout


def start(checkout, version="1.0.0.1", columns=None, **more):
    status = {"type": "enum", "of": "status", "required": True, "default": "pending"}
    checkout.collection(version=version, columns={"status": status, **EMAIL, **(columns or {})}, **more)


def whats(plan):
    return [step.what for step in plan.steps]


def settles(database, checkout):
    """Nothing is left to do, and the version is written."""
    assert database.plan(checkout).empty
    version = checkout.load().schemas[0].collections[0].version_text
    assert database.value("select version from dbm.version") == version


# Done in place


def test_a_nullable_column_is_added(people, database):
    start(people, "1.0.1.1", {"nick": {"type": "word", "description": "What friends say"}})
    plan = database.plan(people)
    assert [what.partition(" person_")[0] for what in whats(plan)] == ["add column nick", "validate"]
    assert all("nick" in step.what for step in plan.steps), "the plan shows just the change"
    assert plan.schemas[0].notes == ()
    database.apply(people)
    assert database.tables()["person"].columns["nick"].description == "What friends say"
    assert all(constraint.valid for constraint in database.tables()["person"].constraints.values())
    settles(database, people)


def test_a_required_column_with_a_constant_default_is_added(people, database):
    start(
        people,
        "1.0.1.1",
        {"visits": {"type": "integer", "required": True, "default": 3}, "made": {"type": "breadcrumb"}},
    )
    database.apply(people)
    assert database.run("select distinct visits, made_at is not null from person.person") == [(3, True)]
    settles(database, people)


def test_an_index_is_built_beside_the_traffic(people, database):
    start(people, "1.0.1.1", indexes={"by_email": {"columns": ["email"]}})
    (step,) = database.plan(people).steps
    assert (step.kind, step.locks) == ("no_tx", "nothing: reads and writes continue")
    assert step.statements == ("create index concurrently person_by_email on person.person using btree (email)",)
    database.apply(people)
    assert database.tables()["person"].indexes["person_by_email"].valid
    settles(database, people)


def test_an_invalid_leftover_of_an_index_is_built_anew(people, database):
    database.run("update person.person set email = 'same'")
    with pytest.raises(psycopg.errors.UniqueViolation):
        database.run("create unique index concurrently person_by_email on person.person (email)")
    database.run("update person.person set email = name")
    start(people, "1.0.1.1", indexes={"by_email": {"columns": ["email"], "unique": True}})
    assert whats(database.plan(people)) == ["drop index person_by_email", "build unique index person_by_email"]
    database.apply(people)
    index = database.tables()["person"].indexes["person_by_email"]
    assert (index.valid, index.unique) == (True, True)


def test_an_index_that_changes_is_replaced_only_when_the_new_one_stands(people, database):
    start(people, "1.0.1.1", indexes={"by_email": {"columns": ["email"]}})
    database.apply(people)
    start(people, "1.0.2.1", indexes={"by_email": {"columns": ["email", "name"]}})
    assert whats(database.plan(people)) == [
        "build index person_by_email__next",
        "replace index person_by_email",
    ]
    database.apply(people)
    assert "(email, name)" in database.tables()["person"].indexes["person_by_email"].definition
    settles(database, people)
    start(people, "1.0.3.1")
    database.apply(people, approve=database.plan(people).fingerprint)
    assert database.tables()["person"].indexes == {}
    settles(database, people)


def test_an_enumerator_widens_while_the_old_check_stands(people, database):
    people.enumerators(2, status=["pending", "active", "archived"])
    start(people, "1.0.1.2")
    plan = database.plan(people)
    assert whats(plan) == [
        "add check person_status_enumerator__next (not valid yet)",
        "validate person_status_enumerator__next",
        "replace check person_status_enumerator",
        "list the enumerators in enumerator_values",
    ]
    assert "not valid" in plan.steps[0].statements[0]
    database.apply(people)
    database.run("update person.person set status = 'archived'")
    assert database.value("select count(*) from person.enumerator_values") == 3
    settles(database, people)


def test_a_check_is_added_and_validated_in_transactions_of_their_own(people, database):
    start(people, "1.1.0.1", checks={"short": "char_length(name) < 50"})
    plan = database.plan(people)
    assert [step.statements[0].rpartition(" ")[2] for step in plan.steps] == ["valid", "person_short"]
    database.apply(people)
    assert database.tables()["person"].constraints["person_short"].valid
    settles(database, people)


def test_a_tighter_rule_in_a_patch_version_is_remarked_on(people, database):
    start(people, "1.0.1.1", checks={"short": "char_length(name) < 50"})
    (note,) = database.plan(people).schemas[0].notes
    assert "that is a minor version (1.1.0.1)" in note


@pytest.mark.usefixtures("unseen_rows")
def test_a_check_that_rows_break_leaves_everything_as_it_was(people, database):
    before = database.tables()
    start(people, "1.1.0.1", checks={"ada": "name = 'Ada'"})
    with pytest.raises(FailedError, match="Change the rows that violate it, or the rule"):
        database.apply(people)
    assert database.tables() == before
    database.run("update person.person set name = 'Ada'")
    database.apply(people)
    settles(database, people)


@pytest.mark.usefixtures("unseen_rows")
def test_a_changed_check_that_rows_break_leaves_the_old_one(people, database):
    start(people, "1.1.0.1", checks={"short": "char_length(name) < 50"})
    database.apply(people)
    before = database.tables()
    start(people, "1.2.0.1", checks={"short": "char_length(name) < 3"})
    with pytest.raises(FailedError):
        database.apply(people)
    assert database.tables() == before
    start(people, "1.2.0.1", checks={"short": "char_length(name) < 30"})
    database.apply(people)
    assert "30" in database.tables()["person"].constraints["person_short"].definition
    settles(database, people)


def test_a_unique_constraint_comes_by_way_of_an_index(people, database):
    start(people, "1.1.0.1", unique={"email_once": {"columns": ["email"]}})
    assert [step.kind for step in database.plan(people).steps] == ["no_tx", "tx"]
    database.apply(people)
    assert database.tables()["person"].constraints["person_email_once"].kind == "unique"
    settles(database, people)


def test_nulls_may_count_as_equal_in_a_unique_constraint(people, database):
    start(people, "1.1.0.1", unique={"email_once": {"columns": ["email"], "nulls": "not_distinct"}})
    database.apply(people)
    with pytest.raises(psycopg.errors.UniqueViolation):
        database.run("insert into person.person (name) values ('Dee')")
    settles(database, people)


@pytest.mark.usefixtures("unseen_rows")
def test_duplicates_leave_no_half_built_index(people, database):
    database.run("update person.person set email = 'same'")
    before = database.tables()
    start(people, "1.1.0.1", unique={"email_once": {"columns": ["email"]}})
    with pytest.raises(FailedError, match=r"Key \(email\)=\(same\) is duplicated. Change the duplicate rows"):
        database.apply(people)
    assert database.tables() == before


def test_a_foreign_key_is_added_to_a_table_with_rows(people, database):
    start(people, "1.0.1.1", {"boss_id": {"type": "reference", "to": "person"}})
    database.apply(people)
    person = database.tables()["person"]
    assert person.constraints["person_boss_id_reference"].valid
    assert person.indexes["person_boss_id_index"].valid
    settles(database, people)


def test_a_new_table_may_refer_to_one_that_stands(people, database):
    people.collection("pet", columns={"owner_id": {"type": "reference", "to": "person", "required": True}})
    database.apply(people)
    assert set(database.tables()) == {"person", "pet"}
    assert database.plan(people).empty


def test_what_is_relaxed_is_done_at_once(people, database):
    start(
        people, "1.0.1.1", {"age": {"type": "integer", "required": True, "default": 1}}, checks={"short": "name <> ''"}
    )
    database.apply(people)
    start(people, "1.0.2.1", {"age": {"type": "integer", "default": 2}})
    assert whats(database.plan(people)) == ["set default of age", "allow age to be empty", "drop check person_short"]
    database.apply(people)
    age = database.tables()["person"].columns["age"]
    assert (age.required, age.default) == (False, "2")
    settles(database, people)


def test_only_descriptions_change(people, database):
    start(people, "1.0.1.1", description="Somebody")
    (step,) = database.plan(people).steps
    assert step.what == "update descriptions"
    database.apply(people)
    assert database.tables()["person"].description == "Somebody"


def test_a_new_version_without_a_change_is_only_written_down(people, database):
    start(people, "1.0.1.1")
    plan = database.plan(people)
    assert plan.steps == ()
    assert not plan.empty
    database.apply(people)
    settles(database, people)
    assert [row[0] for row in database.run("select version from dbm.history order by applied_at")] == [
        "1.0.0.1",
        "1.0.1.1",
    ]


def test_an_empty_table_takes_every_change_at_once(checkout, database):
    checkout.enumerators(1, status=["pending"])
    start(checkout)
    database.apply(checkout)
    start(
        checkout,
        "1.1.0.1",
        {"low": {"type": "text", "generated": "lower(name)"}, "key": {"type": "identity", "required": True}},
        unique={"email_once": {"columns": ["email"]}},
        indexes={"by_low": {"columns": ["low"]}},
        checks={"short": "name <> ''"},
    )
    assert {step.kind for step in database.plan(checkout).steps} == {"tx"}
    database.apply(checkout)
    settles(database, checkout)


def test_what_somebody_added_by_hand_is_left_alone(people, database):
    database.run(
        "alter table person.person add column by_hand int; "
        "alter table person.person add constraint by_hand check (true); "
        "create index by_hand on person.person (email)"
    )
    start(people, "1.0.1.1", {"nick": {"type": "text"}})
    database.apply(people)
    assert "by_hand" in database.tables()["person"].indexes


# Refused


@pytest.mark.parametrize(
    ("columns", "more", "expected"),
    [
        ({"email": None}, {}, "no longer has the column email: its data is deleted"),
        ({"email": None, "mail": {"type": "text"}}, {}, "(if mail is its new name, add `renamed_from: email` there)"),
        ({"email": {"type": "integer"}}, {}, "changes email from text to integer"),
        (
            {"email": {"type": "text", "required": True}},
            {},
            "makes email required: 1 row has no value",
        ),
        ({"low": {"type": "text", "generated": "lower(name)"}}, {}, "adds the generated column low"),
        (
            {"age": {"type": "integer", "required": True}},
            {},
            "without a default: existing rows have no value",
        ),
        ({}, {"exclusions": {"apart": {"elements": {"int8range(1, 2)": "&&"}}}}, "to a table with rows"),
    ],
)
def test_what_is_not_safe_is_refused_with_the_way_round(people, database, columns, more, expected):
    before = database.tables()
    status = {"type": "enum", "of": "status", "required": True, "default": "pending"}
    wanted = {name: column for name, column in {"status": status, **EMAIL, **columns}.items() if column}
    people.collection(version="2.0.0.1", columns=wanted, **more)
    with pytest.raises(RefusedError) as caught:
        database.apply(people)
    assert expected in str(caught.value)
    for problem in caught.value.problems:
        assert problem.file.endswith("person.yaml")
        assert problem.fix
        assert isinstance(problem, Refusal)
        assert problem.bad
        assert problem.good
    assert database.tables() == before


def test_a_narrowed_enumerator_is_refused(people, database):
    people.enumerators(2, status=["pending"])
    start(people, "2.0.0.2")
    with pytest.raises(RefusedError, match="no longer allows active: rows may hold it"):
        database.apply(people)


def test_a_unique_constraint_is_not_dropped(people, database):
    start(people, "1.1.0.1", unique={"email_once": {"columns": ["email"]}})
    database.apply(people)
    start(people, "2.0.0.1")
    with pytest.raises(RefusedError, match=r"no longer has person_email_once: running code may rely on it"):
        database.apply(people)


# Beside traffic, and after a crash


def test_a_change_gives_way_to_a_long_reader_and_stalls_nobody(people, database):
    start(people, "1.0.1.1", {"nick": {"type": "text"}})
    events = []
    with database.connect() as reader:
        reader.execute("begin; select * from person.person")
        change = threading.Thread(target=apply, args=(database.url, people.load()), kwargs={"report": events.append})
        change.start()
        with database.connect() as other:
            other.execute("set statement_timeout = '60s'")  # who waits for the long reader waits for ever
            while sum(isinstance(event, StepRetried) for event in events) < 3:
                other.execute("select * from person.person")
        reader.execute("commit")
        change.join()
    assert "nick" in database.tables()["person"].columns


def test_a_step_that_never_gets_its_lock_fails_and_can_be_resumed(people, database):
    start(people, "1.0.1.1", {"nick": {"type": "text"}})
    with database.connect() as reader:
        reader.execute("begin; select * from person.person")
        with pytest.raises(FailedError, match="find long transactions"):
            database.apply(people, patience=0.3)
        reader.execute("commit")
    database.apply(people)
    settles(database, people)


CRASH = """
import os, sys
from pathlib import Path
from gatehouse_db_manager import apply, load
seen = 0
def report(event):
    global seen
    seen += type(event).__name__ == "StepEnded"
    if seen == int(sys.argv[3]):
        os._exit(9)
apply(sys.argv[2], load(Path(sys.argv[1])), report=report)
"""


@pytest.mark.deep  # test_kill.py shows it in every run, for one change
def test_killed_between_any_two_steps_it_resumes_to_the_same_schema(people, database, new_database):
    before = new_database(database.url)
    people.enumerators(2, status=["pending", "active", "archived"])
    start(
        people,
        "1.1.0.2",
        {"nick": {"type": "word"}},
        unique={"email_once": {"columns": ["email"]}},
        indexes={"by_nick": {"columns": ["nick"]}},
        checks={"short": "char_length(name) < 50"},
    )
    steps = database.apply(people).schemas[0].steps
    wanted = database.tables()
    for number in range(1, steps + 1):
        other = new_database(before.url)
        command = [sys.executable, "-c", CRASH, str(people.root), other.url, str(number)]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 9
        other.apply(people)
        assert other.tables() == wanted
        assert other.plan(people).empty


def test_an_index_that_waits_for_an_old_transaction_says_for_whose(people, database, monkeypatch):
    monkeypatch.setattr(executor, "OLD_AFTER", 0.0)
    start(people, "1.0.1.1", indexes={"by_email": {"columns": ["email"]}})
    with database.connect() as old:
        old.execute("begin; insert into person.person (name) values ('Old')")
        (process,) = old.execute("select pg_backend_pid()").fetchone() or (0,)
        seen = []

        def go_on(event: object) -> None:
            if isinstance(event, OldTransaction):
                seen.append(event.process)
                old.execute("commit")

        database.apply(people, report=go_on)
    assert seen == [process]
    settles(database, people)


def test_killed_while_an_index_is_built_it_resumes(people, database):
    """The build waits for an old transaction; its session is ended, and what it leaves is INVALID."""
    start(people, "1.0.1.1", indexes={"by_email": {"columns": ["email"]}})
    with database.connect() as old:
        old.execute("begin; select txid_current(); insert into person.person (name) values ('Old')")
        failures = []

        def change() -> None:
            try:
                database.apply(people)
            except FailedError as error:
                failures.append(error)

        thread = threading.Thread(target=change)
        thread.start()
        query = (
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and query like 'create index concurrently%' "
            "and wait_event = 'virtualxid'"
        )
        until(lambda: database.run(query), "the index build to wait, to terminate it")
        thread.join()
        old.execute("commit")
    assert failures
    assert not database.tables()["person"].indexes["person_by_email"].valid
    database.apply(people)
    assert database.tables()["person"].indexes["person_by_email"].valid
    settles(database, people)
