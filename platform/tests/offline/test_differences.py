"""How far a change reaches: a digest to its task definition and service, a new service to its own resources."""

import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from string import Template
from typing import Any

import pytest
from ruamel.yaml import YAML

from gatehouse_catalog import load_catalog
from gatehouse_local.scaffold import TEMPLATES
from gatehouse_platform.cli.show_diff import lines
from gatehouse_platform.config.settings import ENVIRONMENTS
from gatehouse_platform.config.stack_config import read_config
from gatehouse_platform.offline.check import example_digest, graph_of, with_examples
from gatehouse_platform.offline.differences import GraphDifference, difference
from gatehouse_platform.offline.graph import Graph, RecordedResource

Graphs = Callable[[str], Graph]


def kinds(found: GraphDifference) -> set[tuple[str, str]]:
    return {(one.type.rpartition(":")[2], one.name) for one in found.changed}


def released(graph: Graphs, checkout: Path, stack: str, service: str, **changes: Any) -> GraphDifference:
    """What a change of one release in a stack file makes different; each service's other releases are examples."""
    config, _ = with_examples(read_config(checkout, stack), load_catalog(checkout))
    file = checkout / "stacks" / f"Pulumi.{stack}.yaml"
    yaml = YAML()
    content = yaml.load(file.read_text())
    content["config"] = config
    content["config"]["gatehouse:releases"][service] |= changes
    yaml.dump(content, file)
    return difference(graph(stack), graph_of(checkout, stack))


@pytest.mark.parametrize("stack", ["dev", "production"])
def test_a_digest_changes_its_task_definition_and_service_and_nothing_else(graph: Graphs, checkout: Path, stack: str):
    found = released(graph, checkout, stack, "person", digest=example_digest("another person"))
    assert (found.added, found.removed) == ((), ())
    assert kinds(found) == {("TaskDefinition", "members"), ("Service", "members")}
    service = next(one for one in found.changed if one.type.endswith(":Service"))
    assert [change.path for change in service.changes] == ["taskDefinition"]
    task = next(one for one in found.changed if one.type.endswith(":TaskDefinition"))
    assert {change.path for change in task.changes} == {
        "containerDefinitions[person].environment[GATEHOUSE_IMAGE_DIGEST].value",
        "containerDefinitions[person].image",
    }


def test_a_database_digest_changes_its_schema_run_only(graph: Graphs, checkout: Path):
    found = released(graph, checkout, "dev", "person", database_digest=example_digest("another schema"))
    assert kinds(found) == {("TaskDefinition", "person-database"), ("Schema", "person-database")}


def test_collections_of_a_release_change_nothing_in_aws(graph: Graphs, checkout: Path):
    assert not released(graph, checkout, "dev", "person", collections={"person": "1.0.0.1"})


def a_new_service(root: Path, checkout: Path, name: str) -> None:
    """What `gate new service NAME` writes, as far as the platform reads it."""
    values = {"name": name, "domain": "demo", "schema": name, "package": f"gatehouse_{name}", "title": name.title()}
    text = Template((TEMPLATES / "service" / "service.toml.txt").read_text()).substitute(
        {**values, "port": "8499", "nouns": "items", "aggregate": "item"}
    )
    (checkout / "services" / name).mkdir()
    (checkout / "services" / name / "service.toml").write_text(text)


@pytest.mark.parametrize("stack", ENVIRONMENTS)
@pytest.mark.sampled(4)
def test_a_new_service_adds_its_own_resources_and_nothing_else(root: Path, checkout: Path, graph: Graphs, stack: str):
    a_new_service(root, checkout, "demo")
    found = difference(graph(stack), graph_of(checkout, stack))
    assert found.removed == ()
    assert found.changed == ()
    # Everything a service has, all of it named after it; who calls every service gets a way to it, too.
    assert all("demo" in one.name for one in found.added)
    like = [one for one in graph(stack).resources if one.name.split("-")[0] == "ledger" or "-ledger" in one.name]
    assert types_but_for_rules(found.added) == types_but_for_rules(like)


def types_but_for_rules(resources: Iterable[RecordedResource]) -> list[str]:
    """Without security groups' rules: there is one for each service that another calls."""
    return sorted(one.type for one in resources if not one.type.endswith("gressRule"))


def test_stacks_of_one_tier_differ_in_their_addresses_and_names_only(graph: Graphs):
    found = difference(graph("dev"), graph("test"))
    assert (found.added, found.removed) == ((), ())
    values = [str(change.after) for one in found.changed for change in one.changes]
    ours = ("10.20.", "test", "task-definition/")
    assert [value for value in values if not any(word in value for word in ours)] == []


def test_the_difference_is_said_property_by_property(graph: Graphs, checkout: Path):
    found = released(graph, checkout, "dev", "person", digest=example_digest("another person"))
    said = lines(found)
    assert said[-1] == "0 added, 0 removed, 2 changed"
    assert any(line.startswith("    containerDefinitions[person].image: 1111") and " -> " in line for line in said)


def test_a_stack_is_compared_with_itself_at_another_revision(checkout: Path, tmp_path: Path):
    from click.testing import CliRunner

    from gatehouse_platform.cli.commands import stack

    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", *words], cwd=checkout, check=True)

    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "before")
    file = checkout / "stacks" / "Pulumi.dev.yaml"
    file.write_text(file.read_text() + "  gatehouse:log_days: 7\n")
    runner: Any = CliRunner()
    before = Path.cwd()
    import os

    os.chdir(checkout)
    try:
        said = runner.invoke(stack, ["diff", "dev@main"], catch_exceptions=False).output
        missing = runner.invoke(stack, ["diff", "dev@nowhere"])
    finally:
        os.chdir(before)
    assert "retentionInDays: 30 -> 7" in said
    assert "nowhere can't be read" in str(missing.exception)
