"""`gate check`: runs the static checks, then the tests a change affects, and writes a receipt if all pass.

The receipt names the git tree of the working copy. If files change during the run, none is written.
"""

import json
import subprocess
import sys
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import click

from gatehouse_ci.affected import receipts
from gatehouse_ci.affected.decide import Affected
from gatehouse_ci.affected.landed import landed_database
from gatehouse_ci.affected.report import differ, look
from gatehouse_ci.affected.working_tree import GitError, WorkingTree
from gatehouse_local.checks.checks import DATABASE, Check, CheckOutcome, chosen, print_outcome, run
from gatehouse_local.testing.reaper import run_bound
from gatehouse_local.testing.testrun import SHARING, workers

# These start every service; only `gate check --all` and CI run them.
WHOLE_INSTITUTE = ("tests/blackbox", "tests/contracts", "tests/journeys")
NO_PLATFORM = ("-m", "not platform and not browser")
ALL = "all"
FEW = 4  # files of tests
NOTHING_COLLECTED = 5  # pytest's exit code


def run_only(root: Path, only: tuple[str, ...], *, as_json: bool) -> int:
    """Runs only these checks: no tests, no receipt. Returns 0 if all pass."""
    outcomes = run(root, chosen(root, only), quiet=as_json)
    if as_json:
        click.echo(json.dumps({"checks": _as_json(outcomes)}, indent=2))
    return 0 if _good(outcomes) else 1


def run_affected(root: Path, house: list[Check], *, base: str | None, everything: bool, as_json: bool) -> int:
    """Runs the static checks and the affected tests; writes a receipt and returns 0 if all pass."""
    checkout = WorkingTree(root)
    tree = _tree(checkout)
    answer = look(root, base, everything=everything or (tree is None and base is None))
    tests = to_test(root, answer)
    if not as_json:
        click.echo(_described(answer, tests))
    with landed_database(checkout, answer.base) as landed:
        outcomes = run(root, [_after(landed, one) for one in house], quiet=as_json)
    if _good(outcomes):
        outcomes += [_tests(root, tests, quiet=as_json)] if tests else []
    good = _good(outcomes)
    receipt, message = _receipt(checkout, tree, answer, outcomes, tests)
    if as_json:
        result = {"tree": tree, "base": answer.base, "tests": tests, "checks": _as_json(outcomes), "receipt": receipt}
        click.echo(json.dumps(result, indent=2))
    else:
        click.echo(message)
    return 0 if good else 1


def _after(landed: Path | None, check: Check) -> Check:
    """The check of the database compares with what landed; the others stay as they are."""
    compares = landed is not None and check.name == DATABASE
    return replace(check, command=(*check.command, "--against", str(landed))) if compares else check


def to_test(root: Path, answer: Affected) -> list[str]:
    """The test folders and files to run, relative to the root; `["all"]` for every test."""
    if answer.base is None:
        return [ALL]
    places = [place for place in sorted(answer.tests) if place not in WHOLE_INSTITUTE and (root / place).exists()]
    # House rules also cover documents; test_checks.py would repeat the checks that just ran.
    house = [file.relative_to(root).as_posix() for file in sorted((root / "tests" / "house").glob("test_*.py"))]
    return places + [file for file in house if not file.endswith("test_checks.py")]


def _tests(root: Path, places: list[str], *, quiet: bool) -> CheckOutcome:
    words = [*places, *NO_PLATFORM] if places != [ALL] else []
    command = [sys.executable, "-m", "pytest", *words, *_side_by_side(root, places)]
    began = time.monotonic()
    done = run_bound(command, cwd=root, stdout=subprocess.PIPE if quiet else None)
    again = " ".join(["gate test", *(places if places != [ALL] else ())])
    passed = done.returncode in {0, NOTHING_COLLECTED}
    outcome = CheckOutcome("tests", passed, round(time.monotonic() - began, 2), (done.stdout or "").strip(), again)
    if not quiet:
        print_outcome(outcome)
    return outcome


def _side_by_side(root: Path, places: list[str]) -> list[str]:
    """A few files run without workers, which take two seconds to start."""
    folders = ("services", "tests") if places == [ALL] else places
    files = sum(1 if (root / name).is_file() else len(list((root / name).rglob("test_*.py"))) for name in folders)
    return ["-n", str(workers()), *SHARING] if files > FEW else ["-n", "0"]


def _receipt(
    checkout: WorkingTree, tree: str | None, answer: Affected, outcomes: list[CheckOutcome], tests: list[str]
) -> tuple[str | None, str]:
    """Writes the receipt, or revokes an older one; returns its path and a message for the user."""
    if tree is None:
        return None, "No receipt: this folder isn't a git checkout."
    if not _good(outcomes):
        receipts.revoke(checkout, tree)
        return None, "No receipt: something failed."
    if _tree(checkout) != tree:
        return None, "No receipt: files changed during the checks. Fix: run gate check again"
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
        return str(file), "All checks passed: you can push this commit."
    return str(file), "All checks passed. Commit every changed file; that commit can then be pushed."


def _described(answer: Affected, tests: list[str]) -> str:
    images = f"images of {', '.join(answer.services)}" if answer.services else "no image"
    if answer.base is None:
        return "Checking everything."
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
