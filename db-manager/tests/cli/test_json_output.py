"""What `--json` prints is as published in schemas/, whatever the database and the configuration look like."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from gatehouse_db_manager import RefusedError, apply, plan
from gatehouse_db_manager.cli.commands import db
from gatehouse_db_manager.cli.json_output import as_json

from .. import shapes
from ..world import Checkout, Database

SCHEMAS = Path(__file__).parents[2] / "schemas"


def published(command: str) -> Any:
    schema = msgspec.json.decode((SCHEMAS / f"{command}.schema.json").read_bytes())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.fixture(scope="module")
def standing(postgres, tmp_path_factory):
    """A database of many rules with rows that other shapes can't all hold, and one that is empty."""
    full, empty = Database(postgres.create_database()), Database(postgres.create_database())
    checkout = Checkout(tmp_path_factory.mktemp("standing"))
    wanted = {**shapes.SHAPES["rules"], "others": shapes.SHAPES["pet"]["others"]}
    apply(full.url, shapes.write_shape(checkout, wanted, 1))
    shapes.fill(full)
    yield full, empty
    for database in (full, empty):
        postgres.drop_database(database.url)


@pytest.mark.parametrize("name", [*shapes.SHAPES, "required"])
def test_every_plan_is_as_published(standing, checkout, name):
    required = {"columns": {"age": {"type": "integer", "required": True}, "visits": {"type": "date"}}}
    configuration = shapes.write_shape(checkout, shapes.SHAPES.get(name, required), 2)
    validator = published("plan")
    for database in standing:
        planned = plan(database.url, configuration)
        validator.validate(msgspec.json.decode(as_json(planned)))
        if name == "required" and database is standing[0]:
            assert planned.refusals
            assert planned.hazards


@pytest.fixture
def answer(checkout, database, monkeypatch):
    monkeypatch.delenv("GATEHOUSE_ENVIRONMENT", raising=False)

    def run(command: str, exit_code: int = 0):
        given = ["--root", str(checkout.root), *([] if command == "check" else ["--url", database.url])]
        result = CliRunner().invoke(db, [command, "--json", *given])
        assert result.exit_code == exit_code, result.output
        told = msgspec.json.decode(result.stdout)
        published(command).validate(told)
        return told

    return run


def test_every_answer_is_as_published(answer, checkout, database):
    checkout.collection()
    assert answer("status")["pending"] > 0
    assert answer("check") == {"schemas": ["person"], "problems": []}
    assert answer("apply")["schemas"][0]["versions"] == {"person": "1.0.0.0"}
    assert answer("drift") == []
    database.run("alter table person.person drop column name, add column mine text")
    (lost, *_) = answer("drift", exit_code=3)
    assert lost["what"] == "missing"


def test_problems_are_as_published(answer, checkout, database):
    checkout.collection()
    answer("apply")
    database.people(2)
    checkout.collection(version="1.1.0.0", columns={"age": {"type": "integer", "required": True}})
    (refused,) = answer("plan", exit_code=3)["schemas"][0]["refusals"]
    assert refused["bad"]
    assert refused["good"]
    assert answer("status")["refusals"] == [refused]
    checkout.collection(version="1.1.0.0", columns={"age": {"type": "years"}})
    (problem,) = answer("check", exit_code=2)["problems"]
    assert problem["key"] == "columns.age.type"


def test_a_key_too_many_or_too_few_is_not_as_published(answer, checkout):
    checkout.collection()
    told = answer("plan")
    validator = published("plan")
    assert not validator.is_valid({**told, "more": 1})
    assert not validator.is_valid({key: value for key, value in told.items() if key != "environment"})


def test_a_plan_that_was_written_can_be_applied(checkout, database, tmp_path):
    checkout.collection()
    file = tmp_path / "plan.json"
    file.write_text(as_json(database.plan(checkout)))
    checkout.collection(columns={"nick": {"type": "text"}})
    with pytest.raises(RefusedError):
        database.apply(checkout, plan_file=file)
    checkout.collection()
    assert database.apply(checkout, plan_file=file).changed
