"""Columns that get another type: which values are lost, and what else comes or goes."""

import pytest

from gatehouse_db_manager import RefusedError
from gatehouse_db_manager.planning.table_rewrite import widens


def dog(checkout, version, **more):
    checkout.collection("dog", version, **more)


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("text", "character varying", True),
        ("character varying(40)", "text", True),
        ("character varying(40)", "character varying(80)", True),
        ("character varying(40)", "character varying", True),
        ("numeric(10,2)", "numeric(12,2)", True),
        ("text", "character varying(40)", False),
        ("character varying(80)", "character varying(40)", False),
        ("numeric(10,2)", "numeric(12,3)", False),
        ("numeric(10,2)", "numeric(9,2)", False),
        ("character(4)", "character(8)", False),
        ("integer", "bigint", False),
    ],
)
def test_what_postgresql_stores_the_same_is_widened(old, new, same):
    assert widens(old, new) is same


ID = "019A0000-0001-7000-8000-000000000001"
VALUES = [("text", "uuid", ID, ID.lower()), ("integer", "boolean", 1, "true"), ("text", "integer", "12", "12")]


@pytest.mark.parametrize(("old", "new", "value", "becomes"), VALUES)
def test_a_value_that_the_new_type_has_too_is_kept(checkout, database, old, new, value, becomes):
    dog(checkout, "1.0.0.0", columns={"it": {"type": old}})
    database.apply(checkout)
    database.run("insert into person.dog (name, it) values ('Rex', %s)", value)
    dog(checkout, "2.0.0.0", columns={"it": {"type": new}})
    database.apply(checkout, approve=database.plan(checkout).fingerprint)
    assert database.value("select it::text from person.dog") == becomes


@pytest.mark.parametrize(("old", "new", "value"), [("text", "uuid", "x"), ("integer", "boolean", 2)])
def test_a_value_that_the_new_type_has_not_is_refused(checkout, database, old, new, value):
    dog(checkout, "1.0.0.0", columns={"it": {"type": old}})
    database.apply(checkout)
    database.run("insert into person.dog (name, it) values ('Rex', %s)", value)
    dog(checkout, "2.0.0.0", columns={"it": {"type": new}})
    with pytest.raises(RefusedError, match="doesn't fit"):
        database.apply(checkout, approve=database.plan(checkout).fingerprint)


def owners(checkout, version, *, code, name="code", key=("code",), dogs=None):
    """Dogs refer to people by `key`, whose type is `code`."""
    checkout.collection(version=version, columns={name: {"type": code, "unique": True}, "tag": {"type": "text"}})
    whose = {"whose": {"columns": ["owner"], "to": "person", "key": list(key)}} if key else {}
    dog(checkout, version, columns={"owner": {"type": dogs or code}}, foreign_keys=whose)


def test_a_reference_to_a_renamed_column_stays(checkout, database):
    owners(checkout, "1.0.0.0", code="integer")
    database.apply(checkout)
    owners(checkout, "2.0.0.0", code="integer", name="number", key=("number",))
    people = {"number": {"type": "integer", "unique": True, "renamed_from": "code"}, "tag": {"type": "text"}}
    checkout.collection(version="2.0.0.0", columns=people)
    plan = database.plan(checkout)
    assert [step.what for step in plan.steps] == ["rename column code to number"]
    database.apply(checkout, approve=plan.fingerprint)
    assert database.plan(checkout).empty


@pytest.mark.parametrize("key", [(), ("id",)], ids=["goes", "refers to something else"])
def test_a_reference_to_a_retyped_column_lets_go_of_it(checkout, database, key):
    owners(checkout, "1.0.0.0", code="uuid")
    database.apply(checkout)
    owners(checkout, "2.0.0.0", code="text", key=key, dogs="uuid")
    database.apply(checkout, approve=database.plan(checkout).fingerprint)
    assert database.plan(checkout).empty
    found = [one.definition for one in database.tables()["dog"].constraints.values() if one.kind == "foreign_key"]
    assert ["person.person(id)" in one for one in found] == [True] * len(key)


def test_an_index_that_goes_can_come_again(checkout, database):
    dog(checkout, "1.0.0.0", indexes={"by_name": {"columns": ["name"]}})
    database.apply(checkout)
    dog(checkout, "1.1.0.0")
    (step,) = database.plan(checkout).steps
    assert (step.what, step.reversible) == ("drop index dog_by_name", True)


def test_a_column_may_be_empty_once_the_primary_key_is_gone(checkout, database):
    def item(version, required=False, **more):
        content = {"imported": True, "collection": "item", "version": version, **more}
        columns = {"code": {"type": "integer", "required": required}}
        checkout.write("services/person/database/collections/item.yaml", {**content, "columns": columns})

    item("1.0.0.0", True, constraints={"item_pkey": "primary key (code)"})
    database.apply(checkout)
    item("2.0.0.0")
    database.apply(checkout, approve=database.plan(checkout).fingerprint)
    assert database.plan(checkout).empty
    database.run("insert into person.item (code) values (null)")
