"""What `gate check` looks at without running a test. tests/house runs the same list, so neither can forget one.

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

BIN = Path(sys.executable).parent


class UnknownCheck(Exception):
    """A check was asked for that isn't there."""


@dataclass(frozen=True)
class Check:
    """A command that ends with 0 when all is well; `fix` says what to do when it doesn't."""

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
    """All checks of this checkout, the quick ones first."""
    gate = (sys.executable, "-m", "gatehouse_local.gate")
    contracts = root / ".gate" / "contracts.toml"
    return [
        Check("style", (str(BIN / "ruff"), "check", "--quiet", "--output-format", "concise", "."), "ruff check --fix"),
        Check("format", (str(BIN / "ruff"), "format", "--check", "--output-format", "concise", "."), "ruff format"),
        Check(
            "imports",
            (str(BIN / "lint-imports"), "--config", str(contracts), "--cache-dir", str(root / ".gate" / "imports")),
            "Move what both need to a part that both may import (design: who may import whom, in local/README.md)",
        ),
        Check("generated", (*gate, "generate", "--check"), "gate generate"),
        Check("database", (*gate, "db", "check"), "Fix the file named above"),
        Check("lock", (own_uv(root) or "uv", "lock", "--check", "--quiet"), "uv lock"),
        Check(
            "workflows",
            (str(BIN / "zizmor"), "--offline", "--quiet", "--pedantic", "--strict-collection", ".github"),
            "Fix the lines named above; nothing is suppressed here",
        ),
        Check("types", (str(BIN / "ty"), "check", "--output-format", "concise"), "Fix the lines named above"),
    ]


def check(root: Path, which: Check) -> CheckOutcome:
    """Runs one check and keeps its words."""
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
    """The checks of these names, or all; raises UnknownCheck naming one that there isn't."""
    known = {which.name: which for which in checks(root)}
    if unknown := [name for name in only if name not in known]:
        raise UnknownCheck(f"gate check --only {unknown[0]}: there is no such check. Known: {', '.join(known)}")
    return [known[name] for name in only] or list(known.values())


def run(root: Path, which: list[Check], *, quiet: bool = False) -> list[CheckOutcome]:
    """Runs checks side by side, and says each outcome as it comes."""
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        return list(_said(pool.map(lambda one: check(root, one), which), quiet=quiet))


def _said(outcomes: Iterable[CheckOutcome], *, quiet: bool) -> Iterator[CheckOutcome]:
    for outcome in outcomes:
        if not quiet:
            say(outcome)
        yield outcome


def say(outcome: CheckOutcome) -> None:
    click.echo(f"{'ok  ' if outcome.passed else 'FAIL'} {outcome.name} ({outcome.seconds:.1f} s)")
    if not outcome.passed:
        click.echo(f"{outcome.output}\n     Fix: {outcome.fix}\n")


def own_uv(root: Path) -> str | None:
    """The uv that the door (./local/gate) installed, if it had to."""
    places = (root / ".gate" / "uv" / "bin" / "uv", root / ".gate" / "uv" / "lib" / "bin" / "uv")
    return next((str(place) for place in places if place.exists()), None)
