"""What takes something away is a lesson first, and done only when somebody approved this very plan."""

import pytest

from gatehouse_db_manager import RefusedError
from gatehouse_db_manager.errors import Refusal

PEOPLE = "services/person/database"
EMAIL = {"type": "text"}


@pytest.fixture
def people(checkout, database):
    """Ada and Ben, who has no email."""
    checkout.collection(columns={"email": EMAIL, "age": {"type": "integer"}})
    database.apply(checkout)
    database.run("insert into person.person (name, email, age) values ('Ada', 'a@example.org', 3), ('Ben', null, 4)")
    return checkout


def refused(database, checkout, **more):
    with pytest.raises(RefusedError) as caught:
        database.apply(checkout, **more)
    return caught.value.problems


def test_dropping_a_column_is_a_lesson_until_it_is_approved(people, database):
    people.collection(version="2.0.0.0", columns={"age": {"type": "integer"}})
    (problem,) = refused(database, people)
    assert isinstance(problem, Refusal)
    assert problem.rows == 1
    assert problem.danger == "no longer has the column email"
    assert problem.bad == "alter table person.person drop column email"
    assert problem.good.startswith("Keep it until nothing uses it")
    assert problem.approve == database.plan(people).fingerprint
    assert "email" in database.tables()["person"].columns
    database.apply(people, approve=problem.approve)
    assert set(database.tables()["person"].columns) == {"id", "name", "age"}
    assert database.plan(people).empty


def test_an_approval_is_for_one_plan_only(people, database):
    people.collection(version="2.0.0.0", columns={"age": {"type": "integer"}})
    approved = database.plan(people).fingerprint
    people.collection(version="2.0.0.0")
    assert len(refused(database, people, approve=approved)) == 2
    assert "email" in database.tables()["person"].columns


def test_the_same_plan_has_the_same_fingerprint_whatever_rows_come(people, database):
    people.collection(version="2.0.0.0", columns={"age": {"type": "integer"}})
    approved = database.plan(people).fingerprint
    database.run("insert into person.person (name, email) values ('Cy', 'c@example.org')")
    database.apply(people, approve=approved)


def test_a_plan_file_is_done_as_it_stands_or_not_at_all(people, database, tmp_path):
    file = tmp_path / "plan.json"
    people.collection(version="1.0.1.0", columns={"email": EMAIL, "age": {"type": "integer"}, "nick": EMAIL})
    planned = database.plan(people).schemas[0]
    people.write("plan.json", {"schemas": [{"schema": "person", "fingerprint": planned.fingerprint}]})
    people.collection(version="1.0.2.0", columns={"email": EMAIL, "age": {"type": "integer"}, "nack": EMAIL})
    (problem,) = refused(database, people, plan_file=file)
    assert "Plan again" in problem.fix
    people.collection(version="1.0.1.0", columns={"email": EMAIL, "age": {"type": "integer"}, "nick": EMAIL})
    database.apply(people, plan_file=file)
    assert database.plan(people).empty
    database.apply(people, plan_file=file)


def test_a_table_whose_file_is_gone_is_dropped_when_approved(people, database):
    file = people.collection("pet", columns={"owner_id": {"type": "reference", "to": "person"}})
    database.apply(people)
    database.run("insert into person.pet (name) values ('Rex')")
    file.unlink()
    (problem,) = refused(database, people)
    assert problem.rows == 1
    database.apply(people, approve=problem.approve)
    assert set(database.tables()) == {"person"}
    assert database.plan(people).empty
    assert database.run("select collection from dbm.version") == [("person",)]
    people.collection("pet")
    database.apply(people)
    assert database.plan(people).empty


def test_a_narrowed_enumerator_with_rows_in_the_way_is_not_to_be_approved(checkout, database):
    status = {"type": "enum", "of": "status", "required": True, "default": "a"}
    checkout.enumerators(1, status=["a", "b"])
    checkout.enumerators(2, status=["a"])
    checkout.collection(version="1.0.0.1", columns={"status": status})
    database.apply(checkout)
    database.run("insert into person.person (name, status) values ('Ada', 'b'), ('Ben', 'a')")
    checkout.collection(version="2.0.0.2", columns={"status": status})
    (problem,) = refused(database, checkout, approve=database.plan(checkout).fingerprint)
    assert (problem.rows, problem.approve) == (1, "")
    assert "01_move.backfill.sql" in problem.good
    database.run("update person.person set status = 'a'")
    database.apply(checkout, approve=database.plan(checkout).fingerprint)
    assert database.plan(checkout).empty


