"""One version of Pulumi's engine: what the tests build is what the workflows install and the runbooks ask for."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def engine_version() -> str:
    """The engine that platform/engine/build compiles."""
    (found,) = re.findall(r"github.com/pulumi/pulumi/pkg/v3 v([\d.]+)", (ROOT / "platform/engine/go.mod").read_text())
    return found


def test_workflows_install_the_engine_that_the_tests_run():
    workflows = {file.name: file.read_text() for file in (ROOT / ".github/workflows").glob("*.yml")}
    pinned = {name: re.findall(r"pulumi-version: (\S+)", text) for name, text in workflows.items()}
    used = {name for name, text in workflows.items() if "pulumi/actions@" in text}
    assert used == {name for name, versions in pinned.items() if versions} != set()
    assert {version for versions in pinned.values() for version in versions} == {engine_version()}


def test_people_are_told_to_install_it():
    page = (ROOT / "docs/first-deployment.md").read_text()
    assert re.findall(r"`pulumi` ([\d.]+)", page) == [engine_version().rpartition(".")[0]]


def test_the_engine_is_no_older_than_the_locked_sdk():
    """An engine serves the SDKs up to its own version."""
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    (sdk,) = (each["version"] for each in packages if each["name"] == "pulumi")
    assert [int(part) for part in sdk.split(".")] <= [int(part) for part in engine_version().split(".")]
