"""What depends on what a plan drops or changes, and isn't managed, is named in a refusal before the first step."""

import pytest

from gatehouse_db_manager import RefusedError

FULL = {"email": {"type": "text"}, "code": {"type": "text", "unique": True}, "low": {"type": "text"}}


@pytest.fixture
def people(checkout, database):
    checkout.collection(columns=FULL, indexes={"by_low": {"columns": ["low"], "unique": True}})
    checkout.collection("pet")
    database.apply(checkout)
    database.run("insert into person.person (name, email, code) values ('Ada', 'a@x', 'a')")
    return checkout


OBJECTS = {
    "a view of a column": ("create view person.mails as select email from person.person", "the view person.mails"),
    "one elsewhere": (
        "create schema report; create view report.mails as select email from person.person",
        "the view report.mails",
    ),
    "a materialized view": (
        "create materialized view person.m as select email from person.person",
        "the materialized view person.m",
    ),
    "a rule": (
        "create rule r as on update to person.person where new.email is null do instead nothing",
        "the rule r on person.person",
    ),
    "a policy": ("create policy p on person.person using (email is not null)", "the policy p on person.person"),
    "a trigger": (
        "create trigger t before update of email on person.person for each row "
        "execute function suppress_redundant_updates_trigger()",
        "the trigger t on person.person",
    ),
    "a function": (
        "create function public.f() returns text begin atomic select email from person.person; end",
        "the function public.f()",
    ),
    "a generated column": (
        'alter table person.person add "Mail" text generated always as (lower(email)) stored',
        'the column person.person."Mail"',
    ),
}
DROPPED = {"columns": {name: column for name, column in FULL.items() if name != "email"}}
RETYPED = {"columns": {**FULL, "email": {"type": "text_list"}}}


@pytest.mark.parametrize("change", [DROPPED, RETYPED], ids=["dropped", "retyped"])
@pytest.mark.parametrize("what", OBJECTS)
@pytest.mark.sampled(3)
def test_what_depends_on_a_column_is_named_before_the_first_step(people, database, what, change):
    statement, named = OBJECTS[what]
    database.run(f"update person.person set email = null; {statement}")
    before = database.fingerprint()
    people.collection(version="2.0.0.0", indexes={"by_low": {"columns": ["low"], "unique": True}}, **change)
    planned = database.plan(people)
    assert any(f"on which {named}" in one.message for one in planned.refusals), planned.refusals
    with pytest.raises(RefusedError):
        database.apply(people, approve=planned.fingerprint)
    assert database.fingerprint() == before


KEYS = {
    "a unique constraint": ("code", {"columns": {**FULL, "code": {"type": "text"}}}),
    "a unique index": ("low", {"columns": FULL, "indexes": {"by_low": {"columns": ["low"]}}}),
}


@pytest.mark.parametrize("what", KEYS)
def test_a_foreign_key_of_a_table_that_is_not_ours_is_never_dropped(people, database, what):
    key, change = KEYS[what]
    database.run(f'create table person."Made by hand" (c text references person.person ({key}))')
    people.collection(version="2.0.0.0", **{"indexes": {"by_low": {"columns": ["low"], "unique": True}}, **change})
    planned = database.plan(people)
    (problem,) = [one for one in planned.refusals if "Made by hand" in one.message]
    assert 'alter table "person"."Made by hand" drop constraint' in problem.fix


def test_a_table_is_dropped_once_nothing_depends_on_it(people, database):
    database.run("create view public.pets as select name from person.pet")
    (people.root / "services/person/database/collections/pet.yaml").unlink()
    (problem,) = database.plan(people).refusals
    assert "drops the table pet, on which the view public.pets depends" in problem.message
    assert "drop view public.pets" in problem.fix
    database.run("drop view public.pets")
    database.apply(people, approve=database.plan(people).fingerprint)
    assert "pet" not in database.tables()


def test_what_scripts_make_is_no_obstacle(people, database):
    people.write("services/person/database/repeatable/v.sql", "create view mails as select email, low from person")
    database.apply(people)
    people.write("services/person/database/repeatable/v.sql", "create view mails as select low from person")
    people.collection(version="2.0.0.0", indexes={"by_low": {"columns": ["low"], "unique": True}}, **DROPPED)
    planned = database.plan(people)
    assert planned.refusals == ()
    database.apply(people, approve=planned.fingerprint)
    assert database.plan(people).empty


def test_a_view_of_a_script_is_made_anew_over_another_type(people, database):
    people.write("services/person/database/repeatable/v.sql", "create view mails as select email from person")
    database.apply(people)
    database.run("update person.person set email = null")
    people.collection(version="2.0.0.0", indexes={"by_low": {"columns": ["low"], "unique": True}}, **RETYPED)
    planned = database.plan(people)
    assert planned.refusals == ()
    database.apply(people, approve=planned.fingerprint)
    assert database.run("select email from person.mails") == [(None,)]


def test_a_type_that_is_not_there_is_named(checkout, database):
    content = {"imported": True, "collection": "item", "version": "1.0.0.0", "columns": {"m": {"type": "person.mood"}}}
    checkout.write("services/person/database/collections/item.yaml", content)
    (problem,) = database.plan(checkout).refusals
    assert "is a type that doesn't exist" in problem.message
    database.run("create schema person; create type person.mood as enum ('glad')")
    database.apply(checkout)
    assert "item" in database.tables()
