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
    """A command that ends with 0 when all is well; `mend` says what to do when it doesn't."""

    name: str
    command: tuple[str, ...]
    mend: str


@dataclass(frozen=True)
class Outcome:
    name: str
    passed: bool
    seconds: float
    output: str
    mend: str


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
        Check("database", (*gate, "db", "check"), "Mend the file named above"),
        Check("lock", (own_uv(root) or "uv", "lock", "--check", "--quiet"), "uv lock"),
        Check(
            "workflows",
            (str(BIN / "zizmor"), "--offline", "--quiet", "--pedantic", "--strict-collection", ".github"),
            "Mend the lines named above; nothing is suppressed here",
        ),
        Check("types", (str(BIN / "ty"), "check", "--output-format", "concise"), "Mend the lines named above"),
    ]


def check(root: Path, which: Check) -> Outcome:
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
        code, output = 1, f"{error.filename} isn't installed. Mend: ./local/gate check installs what is missing"
    return Outcome(which.name, code == 0, round(time.monotonic() - began, 2), output, which.mend)


def chosen(root: Path, only: tuple[str, ...]) -> list[Check]:
    """The checks of these names, or all; raises UnknownCheck naming one that there isn't."""
    known = {which.name: which for which in checks(root)}
    if unknown := [name for name in only if name not in known]:
        raise UnknownCheck(f"gate check --only {unknown[0]}: there is no such check. Known: {', '.join(known)}")
    return [known[name] for name in only] or list(known.values())


def run(root: Path, which: list[Check], *, quiet: bool = False) -> list[Outcome]:
    """Runs checks side by side, and says each outcome as it comes."""
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        return list(_said(pool.map(lambda one: check(root, one), which), quiet=quiet))


def _said(outcomes: Iterable[Outcome], *, quiet: bool) -> Iterator[Outcome]:
    for outcome in outcomes:
        if not quiet:
            say(outcome)
        yield outcome


def say(outcome: Outcome) -> None:
    click.echo(f"{'ok  ' if outcome.passed else 'FAIL'} {outcome.name} ({outcome.seconds:.1f} s)")
    if not outcome.passed:
        click.echo(f"{outcome.output}\n     Mend: {outcome.mend}\n")


def own_uv(root: Path) -> str | None:
    """The uv that the door (./local/gate) installed, if it had to."""
    places = (root / ".gate" / "uv" / "bin" / "uv", root / ".gate" / "uv" / "lib" / "bin" / "uv")
    return next((str(place) for place in places if place.exists()), None)
