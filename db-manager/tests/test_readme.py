"""The README's examples run, show every key that there is, and name commands that there are."""

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ruamel.yaml import YAML

from gatehouse_db_manager.cli.commands import db
from gatehouse_db_manager.config import formats
from gatehouse_local.testing.pytest_plugin import ROLE_PASSWORD

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SHARED = Path(__file__).parents[2] / "services/chassis/gatehouse_chassis/schema"
YAMLS = re.findall(r"```yaml\n# ([^\s:]+).*?\n(.*?)```", README, re.DOTALL)
SHAPES = [
    one
    for one in vars(formats).values()
    if isinstance(one, type) and issubclass(one, msgspec.Struct) and one.__module__ == formats.__name__
]


def keys(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(keys, value))
    return set(value).union(*map(keys, value.values())) if isinstance(value, dict) else set()


@pytest.fixture
def written(checkout):
    """A checkout of the README's files, and the collection of another schema that one of them refers to."""
    for path, text in YAMLS:
        checkout.write(path, text)
    checkout.schema("topics")
    checkout.collection("resource", schema="topics")
    shutil.copytree(SHARED, checkout.root / "services/chassis/gatehouse_chassis/schema")
    return checkout


def test_every_example_is_a_file():
    assert README.count("```yaml") == len(YAMLS) > 3


def test_the_examples_can_be_applied_and_stand(written, database):
    assert {one.name for one in written.load()["person"].collections} == {"person", "visit", "idempotency_key"}
    assert database.apply(written).changed
    assert database.plan(written).empty


def test_every_key_of_a_file_is_shown():
    shown = keys([YAML(typ="safe").load(text) for _, text in YAMLS])
    for shape in SHAPES:
        fields = {field.encode_name for field in msgspec.structs.fields(shape)}
        assert fields <= shown, f"{shape.__name__} has more"


def test_every_command_is_shown_and_is_one():
    shown = set(re.findall(r"gate db ([a-z]+)", README))
    assert db.commands.keys() <= shown | {"drift"}
    assert shown <= db.commands.keys()


def test_every_option_that_is_named_is_one():
    known = {name for command in db.commands.values() for option in command.params for name in option.opts}
    for line in re.findall(r"gate db [a-z]+ (--[^`\n]*)", README):
        assert {word for word in shlex.split(line.partition("#")[0]) if word.startswith("--")} <= known


def test_the_python_example_runs(written, database, capsys):
    (text,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(text, "README.md", "exec"), {"root": written.root, "url": database.url, "secret": ROLE_PASSWORD})
    assert "StepEnded" in capsys.readouterr().out
    assert database.run("select distinct schema from dbm.version order by 1") == [("person",), ("topics",)]
