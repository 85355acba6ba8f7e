"""Words that people in the field don't say, each once in a message, a page or a help text, and replaced since.

The left column of the table in the findings of November 2026 (22 rows), and the words that pages lost with it.
"""

import re
from pathlib import Path

import pytest

from .test_files import ROOT

# What was said, as a pattern, and what is said instead.
REPLACED = {
    r"[Ll]ook whether": "Check whether ...",
    r"Every finding comes with": "Every problem comes with a fix.",
    r"still is what main says|Exit code 2: it isn": "Check an AWS environment for drift from main. Exits 2 if it has.",
    r"Say by which role|gets into an environment": "Show the IAM role a workflow assumes",
    r"Go on with what comes|Lines of each at first": "Keep printing new lines. / Lines to show per service.",
    r"it goes on in the background|Its last words": "keeps running in the background; Last output",
    r"Only to look at": "Read-only.",
    r"[Gg]it is the truth": "Read from git: ...",
    r"See what would (go|come)": "Preview promotion / Preview rollback",
    r"\(the same\)|The same as": "no changes; nothing for an empty cell",
    r"\bFor (Tester|Engineer|SRE|Release)": "Only testers and SREs can promote here.",
    r"Put the hold|>Leave it\b|\"Leave it\"": "Hold service; Environment; Cancel",
    r", or for good": "leave empty for no end",
    r"Stop, or go back|Why not<|Look at it again|A look at": "Holds and rollback; Why this is blocked; Verify again",
    r"Take out\b|Back to next|Complete already": "Remove; Move to Next; Mark as completed",
    r"(Nothing|Nobody) like that": "No results for “...”.",
    r"Open to you|Ways you may go": "drop it",
    r"What every service is asked|how often it fails, and how long": "Traffic, errors and latency of each service ...",
    r"without probes|The numbers of \{": "health checks excluded; Table: ...",
    r"whether it is well": "What is running, since when, and its health.",
    r"Ways through": "Step-by-step learning paths.",
    r"contradicts what is there": "Conflict with the current state",
    r"stands: all its data|rows? have it|has it\. It is gone": "Dropping library.item deletes its 3 rows for good.",
    r"There is no gate": "Page not found",
}
KINDS = {".py", ".html", ".js", ".ts", ".vue", ".json", ".txt", ".yaml", ".yml", ".toml", ""}


@pytest.fixture(scope="module")
def texts(files: list[str]) -> dict[str, str]:
    """Code, templates, configuration and doors; tests and documents quote what they like."""
    read = {}
    for path in files:
        kept = Path(path).suffix in KINDS and not {"tests", "docs", "benchmarks"} & set(Path(path).parts)
        if kept and (ROOT / path).is_file():
            read[path] = (ROOT / path).read_text(encoding="utf-8", errors="replace")
    return read


@pytest.mark.parametrize("words", REPLACED)
def test_nothing_says(words: str, texts: dict[str, str]):
    pattern = re.compile(words)
    assert [f"{path}: {match[0]}" for path, text in texts.items() if (match := pattern.search(text))] == [], (
        f"say: {REPLACED[words]}"
    )
