"""The table of cases in README.md names tests that are there."""

import re
from pathlib import Path

FOLDER = Path(__file__).parent
NAMED = re.findall(r"`(\w+/test_\w+\.py)::(test_\w+)`", (FOLDER / "README.md").read_text())


def test_each_test_that_the_table_names_is_there():
    missing = [f"{file}::{name}" for file, name in NAMED if f"def {name}(" not in (FOLDER / file).read_text()]
    assert missing == []
    assert len(NAMED) > 40


def test_each_case_names_a_test():
    rows = [line for line in (FOLDER / "README.md").read_text().splitlines() if line.startswith("| ")][2:]
    assert [row for row in rows if "::test_" not in row] == []
