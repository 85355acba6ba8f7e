"""The static checks of `gate check`: style, types, imports, generated files. tests/house runs the same list.

run.py runs them together with the tests that a change affects.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click

from gatehouse_local.checks.import_contracts import write_contracts
from gatehouse_local.workspace import own_uv

BIN = Path(sys.executable).parent
DATABASE = "database"


class UnknownCheck(Exception):
    """There is no check of this name."""


@dataclass(frozen=True)
class Check:
    """A command that exits 0 when the check passes; `fix` says what to do when it fails."""

    name: str
    command: tuple[str, ...]
    fix: str


@dataclass(frozen=True)
class CheckOutcome:
    name: str
    passed: bool
    seconds: float
    output: str
    fix: str


def checks(root: Path) -> list[Check]:
    """All checks of this checkout, fastest first."""
    gate = (sys.executable, "-m", "gatehouse_local.gate")
    contracts = root / ".gate" / "contracts.toml"
    return [
        Check("style", (str(BIN / "ruff"), "check", "--quiet", "--output-format", "concise", "."), "ruff check --fix"),
        Check("format", (str(BIN / "ruff"), "format", "--check", "--output-format", "concise", "."), "ruff format"),
        Check(
            "imports",
            (str(BIN / "lint-imports"), "--config", str(contracts), "--cache-dir", str(root / ".gate" / "imports")),
            "Move what both need to a part that both may import; see local/README.md, Who may import whom",
        ),
        Check("generated", (*gate, "generate", "--check"), "gate generate"),
        Check(DATABASE, (*gate, "db", "check"), "Fix the file named above"),
        Check("lock", (own_uv(root) or "uv", "lock", "--check", "--quiet"), "uv lock"),
        Check(
            "workflows",
            (str(BIN / "zizmor"), "--offline", "--quiet", "--pedantic", "--strict-collection", ".github"),
            "Fix the lines named above; suppressions are not accepted",
        ),
        Check("types", (str(BIN / "ty"), "check", "--output-format", "concise"), "Fix the lines named above"),
    ]


def check(root: Path, which: Check) -> CheckOutcome:
    """Runs one check and captures its output."""
    if which.name == "imports":
        write_contracts(root, root / ".gate" / "contracts.toml")
    began = time.monotonic()
    environment = {**os.environ, "NO_COLOR": "1"}
    try:
        done = subprocess.run(  # noqa: S603 - the commands above
            which.command, cwd=root, env=environment, capture_output=True, text=True, check=False
        )
        code, output = done.returncode, (done.stdout + done.stderr).strip()
    except FileNotFoundError as error:
        code, output = 1, f"{error.filename} isn't installed. Fix: ./local/gate check installs what is missing"
    return CheckOutcome(which.name, code == 0, round(time.monotonic() - began, 2), output, which.fix)


def chosen(root: Path, only: tuple[str, ...]) -> list[Check]:
    """The checks of these names, or all of them. Raises UnknownCheck."""
    known = {which.name: which for which in checks(root)}
    if unknown := [name for name in only if name not in known]:
        raise UnknownCheck(f"gate check --only {unknown[0]}: no such check. Known: {', '.join(known)}")
    return [known[name] for name in only] or list(known.values())


def run(root: Path, which: list[Check], *, quiet: bool = False) -> list[CheckOutcome]:
    """Runs the checks in parallel and prints each outcome in the order of the list."""
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        return list(_printed(pool.map(lambda each: check(root, each), which), quiet=quiet))


def _printed(outcomes: Iterable[CheckOutcome], *, quiet: bool) -> Iterator[CheckOutcome]:
    for outcome in outcomes:
        if not quiet:
            print_outcome(outcome)
        yield outcome


def print_outcome(outcome: CheckOutcome) -> None:
    click.echo(f"{'ok  ' if outcome.passed else 'FAIL'} {outcome.name} ({outcome.seconds:.1f} s)")
    if not outcome.passed:
        click.echo(f"{outcome.output}\n     Fix: {outcome.fix}\n")
