"""The plan between two configurations is the plan of a real database with rows, but for what must be asked of rows."""

from typing import Any

import pytest

from gatehouse_catalog import find_root
from gatehouse_db_manager import Configuration, Plan, load, plan_between

START: dict[str, Any] = {
    "columns": {"email": {"type": "email"}, "status": {"type": "enum", "of": "status", "default": "new"}},
    "indexes": {"by_name": {"columns": ["name"]}},
}


def changed(**columns: Any) -> dict[str, Any]:
    return {**START, "columns": {**START["columns"], **columns}}


CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "nothing": ("1.0.0.1", START),
    "a column more": ("1.1.0.1", changed(phone={"type": "phone"})),
    "a column less": ("2.0.0.1", {**START, "columns": {"status": START["columns"]["status"]}}),
    "a column required": ("2.0.0.1", changed(email={"type": "email", "required": True})),
    "a wider enumerator": ("1.1.0.2", START),
    "an index": ("1.1.0.1", {**START, "indexes": {**START["indexes"], "by_email": {"columns": ["email"]}}}),
    "no index": ("1.1.0.1", {**START, "indexes": {}}),
    "a unique email": ("2.0.0.1", changed(email={"type": "email", "unique": True})),
    "a check": ("2.0.0.1", {**START, "checks": {"named": "name <> ''"}}),
    "a version that goes back": ("0.9.0.1", START),
}


def shown(plan: Plan) -> list[tuple[str, str, str, tuple[str, ...]]]:
    return [(step.what, step.locks, step.phase, tuple(one.key for one in step.hazards)) for step in plan.steps]


def written(checkout: Any, version: str, content: dict[str, Any]) -> Configuration:
    checkout.enumerators(1, status=["new", "known"])
    checkout.enumerators(2, status=["new", "known", "gone"])
    checkout.collection(version=version, **content)
    return load(checkout.root)


@pytest.mark.parametrize("what", CHANGES)
def test_it_plans_as_a_real_database_with_rows_does(checkout: Any, database: Any, what: str):
    before = written(checkout, "1.0.0.1", START)
    database.apply(checkout)
    database.people(3)
    database.run("update person.person set email = 'p' || right(name, 1) || '@example.org'")
    after = written(checkout, *CHANGES[what])
    real, made_up = database.plan(checkout), plan_between(before, after)
    assert shown(made_up) == shown(real)
    assert [one.message[:20] for one in made_up.refusals] == [one.message[:20] for one in real.refusals]
    assert made_up.fingerprint == real.fingerprint


def test_a_schema_that_was_not_there_is_made(checkout: Any):
    before = checkout.load()
    checkout.schema("topics")
    checkout.collection("topic", schema="topics")
    plan = plan_between(before, checkout.load())
    assert [step.what for step in plan.steps if step.schema == "topics"][-2:] == [
        "create schema topics",
        "create table topic",
    ]
    assert {step.schema for step in plan.steps} == {"topics"}


def test_the_checkouts_own_configuration_is_in_place_once_it_is_applied():
    configuration = load(find_root())
    plan = plan_between(configuration, configuration)
    assert plan.empty
    assert plan.refusals == ()
