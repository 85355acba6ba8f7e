"""What documents say is there: the files, tests, links and commands they name, and each wish of the institute."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# moved.md names what is gone, and mission.md is somebody else's text.
LEFT_OUT = {"docs/moved.md", "docs/mission.md"}
PATH = re.compile(
    r"`((?:\.ci|\.github|ci|db-manager|docs|local|observability|platform|services|stacks|tests)/[^`\s]*)`"
)
TEST = re.compile(r"(.+\.py)::(\w+)$")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)")
NAMED_IN_CODE = re.compile(r"(?<![\w/.-])([a-z][\w-]*(?:/[\w-]+)*\.md)\b")
# Written by commands, or part of an address elsewhere.
NOT_OURS = {"index.md", "spec.md", "README.md", "person.md", "topics.md", "notes.md", "welcome.md"}
# Made by commands, or made up in a guide.
NOT_THERE = {"stacks/releases", "stacks/releases/*", "services/library", "local/settings.toml", "tests/data/test_y.py"}


def documents(files: list[str]) -> list[str]:
    return [path for path in files if path.endswith(".md") and path not in LEFT_OUT]


def wishes() -> list[str]:
    text = (DOCS / "mission.md").read_text(encoding="utf-8")
    outcomes = text[text.index("## Meaningful Outcomes") : text.index("## Microservice Bounded Domains")]
    rest = text[text.index("## Infrastructure") :]
    lines = [line.strip("- ").strip() for line in rest.splitlines() if line.strip() and not line.startswith("#")]
    return [line[2:].strip() for line in outcomes.splitlines() if line.startswith("- ")] + lines


def test_every_wish_of_the_institute_has_a_row_that_says_what_is_there():
    rows = [line.split(" | ") for line in (DOCS / "outcomes.md").read_text(encoding="utf-8").splitlines()]
    said = {row[0].removeprefix("| "): row[1:] for row in rows if len(row) == 3}
    missing = [wish for wish in wishes() if wish not in said]
    assert missing == []
    # What isn't marked as missing altogether names what shows it.
    assert [wish for wish in wishes() if said[wish][0] != "*not yet*" and "`" not in said[wish][1]] == []


def test_each_file_and_test_that_a_document_names_is_there(files: list[str]):
    missing = []
    for document in documents(files):
        if document == "docs/tutorial.md":
            continue  # tests/journeys/test_tutorial.py writes what it names
        for name in PATH.findall((ROOT / document).read_text(encoding="utf-8")):
            test = TEST.match(name)
            pattern = re.sub(
                r"<[^>]+>|SERVICE|ENVIRONMENT|NAME|STACK|ID(?=\.)", "*", (test[1] if test else name).rstrip("/")
            )
            found = [*ROOT.glob(pattern), *(ROOT / document).parent.glob(pattern)]
            if pattern in NOT_THERE:
                continue
            if not found or (test and f"def {test[2]}(" not in found[0].read_text(encoding="utf-8")):
                missing.append(f"{document}: {name}")
    assert missing == []


def test_each_link_leads_somewhere(files: list[str]):
    missing = [
        f"{document}: {link}"
        for document in documents(files)
        for link in LINK.findall((ROOT / document).read_text(encoding="utf-8"))
        if not (ROOT / document).parent.joinpath(link).exists()
    ]
    assert missing == []


def test_code_names_no_document_that_is_not_in_the_repository(files: list[str]):
    known = {Path(path).name for path in files if path.endswith(".md")}
    missing = [
        f"{path}:{number}: {name}"
        for path in files
        if path.endswith((".py", ".sh", ".yaml", ".yml", ".html", ".toml")) and not path.startswith("tests/house/")
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), start=1)
        for name in NAMED_IN_CODE.findall(line)
        if Path(name).name not in known | NOT_OURS
    ]
    assert missing == []


@pytest.mark.parametrize("folder", ["guides", "how-to", "decisions"])
def test_an_index_lists_every_page_beside_it(folder: str):
    index = (DOCS / folder / "README.md").read_text(encoding="utf-8")
    pages = [page.name for page in (DOCS / folder).glob("*.md") if page.name != "README.md"]
    assert [page for page in pages if f"({page})" not in index] == []
