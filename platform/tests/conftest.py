"""Recorded graphs that tests share, and worlds to change: a checkout with other services or another stack file."""

import functools
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gatehouse_platform.offline.check import graph_of
from gatehouse_platform.offline.graph import Graph, RecordedResource

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ("dev", "test", "staging", "production")
STACKS = ("foundation", *ENVIRONMENTS)


@functools.cache
def _graph(name: str) -> Graph:
    return graph_of(ROOT, name)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def graph() -> Callable[[str], Graph]:
    """The graph of a committed stack, examples included; recorded once a process."""
    return _graph


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of its own, as far as the platform reads one: catalog and stack files."""
    for file in ROOT.glob("services/*/service.toml"):
        (tmp_path / "services" / file.parent.name).mkdir(parents=True)
        shutil.copy(file, tmp_path / "services" / file.parent.name)
    (tmp_path / "services" / "catalog").mkdir()
    (tmp_path / "pyproject.toml").touch()
    shutil.copytree(ROOT / "stacks", tmp_path / "stacks")
    return tmp_path


@pytest.fixture
def changed() -> Callable[..., Graph]:
    """A graph with one resource's properties (or `protect`) changed; None takes a property away."""

    def change(graph: Graph, kind: str, name: str, properties: Mapping[str, Any], **others: Any) -> Graph:
        old = next(one for one in graph.resources if one.kind == kind and one.name == name)
        merged = {**old.properties, **properties}
        kept = {key: value for key, value in merged.items() if value is not None}
        return replaced(graph, old, msgspec.structs.replace(old, properties=kept, **others))

    return change


def replaced(graph: Graph, old: RecordedResource, *new: RecordedResource) -> Graph:
    others = tuple(one for one in graph.resources if one is not old)
    return msgspec.structs.replace(graph, resources=(*others, *new))


def group_names(root: Path, stack: str) -> dict[str, str]:
    """In which ECS service each service of the catalog runs, read from the stack file on its own."""
    content = msgspec.yaml.decode((root / "stacks" / f"Pulumi.{stack}.yaml").read_bytes())
    groups = content["config"].get("gatehouse:groups", {})
    of = {member: name for name, group in groups.items() for member in group["services"]}
    return {
        file.parent.name: of.get(file.parent.name, file.parent.name) for file in root.glob("services/*/service.toml")
    }


@pytest.fixture(scope="session")
def groups() -> Callable[[str], dict[str, str]]:
    """Service -> the group in which it runs, by committed stack."""
    return lambda stack: group_names(ROOT, stack)
