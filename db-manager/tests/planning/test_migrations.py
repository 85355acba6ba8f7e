"""SQL between versions: in order, by kind, once. A backfill goes on where it stopped, ends where it began to look."""

import pytest

from gatehouse_db_manager import FailedError, RefusedError
from gatehouse_db_manager.execution import backfill
from gatehouse_db_manager.execution.progress import BackfillProgress

MOVES = "services/person/database/migrations/person"
EMAIL = {"email": {"type": "text", "required": True}}


@pytest.fixture
def people(checkout, database):
    checkout.collection(columns={"visits": {"type": "integer", "default": 0, "required": True}})
    database.apply(checkout)
    database.people(55)
    return checkout


def raised(checkout, version, columns=None, **more):
    checkout.collection(
        version=version,
        columns={"visits": {"type": "integer", "default": 0, "required": True}, **(columns or {})},
        **more,
    )


def test_a_required_column_is_filled_and_then_required(people, database):
    raised(people, "1.1.0.0", EMAIL)
    people.write(f"{MOVES}/1.1.0/01_fill.backfill.sql", "update person set email = lower(name) where email is null;")
    planned = database.plan(people)
    assert [step.kind for step in planned.steps] == ["tx", "backfill", "tx", "tx", "tx"]
    events = []
    database.apply(people, report=events.append)
    (progress,) = [event for event in events if isinstance(event, BackfillProgress)]
    assert (progress.rows, progress.done) == (55, 1.0)
    assert database.tables()["person"].columns["email"].required
    assert database.value("select count(*) from person.person where email = lower(name)") == 55
    assert database.plan(people).empty
    assert database.run("select name from dbm.migration") == [("person/1.1.0/01_fill.backfill",)]


def test_files_between_two_versions_run_once_and_in_order(people, database):
    for file, number in (
        ("1.2.0/01_b.expand", 2),
        ("1.1.0/02_b.expand", 1),
        ("1.1.0/01_a.expand", 0),
        ("9.0.0/01_z.expand", 9),
    ):
        people.write(f"{MOVES}/{file}.sql", f"update person set visits = visits * 10 + {number};")
    raised(people, "1.2.0.0")
    database.apply(people)
    assert database.run("select distinct visits from person.person") == [(12,)]
    raised(people, "1.3.0.0")
    database.apply(people)
    assert database.run("select distinct visits from person.person") == [(12,)]


def test_a_new_collection_has_nothing_to_move(checkout, database):
    checkout.write(f"{MOVES}/1.0.0/01_a.expand.sql", "select 1 / 0")
    checkout.collection()
    database.apply(checkout)
    assert database.plan(checkout).empty


def test_what_contracts_needs_approval_and_comes_last(people, database):
    raised(people, "2.0.0.0", {"nick": {"type": "text"}})
    people.write(f"{MOVES}/2.0.0/01_out.contract.sql", "delete from person where visits = 0 and nick is null;")
    with pytest.raises(RefusedError, match=r"01_out\.contract\.sql: removes something"):
        database.apply(people)
    planned = database.plan(people)
    assert planned.steps[-1].phase == "contract"
    database.apply(people, approve=planned.fingerprint)
    assert database.value("select count(*) from person.person") == 0


def test_a_backfill_that_fails_is_undone_to_its_last_batch_and_resumes(people, database):
    raised(people, "1.1.0.0", {"share": {"type": "integer"}})
    people.write(f"{MOVES}/1.1.0/01_fill.backfill.sql", "update person set share = 10 / visits")
    with pytest.raises(FailedError, match="division by zero"):
        database.apply(people)
    database.run("update person.person set visits = 5")
    database.apply(people)
    assert database.run("select distinct share from person.person") == [(2,)]


def test_rows_written_meanwhile_do_not_extend_a_backfill(people, database, monkeypatch):
    monkeypatch.setattr(backfill, "FIRST_BATCH", 10)
    monkeypatch.setattr(backfill, "LARGEST_BATCH", 10)
    raised(people, "1.1.0.0")
    people.write(f"{MOVES}/1.1.0/01_more.backfill.sql", "update person set visits = visits + 1")

    def write(event):
        if isinstance(event, BackfillProgress):
            database.people(10)

    database.apply(people, report=write)
    assert database.value("select count(*) from person.person where visits = 1") == 55
    assert database.value("select count(*) from person.person where visits = 0") == 60


def test_a_default_that_differs_by_row_is_filled_in_batches(people, database):
    raised(people, "1.1.0.0", {"key": {"type": "identity", "required": True}})
    planned = database.plan(people)
    assert [step.kind for step in planned.steps] == ["tx", "backfill", "tx", "tx", "tx"]
    database.apply(people)
    assert database.value("select count(distinct key) from person.person") == 55
    assert database.tables()["person"].columns["key"].required
    assert database.plan(people).empty


def test_a_composite_key_is_walked_in_its_order(checkout, database):
    columns = {"id": {"type": "integer"}, "place": {"type": "text"}, "visits": {"type": "integer", "default": 0}}
    checkout.collection("seat", columns=columns, primary_key=["place", "id"])
    database.apply(checkout)
    database.run(
        "insert into person.seat (id, place, name) select n, 'p' || n % 7, 'x' from generate_series(1, 5000) n"
    )
    checkout.collection("seat", "1.1.0.0", columns=columns, primary_key=["place", "id"])
    checkout.write(f"{MOVES[:-6]}seat/1.1.0/01_more.backfill.sql", "update seat set visits = visits + 1")
    database.apply(checkout)
    assert database.run("select distinct visits from person.seat") == [(1,)]
