"""The runbooks: short, linked, and made of commands that exist. They are run, step by step, by tests/engine."""

import re
import shlex
from pathlib import Path

import pytest
from botocore.exceptions import UnknownServiceError

from gatehouse_local.testing.documented_commands import assert_aws_knows, assert_gate_knows, commands
from gatehouse_platform.config.settings import STACKS

FOLDER = Path(__file__).parents[1] / "runbooks"
PAGES = sorted(FOLDER.glob("*.md"))
RUNBOOKS = sorted(file for file in FOLDER.glob("*.md") if file.name != "README.md")
LONGEST = 45
LINK = re.compile(r"\]\(([^)#]+)\)")
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
    "up",
}


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
    named = re.compile(r"(?:(\w+)/)?runbooks/([\w-]+\.md)")  # without a folder, one of ours
    pointed = {(area or "platform", name) for file in sources for area, name in named.findall(file.read_text())}
    assert pointed
    assert sorted(one for one in pointed if not (FOLDER.parents[1] / one[0] / "runbooks" / one[1]).is_file()) == []


@pytest.mark.parametrize("typed", commands(PAGES, "gate"))
def test_a_gate_command_exists_with_its_options(typed: str):
    assert_gate_knows(typed)
    if typed.startswith("gate stack"):
        words = [word for word in shlex.split(typed)[3:] if not word.startswith("-") and "." not in word]
        assert [word for word in words if word.partition("@")[0] not in {*STACKS, "STACK"}] == []


@pytest.mark.parametrize("typed", commands(PAGES, "aws"))
def test_an_aws_command_is_in_the_description_of_the_api(typed: str):
    assert_aws_knows(typed)


def test_a_command_that_does_not_exist_would_be_found():
    with pytest.raises(KeyError):
        assert_aws_knows("aws rds restore-everything --now")
    with pytest.raises(UnknownServiceError):
        assert_aws_knows("aws databases restore --now")
    with pytest.raises(AssertionError):
        assert_aws_knows("aws ecs update-service --servce x --cluster y")


def test_no_step_makes_pulumi_forget_a_resource_that_others_depend_on():
    """`pulumi state delete` refuses, or with --target-dependents forgets every service (restore.md, step 4)."""
    lines = [line.strip() for file in RUNBOOKS for line in file.read_text(encoding="utf-8").splitlines()]
    assert [line for line in lines if line.startswith("pulumi state delete")] == []
    restore = (FOLDER / "restore.md").read_text(encoding="utf-8")
    assert restore.index("pulumi stack export -s dev") < restore.index("pulumi stack import -s dev")


def test_who_makes_a_stack_commits_its_key():
    text = (FOLDER / "first-up.md").read_text(encoding="utf-8")
    made = text.index("pulumi stack init dev")
    assert "`encryptedkey`" in text[made:]
    assert "Commit the file" in text[made:]


@pytest.mark.parametrize("typed", [each for each in commands(PAGES, "pulumi") if " -" in each])
def test_a_pulumi_command_is_one_that_its_documentation_has(typed: str):
    words = [word for word in shlex.split(typed)[1:] if re.fullmatch(r"[a-z][a-z-]+", word)]
    assert {" ".join(words[:2]), words[0]} & PULUMI
