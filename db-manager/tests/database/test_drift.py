"""What somebody changed by hand is seen and put back; what db-manager didn't make is named and left alone."""

import pytest

from gatehouse_db_manager import api


@pytest.fixture
def people(checkout, database):
    checkout.collection(
        columns={"email": {"type": "email", "unique": True}, "age": {"type": "integer", "default": 3}},
        checks={"old": "age > 0"},
        indexes={"by_age": {"columns": ["age"], "where": "age > 5"}},
    )
    database.apply(checkout)
    database.people(3)
    return checkout


@pytest.mark.parametrize(
    ("edit", "kind", "what"),
    [
        ("alter column age set default 4", "column", "changed"),
        ("alter column age drop default", "column", "changed"),
        ("alter column name drop not null", "column", "changed"),
        ("drop column age", "check", "missing"),
        ("drop constraint person_old, add constraint person_old check (age > 1)", "check", "changed"),
        ("drop constraint person_old", "check", "missing"),
        ("drop constraint person_email_unique", "unique", "missing"),
    ],
)
def test_an_edit_by_hand_is_drift_and_is_put_back(people, database, edit, kind, what):
    before = database.tables()
    assert api.drift(database.url, people.load()) == ()
    database.run(f"alter table person.person {edit}")
    found = api.drift(database.url, people.load())
    assert (kind, what) in {(one.kind, one.what) for one in found}
    planned = database.plan(people)
    assert not planned.empty
    assert planned.schemas[0].notes == (), "no version has to be raised for it"
    database.apply(people, approve=planned.fingerprint)
    after = database.tables()
    assert after["person"].columns.keys() == before["person"].columns.keys()
    assert after["person"].constraints == before["person"].constraints
    assert after["person"].indexes == before["person"].indexes
    assert api.drift(database.url, people.load()) == ()
    assert database.plan(people).empty


def test_an_index_changed_by_hand_is_built_anew(people, database):
    before = database.tables()
    database.run("drop index person.person_by_age; create index person_by_age on person.person (age)")
    (found,) = api.drift(database.url, people.load())
    assert (found.kind, found.name, found.what) == ("index", "person_by_age", "changed")
    database.apply(people)
    assert database.tables() == before


def test_what_is_not_ours_is_named_and_left_alone(people, database):
    database.run(
        "create table person.theirs (n int); create view person.seen as select 1 as one;"
        "alter table person.person add column by_hand int;"
        "create index by_hand on person.person (by_hand);"
        "create function person.f(n int) returns int language sql as 'select n'"
    )
    planned = database.plan(people)
    assert planned.empty
    assert planned.schemas[0].unmanaged == (
        "column person.by_hand",
        "table theirs",
        "function f(n integer)",
        "view seen",
        "index by_hand on person",
    )
    assert api.drift(database.url, people.load()) == ()


def test_a_view_that_somebody_dropped_is_made_again(people, database):
    people.write("services/person/database/repeatable/a.sql", "create view names as select name from person")
    database.apply(people)
    database.run("drop view person.names")
    assert [one.what for one in api.drift(database.url, people.load())] == ["missing"]
    database.apply(people)
    assert database.run("select count(*) from person.names") == [(3,)]
    assert database.plan(people).empty


def test_a_script_that_is_gone_takes_what_it_made_along(people, database):
    file = people.write("services/person/database/repeatable/a.sql", "create view names as select name from person")
    database.apply(people)
    file.unlink()
    database.apply(people)
    assert database.value("select to_regclass('person.names')") is None
    assert database.plan(people).empty
