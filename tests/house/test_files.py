"""Rules about the files themselves: what is in them, where they are, and that what a README says can be typed."""

import contextlib
import re
import shlex
from pathlib import Path

import click
import pytest

from gatehouse_catalog import load_catalog
from gatehouse_catalog.extensions import ALLOWED
from gatehouse_db_manager import load
from gatehouse_local.gate import gate
from gatehouse_local.testing.testrun import KINDS

ROOT = Path(__file__).parents[2]
TEXT = {".py", ".toml", ".yaml", ".yml", ".md", ".sql", ".html", ".css", ".js", ".ts", ".json", ".txt", ""}
# Written in pieces, so that this file doesn't hold what it forbids.
MACHINE_PATHS = re.compile(r"(?<![\w.~}-])/(?:" + "|".join(["root", "home/[a-z]+", "work", "Users/[A-Za-z]+"]) + r")/")
REGISTRIES = re.compile("|".join([r"pypi\." + "org", r"python" + r"hosted\.org", r"registry\.npm" + r"js\.org"]))
UNFORMATTED = re.compile("# fmt" + ": (?:skip|off)")
# The institute's content links to wherever it links; the lock is uv's.
CONTENT = re.compile(r"^uv\.lock$|/test-data/|^LICENSE$")
EXAMPLE = "library"  # the service that guides make with `gate new service`
COMMAND = re.compile(r"(?:^[ \t]*|(?<=`))(?:\$ )?((?:\./local/\w+|gate)(?: [^`#\n]*)?)", re.MULTILINE)


def texts(files: list[str]) -> list[tuple[str, str]]:
    return [
        (path, (ROOT / path).read_text(encoding="utf-8"))
        for path in files
        if Path(path).suffix in TEXT and not CONTENT.search(path)
    ]


@pytest.mark.parametrize(
    "forbidden",
    [MACHINE_PATHS, REGISTRIES, UNFORMATTED],
    ids=["paths of a machine", "hosts of registries", "what the formatter has to leave"],
)
def test_no_file_names(files: list[str], forbidden: re.Pattern):
    found = [f"{path}: {match[0]}" for path, text in texts(files) for match in forbidden.finditer(text)]
    assert found == []


def test_every_top_level_folder_says_what_it_is_for(files: list[str]):
    folders = {path.split("/", 1)[0] for path in files if "/" in path and not path.startswith(".")}
    assert [folder for folder in sorted(folders) if not (ROOT / folder / "README.md").is_file()] == []
    assert (ROOT / "README.md").is_file()


def test_nothing_shadows_python_in_the_platform_folder(files: list[str]):
    """The Pulumi language host puts that folder first on the path; see house.md, Names."""
    shadows = {"__init__.py", "secrets.py", "types.py", "logging.py"}
    assert [path for path in files if path.startswith("platform/") and path.removeprefix("platform/") in shadows] == []


def test_every_service_has_tests(files: list[str]):
    for service in load_catalog(ROOT).services:
        tests = re.compile(rf"services/{service.name}/tests/(.+/)?test_\w+\.py")
        assert any(tests.fullmatch(path) for path in files), service.name


def commands_in_readmes() -> list[str]:
    patterns = ("*.md", "*/README.md", "services/*/README.md", "docs/**/*.md")
    found = [
        match[1].strip()
        for file in sorted(file for pattern in patterns for file in ROOT.glob(pattern))
        if file.name != "moved.md"  # it names what is gone
        for match in COMMAND.finditer(file.read_text(encoding="utf-8"))
    ]
    return sorted(set(found))


@pytest.mark.parametrize("typed", commands_in_readmes())
def test_what_a_readme_says_can_be_typed(typed: str):
    door, *words = shlex.split(re.sub(r"[\[\]|….]{1,3}(?=\s|$)|\|.*|&&.*", "", typed))
    words = [word for word in words if re.fullmatch(r"-{0,2}[a-z][a-z-]*", word)]
    if door != "gate":
        assert (ROOT / door).is_file()
    if door in {"./local/up", "./local/test"}:
        words.insert(0, door.removeprefix("./local/"))
    command: click.Command | None = gate
    context = click.Context(gate, info_name="gate")
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        name = words.pop(0)
        command = command.get_command(context, name)
        assert command is not None, f"there is no command {name}"
    if command is not None and command.name in {"up", "test"} and words and not words[0].startswith("-"):
        known = {"db", "api", "all", EXAMPLE, *KINDS, *(service.name for service in load_catalog(ROOT).services)}
        assert words[0] in known or (ROOT / words[0]).exists()


@pytest.mark.parametrize("typed", commands_in_readmes())
def test_a_readme_gives_no_command_a_word_that_it_does_not_take(typed: str):
    """An option that isn't there, an argument too many. What a command needs, a sentence may leave out."""
    door, *words = shlex.split(re.sub(r"\[[^\]]*\]|\||…|(?<![.\w\"])\.\.\.(?!\")|\s&&.*", "", typed))
    words = [door.removeprefix("./local/"), *words] if door in {"./local/up", "./local/test"} else words
    command: click.Command | None = gate
    context = click.Context(gate, info_name="gate")
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        command = command.get_command(context, words.pop(0))
    if command is not None and not isinstance(command, click.Group):
        with contextlib.suppress(
            click.MissingParameter, click.BadParameter, click.BadOptionUsage, click.exceptions.Exit
        ):
            command.make_context(command.name, words, parent=context)


def test_schemas_ask_only_for_extensions_that_every_environment_has():
    asked = {schema.file: set(schema.extensions) for schema in load(ROOT).schemas}
    assert {file: names - set(ALLOWED) for file, names in asked.items() if names - set(ALLOWED)} == {}
