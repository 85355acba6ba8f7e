"""What hangs on a column that is renamed or retyped: it follows, or comes anew."""

import pytest

from gatehouse_db_manager import RefusedError
from gatehouse_db_manager.config.imported import SCRIPT_MARK
from gatehouse_db_manager.planning.rename_columns import due

AGE, MAIL = {"age": {"type": "integer"}}, {"mail": {"type": "text"}}


def whats(plan):
    return [step.what for step in plan.steps]


def approved(database, checkout):
    plan = database.plan(checkout)
    database.apply(checkout, approve=plan.fingerprint)
    assert database.plan(checkout).empty
    return whats(plan)


@pytest.fixture
def people(checkout, database):
    """Two columns, and a check that the file names itself."""
    checkout.collection(version="1.0.0.0", columns={**AGE, **MAIL}, checks={"grown": "age > 17"})
    database.apply(checkout)
    database.run("insert into person.person (name, age, mail) values ('Ada', 36, 'ada@example.org')")
    return checkout


def test_a_rule_with_a_name_of_its_own_only_follows_a_rename(people, database):
    people.collection(
        version="2.0.0.0",
        columns={"years": {"type": "integer", "renamed_from": "age"}, **MAIL},
        checks={"grown": "years > 17"},
    )
    assert approved(database, people) == ["rename column age to years"]
    assert "years > 17" in database.tables()["person"].constraints["person_grown"].definition


def test_rules_of_columns_that_swap_their_names_swap_too(checkout, database):
    def columns(first, second):
        kinds = {"type": "integer", "unique": True}, {"type": "text", "unique": True}
        return {name: {**kind, **more} for kind, (name, more) in zip(kinds, (first, second), strict=True)}

    checkout.collection(version="1.0.0.0", columns=columns(("age", {}), ("mail", {})))
    database.apply(checkout)
    database.run("insert into person.person (name, age, mail) values ('Ada', 36, 'ada@example.org')")
    swapped = columns(("mail", {"renamed_from": "age"}), ("age", {"renamed_from": "mail"}))
    checkout.collection(version="2.0.0.0", columns=swapped)
    assert approved(database, checkout) == ["rename columns age to mail, mail to age"]
    assert database.run("select mail, age from person.person") == [(36, "ada@example.org")]


def test_a_generated_column_comes_anew_with_the_type_of_what_it_is_made_of(people, database):
    people.collection(version="1.1.0.0", columns={**AGE, **MAIL, "next": {"type": "integer", "generated": "age + 1"}})
    assert approved(database, people)[0] == "generate next"
    people.collection(
        version="2.0.0.0",
        columns={"age": {"type": "bigint"}, **MAIL, "next": {"type": "bigint", "generated": "age + 1"}},
    )
    (step,) = database.plan(people).steps
    assert step.what == "change age from integer to bigint; generate next anew"
    assert not step.reversible
    approved(database, people)
    columns = database.tables()["person"].columns
    assert (columns["age"].sql_type, columns["next"].sql_type) == ("bigint", "bigint")
    assert database.run("select age, next from person.person") == [(36, 37)]


def test_a_table_that_goes_lets_go_of_a_key_that_gets_another_type(people, database):
    code = {"code": {"type": "integer", "unique": True}}
    people.collection(version="1.1.0.0", columns={**AGE, **MAIL, **code}, checks={"grown": "age > 17"})
    reference = {"columns": ["code"], "to": "person", "key": ["code"]}
    people.collection("dog", columns={"code": {"type": "integer"}}, foreign_keys={"owner": reference})
    database.apply(people)
    (people.root / "services/person/database/collections/dog.yaml").unlink()
    code["code"]["type"] = "text"
    people.collection(version="2.0.0.0", columns={**AGE, **MAIL, **code}, checks={"grown": "age > 17"})
    approved(database, people)
    assert list(database.tables()) == ["person"]


