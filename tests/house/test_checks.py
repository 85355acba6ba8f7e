"""All that `gate check` looks at holds: style, format, import contracts, generated files, database, lock, types."""

from pathlib import Path

import pytest

from gatehouse_local.checks.checks import Check, check, checks

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("which", checks(ROOT), ids=lambda which: which.name)
def test_the_check_passes(which: Check):
    outcome = check(ROOT, which)
    assert outcome.passed, f"{outcome.output}\nFix: {outcome.fix}"
