"""Lints migrations/**.sql and repeatable/*.sql with our own rules (sql_lint.py) and squawk.

Statements that db-manager derives from collection files are not linted. `-- squawk-ignore rule-name` in a file makes an
exception that reviewers can see.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

from gatehouse_db_manager.config.model import Configuration
from gatehouse_db_manager.errors import FailedError, Problem
from gatehouse_db_manager.hazards.sql_lint import NAMES, all_problems

# Handled by the runner for every statement: timeouts, one transaction per file, run once.
_RUNNER_DOES = ("require-lock-timeout", "require-statement-timeout", "prefer-robust-stmts")
# Reported by our own rule.
_OURS = ("transaction-nesting",)
# A matter of style, or decided in collection files.
_NOT_HERE = ("prefer-bigint-over-int", "prefer-text-field", "prefer-identity", "prefer-bigint-over-smallint")
# Contract migrations exist to remove things; they run only with approval of the exact plan.
_CONTRACT_MAY = ("ban-drop-column", "ban-drop-table", "ban-drop-not-null", "renaming-column", "renaming-table")


class _Finding(msgspec.Struct):
    file: str
    line: int
    message: str
    rule_name: str
    help: str | None = None


def lint(root: Path, configuration: Configuration) -> list[Problem]:
    """Every dangerous statement, with its line and an alternative. Raises FailedError without squawk."""
    ours, lines = _ours(configuration)
    folders = [root / Path(schema.file).parent for schema in configuration.schemas]
    files = [file for folder in folders for file in sorted((folder / "migrations").rglob("*.sql"))]
    files += [file for folder in folders for file in sorted((folder / "repeatable").glob("*.sql"))]
    contract = [file for file in files if file.name.endswith(".contract.sql")]
    others = [file for file in files if file not in contract]
    found = _squawk(root, others, ()) + _squawk(root, contract, _CONTRACT_MAY)
    return sorted([*ours, *(one for one in found if one.file not in lines)], key=_place)


def _ours(configuration: Configuration) -> tuple[list[Problem], set[str]]:
    """Findings of our rules, and their lines, where squawk's are left out."""
    problems: list[Problem] = []
    lines = set()
    for schema in configuration.schemas:
        for statement, problem in all_problems(schema):
            problems.append(problem)
            file = problem.file.rpartition(":")[0]
            lines |= {f"{file}:{line}" for line in range(statement.line, statement.last + 1)}
    return problems, lines


def _place(problem: Problem) -> tuple[str, int]:
    file, _, line = problem.file.rpartition(":")
    return file, int(line)


def _squawk(root: Path, files: list[Path], allowed: tuple[str, ...]) -> list[Problem]:
    if not files:
        return []
    beside = Path(sys.executable).with_name("squawk")
    squawk = str(beside) if beside.is_file() else shutil.which("squawk")
    if squawk is None:
        raise FailedError("squawk isn't installed, so SQL files can't be checked. Install it: uv sync --all-packages.")
    excluded = ",".join((*_RUNNER_DOES, *_OURS, *_NOT_HERE, *allowed))
    names = [file.relative_to(root).as_posix() for file in files]
    command = [squawk, "--reporter", "json", "--pg-version", "15.0", "--assume-in-transaction", "--exclude", excluded]
    done = subprocess.run([*command, *names], cwd=root, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode not in {0, 1}:
        raise FailedError(f"squawk failed: {done.stderr.strip()} Fix the reason and try again.")
    found = msgspec.json.decode(done.stdout or "[]", type=list[_Finding])
    return [
        Problem(
            file=f"{one.file}:{one.line + 1}",
            key=one.rule_name,
            message=one.message,
            fix=one.help or f"See https://squawkhq.com/docs/{one.rule_name}.",
        )
        for one in found
        # squawk doesn't know our rules, which the same comment ignores.
        if one.rule_name != "unused-ignore" or not NAMES & set(one.message.split())
    ]
