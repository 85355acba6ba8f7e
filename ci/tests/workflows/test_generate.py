"""Workflows are thin and safe: every `gate` command in them exists, every action is pinned, no key is kept anywhere.

zizmor reads them in `gate check`; actionlint does here, where it is installed or can be by Go.
"""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from ruamel.yaml import YAML

from gatehouse_catalog import find_root, load_catalog
from gatehouse_catalog.releases import ENVIRONMENTS
from gatehouse_ci.workflows.generate import generate, with_domains
from gatehouse_local.gate import gate
from gatehouse_platform.offline.check import graph_of

ROOT = find_root(Path(__file__))
FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
PINNED = re.compile(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
ACTIONLINT = "v1.7.12"
EXPECTED = {"pull-request", "build", "deploy", "promote", "go-live", "rollback", "drift", "nightly", "probe", "prune"}
# What tests need of Debian's packages; installed by what the project's own CI installs them with.
SETUP = ".ci/run install"
# By these an action, a registry or GitHub itself is told who asks; each is made for the job and ends with it.
TOKENS = {"github.token"}
# The App that may push to a protected main; each push has a token of its own, as they last an hour.
KEYS = {"secrets.GATEHOUSE_APP_KEY", "secrets.GATEHOUSE_RELEASE_WEBHOOK"}


def read(file: Path) -> dict[str, Any]:
    return YAML(typ="safe", pure=True).load(file.read_text())


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in FILES:
        for name, job in read(file)["jobs"].items():
            yield f"{file.stem}: {name}", job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in jobs():
        for step in job["steps"]:
            yield name, step


def commands() -> list[str]:
    """Every line of a workflow that is run."""
    lines = {line.strip() for _, step in steps() for line in step.get("run", "").splitlines() if line.strip()}
    return sorted(lines - {SETUP})


def test_the_workflows_of_the_design_are_there():
    assert {file.stem for file in FILES} == EXPECTED


@pytest.mark.parametrize("line", commands())
def test_a_step_calls_gate_in_a_way_that_gate_knows(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "release").mkdir()  # by then, the releases that were built are there
    monkeypatch.chdir(tmp_path)
    door, *words = shlex.split(line)
    assert door == "./local/gate", "a step is one call of gate, so that what CI does can be done on a laptop"
    context, command = click.Context(gate, info_name="gate"), gate
    while isinstance(command, click.Group):
        found = command.get_command(context, words.pop(0))
        assert found is not None, f"there is no such command: {line}"
        context, command = click.Context(found, info_name=found.name, parent=context), found
    command.parse_args(context, [sample(word) for word in words])


def sample(word: str) -> str:
    """A word as it could be: `$ENVIRONMENT` is one of them, any other variable some text."""
    return re.sub(r"\$\{?(\w+)[^}\s]*\}?", lambda found: SAMPLES.get(found[1], "text"), word)


SAMPLES = {"ENVIRONMENT": "test"}


def test_every_action_is_pinned_and_says_its_version():
    found = [line for file in FILES for line in re.findall(r"uses: (.+)", file.read_text())]
    assert found
    assert [line for line in found if not PINNED.match(line)] == []
    versions: dict[str, set[str]] = {}
    for line in found:
        versions.setdefault(line.partition("@")[0], set()).add(line)
    assert [lines for lines in versions.values() if len(lines) > 1] == [], "one version of an action"


def test_permissions_are_given_job_by_job():
    for file in FILES:
        assert read(file)["permissions"] == {}, f"{file.name}: none by default"
    for name, job in jobs():
        assert "permissions" in job, name
        given = job["permissions"]
        if "id-token" in given:
            needs_it = "environment" in job or any("actions/attest@" in step.get("uses", "") for step in job["steps"])
            assert needs_it, f"{name}: signs in nowhere"
        if given.get("contents") == "write":
            assert any("gate promote" in step.get("run", "") for step in job["steps"]), f"{name}: writes no record"


def test_no_key_is_kept_and_no_checkout_leaves_a_token():
    for file in FILES:
        text = file.read_text()
        assert set(re.findall(r"secrets\.\w+", text)) <= KEYS, (
            f"{file.name}: only the App's key and the chat's address are kept"
        )
        assert not re.search(r"aws-(access-key|secret)|AWS_(ACCESS|SECRET)|PULUMI_ACCESS_TOKEN", text), file.name
        assert set(re.findall(r"\$\{\{ ([\w.]*token[\w.]*) \}\}", text)) <= TOKENS
    for name, step in steps():
        if "actions/checkout@" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False, name


def test_what_deploys_names_its_environment_and_only_main_may():
    for name, job in jobs():
        if not any("configure-aws-credentials@" in step.get("uses", "") for step in job["steps"]):
            continue
        assert job.get("environment"), name
        guarded = [job, *(read(FOLDER / f"{name.partition(':')[0]}.yml")["jobs"][one] for one in needed(job))]
        assert any("github.ref == 'refs/heads/main'" in one.get("if", "") for one in guarded), name


def test_the_apps_key_is_seen_by_gate_alone_in_an_environment():
    """Not by an action of somebody else in the same job."""
    for name, job in jobs():
        assert "secrets." not in str({key: value for key, value in job.items() if key != "steps"}), name
        for step in job["steps"]:
            pushes = re.search(r"gate promote (?!plan)", step.get("run", "")) and "--preview" not in step["run"]
            assert ("secrets." in str(step)) == bool(pushes), f"{name}: {step}"
            assert "secrets." not in str(step) or job.get("environment"), name


def test_credentials_last_as_long_as_the_job():
    """Else Pulumi can't write down what it did, and leaves its lock (pulumi/pulumi #19452)."""
    roles = {
        role.properties["name"]: role.properties["maxSessionDuration"]
        for role in graph_of(ROOT, "foundation").of_type("aws:iam/role:Role")
        if str(role.properties.get("name", "")).startswith("gatehouse-github-")
    }
    for name, job in jobs():
        for step in job["steps"]:
            if "configure-aws-credentials@" in step.get("uses", ""):
                seconds = step["with"]["role-duration-seconds"]
                assert job["timeout-minutes"] * 60 <= seconds <= min(roles.values()), name


def needed(job: dict[str, Any]) -> list[str]:
    needs = job.get("needs", [])
    return [needs] if isinstance(needs, str) else needs


def test_nothing_that_deploys_is_cancelled_half_way():
    for file in FILES:
        if file.stem in {"pull-request", "drift"}:
            continue
        assert read(file)["concurrency"]["cancel-in-progress"] is False, file.name


def test_no_service_is_named():
    """Matrices come from `gate affected`, choices of domains from the catalog (`gate generate`)."""
    for file in FILES:
        words = set(re.findall(r"[\w-]+", re.sub(r"# <domains>.*?# </domains>", "", file.read_text(), flags=re.DOTALL)))
        assert words & {*load_catalog(ROOT).names, *load_catalog(ROOT).domains} == set(), file.name


def test_tools_have_the_version_that_everybody_has():
    uv = re.search(r"^uv==(\S+)", (ROOT / "local" / "uv-requirements.txt").read_text(), re.MULTILINE)
    # The engine that the tests run the program under.
    engine = (ROOT / "platform" / "engine" / "go.mod").read_text()
    pulumi = re.search(r"github.com/pulumi/pulumi/sdk/v3 v(\S+)", engine)
    assert uv
    assert pulumi
    for name, step in steps():
        if "setup-uv@" in step.get("uses", ""):
            assert step["with"]["version"] == uv[1], name
        if "pulumi/actions@" in step.get("uses", ""):
            assert step["with"] == {"pulumi-version": pulumi[1]}, name


def test_uv_is_installed_by_hash_wherever_we_install_it():
    """What installs everything else is the one program that uv.lock can't hold."""
    listed = (ROOT / "local" / "uv-requirements.txt").read_text()
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", listed)) >= 10
    recipes = [
        ROOT / "local" / "gate",
        *(ROOT / folder / "Dockerfile" for folder in ("services", "db-manager", "local")),
    ]
    for recipe in recipes:
        installs = re.findall(r"pip install.*|-m pip install(?:.*\\\n)?.*", recipe.read_text())
        assert installs
        assert all("--require-hashes" in line for line in installs), recipe


def test_environments_are_those_there_are():
    found = read(FOLDER / "drift.yml")["jobs"]["drift"]["strategy"]["matrix"]["environment"]
    assert tuple(found) == ENVIRONMENTS


def test_the_way_into_an_environment_is_the_same_everywhere():
    """Five steps that can't be shared: zizmor refuses `./` references, actionlint the newer `$/` ones."""
    ways = set()
    for _, job in jobs():
        names = [step.get("uses", step.get("run", "")).partition("@")[0] for step in job["steps"]]
        if "aws-actions/configure-aws-credentials" in names:
            end = names.index("aws-actions/configure-aws-credentials") + 1
            ways.add(str([*job["steps"][1 : end - 2], job["steps"][end - 1]]))
            assert re.fullmatch(r'./local/gate way-in "\$ENVIRONMENT" --may (apply|plan) --github', names[end - 2])
    assert len(ways) == 1


def test_choices_of_domains_follow_the_catalog():
    found = generate(ROOT)
    assert f"{FOLDER.relative_to(ROOT)}/promote.yml" in found
    for path, text in found.items():
        assert (ROOT / path).read_text() == text, "gate generate"
    text = (FOLDER / "promote.yml").read_text()
    other = with_domains(text, ["people", "money"])
    assert "          - people\n          - money\n        # </domains>" in other
    assert with_domains(other, sorted(load_catalog(ROOT).domains)) == text, "all else stays"


def test_nothing_is_suppressed():
    """zizmor itself is a check of `gate check`, and so of tests/house."""
    assert [file.name for file in (ROOT / ".github").rglob("*.y*ml") if "zizmor: ignore" in file.read_text()] == []
    names = ("zizmor.yml", ".github/zizmor.yml", ".github/actionlint.yaml", ".github/actionlint.yml")
    assert [name for name in names if (ROOT / name).exists()] == []


@pytest.mark.deep  # Go takes half a minute to build it
def test_actionlint_finds_nothing():
    done = subprocess.run([actionlint(), *map(str, FILES)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def actionlint() -> str:
    """The one on PATH, or one that Go fetches once into .gate/tools."""
    own = ROOT / ".gate" / "tools" / f"actionlint-{ACTIONLINT}"
    if own.exists():
        return str(own)
    if found := shutil.which("actionlint"):
        return found
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        pytest.skip("neither actionlint nor Go is installed: the workflows were read by zizmor only")
    scratch = own.parent / f".{os.getpid()}"
    command = [go, "install", f"github.com/rhysd/actionlint/cmd/actionlint@{ACTIONLINT}"]
    done = subprocess.run(
        command, env={**os.environ, "GOBIN": str(scratch)}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"actionlint can't be fetched: {done.stderr[-300:]}")
    (scratch / "actionlint").replace(own)
    scratch.rmdir()
    return str(own)
