"""Reference data belongs to every environment, test data never to production; loading again changes nothing."""

import pytest

from gatehouse_db_manager import FailedError, RefusedError
from gatehouse_db_manager.execution.progress import RowsLoaded, SchemaDone

ADA = "019a0000-0001-7000-8000-000000000001"
BEN = "019a0000-0001-7000-8000-000000000002"


def test_test_data_needs_the_flag(checkout, database):
    checkout.collection()
    checkout.rows([{"id": ADA, "name": "Ada"}])
    database.apply(checkout)
    assert database.value("select count(*) from person.person") == 0


@pytest.mark.parametrize("marked_before", [True, False])
def test_test_data_never_enters_production(checkout, database, marked_before):
    checkout.collection()
    checkout.rows([{"id": ADA, "name": "Ada"}])
    if marked_before:
        database.apply(checkout, environment="production")
    with pytest.raises(RefusedError, match="is never loaded into production"):
        database.apply(checkout, environment="production", test_data=True)
    if marked_before:
        assert database.value("select count(*) from person.person") == 0
        with pytest.raises(RefusedError, match="is never loaded into production"):
            database.apply(checkout, environment="local", test_data=True)
    else:
        assert database.value("select to_regnamespace('dbm') is null"), "nothing was changed"


def test_reference_data_belongs_to_every_environment(checkout, database):
    checkout.collection()
    checkout.rows([{"id": ADA, "name": "Ada"}], kind="reference")
    database.apply(checkout, environment="production")
    assert database.value("select name from person.person") == "Ada"


def test_rows_may_refer_to_each_other_and_leave_columns_out(full, database):
    full.rows(
        [
            {"id": ADA, "name": "Ada", "mentor_id": BEN, "details": {"a": [1]}, "tags": ["x"], "picture": "\\x00ff"},
            {"id": BEN, "name": "Ben", "skills": ["ui"], "born": "1990-01-31", "made_at": "2026-01-01T00:00:00Z"},
        ]
    )
    events = []
    database.apply(full, test_data=True, report=events.append)
    rows = database.run("select name, status, tags, picture, skills, visits from person.person order by name")
    assert rows == [("Ada", "pending", ["x"], b"\x00\xff", [], 0), ("Ben", "pending", None, None, ["ui"], 0)]
    assert [event.rows for event in events if isinstance(event, RowsLoaded)] == [2]
    assert isinstance(events[-1], SchemaDone)


def test_a_changed_file_updates_its_rows_and_leaves_others_alone(checkout, database):
    checkout.collection(columns={"visits": {"type": "count", "required": True, "default": 0}})
    checkout.rows([{"id": ADA, "name": "Ada"}, {"id": BEN, "name": "Ben"}])
    database.apply(checkout, test_data=True)
    database.run("update person.person set visits = 7; insert into person.person (name) values ('Own')")
    untouched = database.value("select xmin::text from person.person where id = %s", BEN)
    checkout.rows([{"id": ADA, "name": "Ada Lovelace"}, {"id": BEN, "name": "Ben"}])
    assert len(database.plan(checkout, test_data=True).steps) == 1
    database.apply(checkout, test_data=True)
    rows = database.run("select name, visits from person.person order by name")
    assert rows == [("Ada Lovelace", 7), ("Ben", 7), ("Own", 7 - 7)]
    assert database.value("select xmin::text from person.person where id = %s", BEN) == untouched


def test_a_row_that_breaks_a_rule_loads_nothing(checkout, database):
    checkout.collection()
    checkout.rows([{"id": ADA, "name": "Ada"}, {"id": BEN, "name": " spaces "}])
    with pytest.raises(FailedError, match="person_name_trimmed"):
        database.apply(checkout, test_data=True)
    assert database.value("select count(*) from person.person") == 0
