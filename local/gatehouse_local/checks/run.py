"""`gate check` as a whole: the house's checks, then the tests that a change affects, then a receipt for what was found.

The receipt is for the tree that the files at hand make; when they change on the way, there is none.
"""

import json
import subprocess
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from gatehouse_ci.affected import receipts
from gatehouse_ci.affected.decide import Affected
from gatehouse_ci.affected.report import differ, look
from gatehouse_ci.affected.working_tree import GitError, WorkingTree
from gatehouse_local.checks.checks import Check, CheckOutcome, chosen, run, say
from gatehouse_local.testing.testrun import SHARING, workers

# They start every service: `gate check --all` and CI run them.
WHOLE_INSTITUTE = ("tests/blackbox", "tests/contracts", "tests/journeys")
NO_PLATFORM = ("-m", "not platform and not browser")
ALL = "all"
FEW = 4  # files of tests
NOTHING_COLLECTED = 5  # pytest's exit code


def run_only(root: Path, only: tuple[str, ...], *, as_json: bool) -> int:
    """These checks, no tests and no receipt; 0 when all pass."""
    outcomes = run(root, chosen(root, only), quiet=as_json)
    if as_json:
        click.echo(json.dumps({"checks": _as_json(outcomes)}, indent=2))
    return 0 if _good(outcomes) else 1


def run_affected(root: Path, house: list[Check], *, base: str | None, everything: bool, as_json: bool) -> int:
    """The house's checks, the affected tests, and a receipt if all is well; 0 when it is."""
    checkout = WorkingTree(root)
    tree = _tree(checkout)
    answer = look(root, base, everything=everything or (tree is None and base is None))
    tests = to_test(root, answer)
    if not as_json:
        click.echo(_described(answer, tests))
    outcomes = run(root, house, quiet=as_json)
    if _good(outcomes):
        outcomes += [_tests(root, tests, quiet=as_json)] if tests else []
    good = _good(outcomes)
    receipt, said = _receipt(checkout, tree, answer, outcomes, tests)
    if as_json:
        result = {"tree": tree, "base": answer.base, "tests": tests, "checks": _as_json(outcomes), "receipt": receipt}
        click.echo(json.dumps(result, indent=2))
    else:
        click.echo(said)
    return 0 if good else 1


def to_test(root: Path, answer: Affected) -> list[str]:
    """The places of the tests to run, below the root; `["all"]` when nothing is left out."""
    if answer.base is None:
        return [ALL]
    places = [place for place in sorted(answer.tests) if place not in WHOLE_INSTITUTE and (root / place).exists()]
    # What a document says is tested there, too; the checks themselves have just run.
    house = [file.relative_to(root).as_posix() for file in sorted((root / "tests" / "house").glob("test_*.py"))]
    return places + [file for file in house if not file.endswith("test_checks.py")]


def _tests(root: Path, places: list[str], *, quiet: bool) -> CheckOutcome:
    words = [*places, *NO_PLATFORM] if places != [ALL] else []
    command = [sys.executable, "-m", "pytest", *words, *_side_by_side(root, places)]
    began = time.monotonic()
    done = subprocess.run(command, cwd=root, capture_output=quiet, text=True, check=False)  # noqa: S603 - our tests
    again = " ".join(["gate test", *(places if places != [ALL] else ())])
    passed = done.returncode in {0, NOTHING_COLLECTED}
    outcome = CheckOutcome("tests", passed, round(time.monotonic() - began, 2), (done.stdout or "").strip(), again)
    if not quiet:
        say(outcome)
    return outcome


def _side_by_side(root: Path, places: list[str]) -> list[str]:
    """Workers cost two seconds to start: none for a few files."""
    folders = ("services", "tests") if places == [ALL] else places
    files = sum(1 if (root / one).is_file() else len(list((root / one).rglob("test_*.py"))) for one in folders)
    return ["-n", str(workers()), *SHARING] if files > FEW else ["-n", "0"]


def _receipt(
    checkout: WorkingTree, tree: str | None, answer: Affected, outcomes: list[CheckOutcome], tests: list[str]
) -> tuple[str | None, str]:
    """Writes the receipt or takes an older one away; gives its file, and what to tell."""
    if tree is None:
        return None, "No receipt: git doesn't know this folder."
    if not _good(outcomes):
        receipts.revoke(checkout, tree)
        return None, "No receipt: something failed."
    if _tree(checkout) != tree:
        return None, "No receipt: files changed while they were checked. Fix: gate check"
    receipt = receipts.Receipt(
        tree=tree,
        at=datetime.now(UTC),
        base=answer.base,
        checks=tuple(outcome.name for outcome in outcomes),
        tests=tuple(tests),
    )
    file = receipts.write(checkout, receipt)
    head = checkout.tree_of("HEAD") if checkout.commit("HEAD") else None
    if head == tree:
        return str(file), "All is well: this commit may be pushed."
    return str(file), "All is well. There are files that aren't committed: commit them all, and that may be pushed."


def _described(answer: Affected, tests: list[str]) -> str:
    images = f"images of {', '.join(answer.services)}" if answer.services else "no image"
    if answer.base is None:
        return "Checks everything."
    return (
        f"{differ(answer)} from {answer.base[:12]}. Affected: {images}; "
        f"tests to run: {', '.join(tests)}. Why: gate affected"
    )


def _tree(checkout: WorkingTree) -> str | None:
    try:
        return checkout.tree()
    except GitError:
        return None


def _good(outcomes: list[CheckOutcome]) -> bool:
    return all(outcome.passed for outcome in outcomes)


def _as_json(outcomes: list[CheckOutcome]) -> list[dict]:
    return [{**asdict(outcome), "mend": outcome.fix} for outcome in outcomes]
