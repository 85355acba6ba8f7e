"""A key that others refer to becomes another one of the same columns: no moment is without the reference."""

import psycopg
import pytest

from gatehouse_db_manager.execution.progress import StepEnded

TOY = {
    "columns": {"tag": {"type": "text"}},
    "foreign_keys": {"whose": {"columns": ["tag"], "to": "pet", "key": ["tag"]}},
}
ORPHAN = "insert into person.toy (name, tag) values ('Ball', 'nobody')"


def tagged(checkout, version, **unique):
    checkout.collection(
        "pet", version, columns={"tag": {"type": "text"}}, unique={"by_tag": {"columns": ["tag"], **unique}}
    )
    checkout.collection("toy", version, **TOY)


class StoppedError(Exception):
    """A run that ends between two steps."""


def test_a_replaced_key_is_referred_to_without_a_gap(checkout, database):
    tagged(checkout, "1.0.0.0")
    database.apply(checkout)
    database.run(
        "insert into person.pet (name, tag) values ('Rex', 'r');insert into person.toy (name, tag) values ('Ball', 'r')"
    )
    tagged(checkout, "1.1.0.0", include=["name"])
    planned = database.plan(checkout)
    tried = []

    def orphan(event):
        if isinstance(event, StepEnded):
            with pytest.raises(psycopg.errors.ForeignKeyViolation):
                database.run(ORPHAN)
            tried.append(event.what)
            if event.what.startswith("replace unique"):
                raise StoppedError

    with pytest.raises(StoppedError):
        database.apply(checkout, approve=planned.fingerprint, report=orphan)
    assert len(tried) > 1
    assert [step.what for step in database.plan(checkout).steps] == ["validate toy_whose"]
    database.apply(checkout)
    assert database.plan(checkout).empty
    rules = database.tables()["toy"].constraints
    assert rules["toy_whose"].valid
    assert "INCLUDE (name)" in database.tables()["pet"].constraints["pet_by_tag"].definition
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        database.run(ORPHAN)


def test_a_key_goes_while_what_refers_to_it_changes_too(checkout, database):
    """There is another one of the same columns, so the reference is never missing."""
    column, rule = {"tag": {"type": "text"}}, {"columns": ["tag"]}
    checkout.collection("pet", columns=column, unique={"by_tag": rule})
    checkout.collection("toy", **TOY)
    database.apply(checkout)
    checkout.collection("pet", "1.1.0.0", columns=column, unique={"by_tag": rule, "by_name": rule})
    database.apply(checkout)
    database.run(
        "insert into person.pet (name, tag) values ('Rex', 'r');insert into person.toy (name, tag) values ('Ball', 'r')"
    )
    checkout.collection("pet", "2.0.0.0", columns=column, unique={"by_name": rule})
    whose = TOY["foreign_keys"]["whose"] | {"on_delete": "cascade"}
    checkout.collection("toy", "2.0.0.0", columns=column, foreign_keys={"whose": whose})
    database.apply(checkout, approve=database.plan(checkout).fingerprint)
    assert database.plan(checkout).empty
    assert "CASCADE" in database.tables()["toy"].constraints["toy_whose"].definition
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        database.run(ORPHAN)