def test_a_renamed_column_keeps_its_rows_and_its_rules(people, database):
    people.collection(
        version="1.0.1.0",
        columns={"email": {"type": "email", "unique": True, "required": True}, "age": {"type": "integer"}},
    )
    database.run("update person.person set email = name || '@example.org'")
    database.run("update person.person set email = lower(email)")
    database.apply(people)
    mail = {"type": "email", "unique": True, "required": True, "renamed_from": "email"}
    people.collection(version="2.0.0.0", columns={"mail": mail, "age": {"type": "integer"}})
    planned = database.plan(people)
    assert [step.what for step in planned.steps] == ["rename column email to mail"]
    assert [hazard.kind for hazard in planned.hazards] == ["column.rename"]
    database.apply(people, approve=planned.fingerprint)
    assert database.run("select mail from person.person order by mail")[0] == ("ada@example.org",)
    assert "person_mail_unique" in database.tables()["person"].constraints
    assert database.plan(people).empty


def test_a_type_that_cannot_hold_every_value_is_refused(people, database):
    people.collection(version="2.0.0.0", columns={"email": {"type": "integer"}, "age": {"type": "integer"}})
    problems = refused(database, people, approve=database.plan(people).fingerprint)
    assert "doesn't fit" in problems[0].message
    database.run("update person.person set email = '12' where email is not null")
    database.apply(people, approve=database.plan(people).fingerprint)
    assert database.value("select sum(email) from person.person") == 12


def test_another_primary_key_takes_the_place_of_the_old_one(people, database):
    columns = {
        "email": EMAIL,
        "age": {"type": "integer", "required": True},
        "id": {"type": "identity", "required": True},
    }
    people.collection(version="2.0.0.0", columns=columns, primary_key=["age"])
    planned = database.plan(people)
    assert "no_tx" in {step.kind for step in planned.steps}
    database.apply(people, approve=planned.fingerprint)
    assert database.tables()["person"].constraints["person_primary_key"].definition == "PRIMARY KEY (age)"
    assert database.plan(people).empty


@pytest.mark.parametrize("layout", [1, 2, 3])
def test_a_database_of_an_older_layout_is_brought_along(people, database, layout):
    """It recorded constraints by name alone."""
    first = "drop table dbm.backfill, dbm.migration; alter table dbm.run drop target, drop approved;"
    by_name = "update dbm.object set name = split_part(name, '.', 2) where kind in ('primary_key', 'check')"
    database.run(
        f"{first if layout == 1 else ''} comment on schema dbm is 'gatehouse db-manager, layout {layout}';"
        f"drop view dbm.epoch; alter table dbm.environment drop epoch, drop cluster;{by_name if layout < 3 else ''}"
    )
    assert database.plan(people).empty
    people.collection(version="1.0.1.0", columns={"email": EMAIL, "age": {"type": "integer"}, "nick": EMAIL})
    database.apply(people)
    assert database.plan(people).empty
    assert database.run("select name from dbm.migration") == []
    assert database.run("select epoch from dbm.epoch") == [(1,)]


def test_records_of_a_later_version_are_taken_if_they_say_so(people, database):
    """As when one service's image is newer than another's, or one is rolled back."""
    later = "gatehouse db-manager, layout 5, readable from 3"
    database.run(f"comment on schema dbm is '{later}'")
    people.collection(version="1.0.1.0", columns={"email": EMAIL, "age": {"type": "integer"}, "nick": EMAIL})
    database.apply(people)
    assert database.plan(people).empty
    assert database.value("select obj_description('dbm'::regnamespace)") == later


@pytest.mark.parametrize("layout", ["layout 6, readable from 5", "layout 5", "layout", ""])
def test_records_of_an_unknown_layout_are_refused(people, database, layout):
    database.run(
        f"comment on schema dbm is 'gatehouse db-manager, {layout}'" if layout else "comment on schema dbm is null"
    )
    people.collection(version="1.0.1.0", columns={"email": EMAIL, "age": {"type": "integer"}, "nick": EMAIL})
    with pytest.raises(RefusedError, match="was not created by this version"):
        database.apply(people)


def test_a_database_that_came_into_a_new_cluster_gets_a_new_epoch(people, database):
    """Transaction ids begin anew there; until db-manager has seen it, no epoch is known."""
    database.run("update dbm.environment set cluster = 'that it was dumped from'")
    assert database.run("select epoch from dbm.epoch") == []
    database.apply(people)
    assert database.run("select epoch from dbm.epoch") == [(2,)]
    database.apply(people)
    assert database.run("select epoch from dbm.epoch") == [(2,)]
