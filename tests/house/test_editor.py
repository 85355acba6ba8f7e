"""What editors and dev containers are told exists here: commands, schemas, files."""

import json
from typing import Any

import pytest

from gatehouse_local.gate import gate

from .test_files import ROOT


def read(name: str) -> dict[str, Any]:
    return json.loads((ROOT / name).read_text(encoding="utf-8"))


def typed() -> list[str]:
    """The commands that tasks, launches and the dev container run."""
    tasks = [task["command"] for task in read(".vscode/tasks.json")["tasks"]]
    launches = read(".vscode/launch.json")["configurations"]
    gates = [f"gate {' '.join(one['args'])}" for one in launches if one["module"] == "gatehouse_local.gate"]
    return [*tasks, *gates, *read(".devcontainer/devcontainer.json")["postCreateCommand"].split(" && ")[2:]]


@pytest.mark.parametrize("command", typed())
def test_a_command_of_the_editor_exists(command: str):
    door, *words = command.removeprefix("./local/").split()
    name = words[0] if door == "gate" else door
    found = gate.get_command(gate.make_context("gate", ["--help"], resilient_parsing=True), name)
    assert found is not None
    known = {option for parameter in found.params for option in parameter.opts}
    assert [word for word in words if word.startswith("--") and word not in known] == []


def test_schemas_and_their_files_are_there():
    for schema, files in read(".vscode/settings.json")["yaml.schemas"].items():
        assert (ROOT / schema).is_file()
        assert list(ROOT.glob(files)), files


def test_the_dev_container_recommends_what_the_editor_does():
    inside = read(".devcontainer/devcontainer.json")["customizations"]["vscode"]["extensions"]
    assert inside == read(".vscode/extensions.json")["recommendations"]