def test_an_imported_script_reads_what_is_there_or_is_about_to_be(checkout, database):
    checkout.write(
        "services/person/database/repeatable/001_names.sql",
        f"{SCRIPT_MARK}view names\ncreate view person.names as select name from person.person;\n"
        "create view person.pets as select d.name from person.names n join person.dog d using (name) "
        "join person.cat c using (name);\n",
    )
    checkout.collection("cat")
    checkout.collection()
    with pytest.raises(RefusedError) as caught:
        database.apply(checkout)
    (problem,) = caught.value.problems
    assert (problem.key, problem.message) == ("dog", "reads person.dog, which doesn't exist and isn't in any file.")
    assert database.tables() == {}
    database.run("create schema person; create table person.dog (name text)")
    database.apply(checkout)
    assert database.run("select name from person.pets") == []


def test_tables_that_swap_are_named_with_what_they_become(checkout, database):
    for name, age in (("person", AGE), ("dog", MAIL)):
        checkout.collection(name, columns=age)
    database.apply(checkout)
    database.run("insert into person.person (name, age) values ('Ada', 36)")
    for name, other, columns in (("dog", "person", AGE), ("person", "dog", MAIL)):
        checkout.collection(name, "2.0.0.0", columns=columns, renamed_from=other)
    renamed = database.plan(checkout).steps[0]
    assert renamed.what == "rename collections person to dog, dog to person"
    assert [one.key for one in renamed.hazards] == ["table.rename person.person", "table.rename person.dog"]
    approved(database, checkout)
    assert database.run("select name, age from person.dog") == [("Ada", 36)]


def test_a_key_to_a_table_that_is_renamed_stays_as_it_is(checkout, database):
    pets = {"columns": {"owner": {"type": "uuid"}}}

    def dog(version, to):
        checkout.collection("dog", version, **pets, foreign_keys={"owner": {"columns": ["owner"], "to": to}})

    checkout.collection()
    dog("1.0.0.0", "person")
    database.apply(checkout)
    (checkout.root / "services/person/database/collections/person.yaml").unlink()
    checkout.collection("human", "2.0.0.0", renamed_from="person")
    dog("1.0.1.0", "human")
    assert approved(database, checkout) == ["rename collection person to human", "update descriptions"]
    assert database.tables()["dog"].constraints["dog_owner"].target == "person.human"


def test_a_key_that_gets_another_type_is_referred_to_from_then_on(checkout, database):
    def cat(version, kind):
        content = {"collection": "cat", "version": version, "columns": {"code": {"type": kind, "primary": True}}}
        checkout.write("services/person/database/collections/cat.yaml", {"description": "One", **content})

    def dog(version, kind, **more):
        checkout.collection("dog", version, columns={"cat": {"type": kind}}, **more)

    whose = {"whose": {"columns": ["cat"], "to": "cat"}}
    cat("1.0.0.0", "integer")
    dog("1.0.0.0", "text", foreign_keys={})
    database.apply(checkout)
    cat("2.0.0.0", "text")
    dog("1.1.0.0", "text", foreign_keys=whose)
    approved(database, checkout)
    cat("3.0.0.0", "integer")
    dog("2.0.0.0", "integer", foreign_keys=whose)
    approved(database, checkout)
    assert "dog_whose" in database.tables()["dog"].constraints


@pytest.mark.parametrize(
    ("given", "live", "wanted", "found"),
    [
        ({"b": "a"}, ["a"], ["b"], {"b": "a"}),
        ({"b": "a"}, [], ["b"], {}),
        ({"b": "a", "c": "a"}, ["a"], ["b", "c"], {"b": "a"}),
        ({"b": "a", "a": "b"}, ["a", "b"], ["a", "b"], {"b": "a", "a": "b"}),
        ({"b": "a"}, ["a", "b"], ["b"], {}),
    ],
)
def test_a_rename_is_due_while_the_old_name_is_there(given, live, wanted, found):
    assert due(given, live, wanted, lambda new, old: False) == found
