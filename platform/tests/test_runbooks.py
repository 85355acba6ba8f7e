"""The runbooks: short, linked, and made of commands that exist. `pulumi` isn't here, so its options are not checked."""

import re
import shlex
from pathlib import Path

import botocore.session
import click
import pytest
from botocore import xform_name
from botocore.exceptions import UnknownServiceError

from gatehouse_local.gate import gate
from gatehouse_platform.settings import STACKS

FOLDER = Path(__file__).parents[1] / "runbooks"
RUNBOOKS = sorted(file for file in FOLDER.glob("*.md") if file.name != "README.md")
LONGEST = 40
FENCE = re.compile(r"```bash\n(.*?)```", re.DOTALL)
INLINE = re.compile(r"`((?:gate|aws|pulumi) [^`]+)`")
LINK = re.compile(r"\]\(([^)#]+)\)")
# What the AWS CLI adds to the API, and its options everywhere.
ADDED = {("logs", "tail"), ("s3", "rm")}
EVERYWHERE = {"query", "output", "region"}
PULUMI = {
    "cancel",
    "destroy",
    "import",
    "preview",
    "refresh",
    "stack",
    "stack change-secrets-provider",
    "stack export",
    "stack import",
    "stack init",
    "stack output",
    "stack rm",
    "state delete",
    "up",
}


def commands(*tools: str) -> list[str]:
    """Every command of these tools in the runbooks, with the part before a pipe or a redirection."""
    found = set()
    for file in FOLDER.glob("*.md"):
        text = file.read_text(encoding="utf-8")
        lines = [line.strip() for block in FENCE.findall(text) for line in block.splitlines()]
        for line in [*lines, *INLINE.findall(FENCE.sub("", text))]:
            if line.partition(" ")[0] in tools:
                found.add(re.split(r" [|>] ", line)[0])
    return sorted(found)


def options(words: list[str]) -> list[str]:
    return [word.removeprefix("--").partition("=")[0] for word in words if word.startswith("--")]


@pytest.mark.parametrize("file", RUNBOOKS, ids=lambda file: file.stem)
def test_a_runbook_is_short_and_says_when_and_whether_it_worked(file: Path):
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) < LONGEST
    assert "**When**" in text or "**First**" in text
    assert "**It worked if**" in text


def test_the_index_names_every_runbook():
    named = LINK.findall((FOLDER / "README.md").read_text(encoding="utf-8"))
    assert sorted(named) == [file.name for file in RUNBOOKS]


@pytest.mark.parametrize("file", [*RUNBOOKS, FOLDER / "README.md"], ids=lambda file: file.stem)
def test_links_lead_somewhere(file: Path):
    targets = [link for link in LINK.findall(file.read_text(encoding="utf-8")) if not link.startswith("https://")]
    assert [link for link in targets if not (file.parent / link).exists()] == []


def test_what_the_platform_points_to_is_there():
    sources = (FOLDER.parent / "gatehouse_platform").rglob("*.py")
    pointed = {name for file in sources for name in re.findall(r"runbooks/([\w-]+\.md)", file.read_text())}
    assert pointed
    assert sorted(name for name in pointed if not (FOLDER / name).is_file()) == []


@pytest.mark.parametrize("typed", commands("gate"))
def test_a_gate_command_exists_with_its_options(typed: str):
    words = shlex.split(typed)[1:]
    command: click.Command = gate
    while isinstance(command, click.Group):
        name = words.pop(0)
        found = command.get_command(click.Context(command), name)
        assert found is not None, f"there is no {name}"
        command = found
    known = {option for parameter in command.params for option in parameter.opts}
    assert [f"--{option}" for option in options(words) if f"--{option}" not in known] == []
    places = [word.partition("@")[0] for word in words if not word.startswith("-") and "." not in word]
    if typed.startswith("gate stack"):
        assert [place for place in places if place not in {*STACKS, "STACK"}] == []


@pytest.mark.parametrize("typed", commands("aws"))
def test_an_aws_command_is_in_the_description_of_the_api(typed: str):
    _, service, action, *words = shlex.split(typed)
    if (service, action) in ADDED:
        return
    session = botocore.session.get_session()
    model = session.get_service_model(service)
    if action == "wait":
        waiters = session.get_component("data_loader").load_service_model(service, "waiters-2")["waiters"]
        by_name = {xform_name(name, "-"): waiter["operation"] for name, waiter in waiters.items()}
        operation = by_name[words.pop(0)]
    else:
        operation = {xform_name(name, "-"): name for name in model.operation_names}[action]
    shape = model.operation_model(operation).input_shape
    members = {xform_name(name, "-"): member for name, member in (shape.members if shape else {}).items()}
    flags = {f"no-{name}" for name, member in members.items() if member.type_name == "boolean"}
    given = [option for option in options(words) if option not in EVERYWHERE | {"max-results"}]
    assert [option for option in given if option not in members.keys() | flags] == []
    needed = {xform_name(name, "-") for name in (shape.required_members if shape else [])}
    assert needed <= set(given)


def test_a_command_that_does_not_exist_would_be_found():
    with pytest.raises(KeyError):
        test_an_aws_command_is_in_the_description_of_the_api("aws rds restore-everything --now")
    with pytest.raises(UnknownServiceError):
        test_an_aws_command_is_in_the_description_of_the_api("aws databases restore --now")
    with pytest.raises(AssertionError):
        test_an_aws_command_is_in_the_description_of_the_api("aws ecs update-service --servce x --cluster y")


@pytest.mark.parametrize("typed", commands("pulumi"))
def test_a_pulumi_command_is_one_that_its_documentation_has(typed: str):
    words = [word for word in shlex.split(typed)[1:] if re.fullmatch(r"[a-z][a-z-]+", word)]
    assert {" ".join(words[:2]), words[0]} & PULUMI
