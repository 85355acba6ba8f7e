"""Files that are derived from the catalog and committed all the same, because people and other tools read them.

Each part declares its own as an entry point `gatehouse.generators`: a function from the root to {path: text}.
"""

import difflib
from importlib.metadata import entry_points
from pathlib import Path

import click

GROUP = "gatehouse.generators"
SHOWN = 20  # lines of a difference; the rest is in `git diff` after `gate generate`


class TwoGenerators(Exception):
    """Two parts write the same file."""


def generated(root: Path) -> dict[str, str]:
    """Every generated file's text by its path below the root."""
    files: dict[str, str] = {}
    for declared in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        for path, text in declared.load()(root).items():
            if path in files:
                raise TwoGenerators(f"{path} is written by two generators, one of them {declared.value}. Keep one.")
            files[path] = text
    return files


def run(root: Path, *, only_check: bool) -> int:
    """Writes what is stale and names it; with `only_check` shows it instead, and gives 1."""
    found = stale(root)
    for path, text in found.items():
        if only_check:
            click.echo(f"{path} is stale. Fix: gate generate\n{_difference(root / path, path, text)}")
        else:
            write(root, path, text)
            click.echo(f"wrote {path}")
    if not found:
        click.echo("Every generated file is up to date.")
    return 1 if found and only_check else 0


def stale(root: Path) -> dict[str, str]:
    """Those of `generated` that aren't there, or not with this text."""
    return {path: text for path, text in sorted(generated(root).items()) if _current(root / path) != text}


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


def _current(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.exists() else None


def _difference(file: Path, path: str, wanted: str) -> str:
    there = (_current(file) or "").splitlines()
    lines = list(difflib.unified_diff(there, wanted.splitlines(), path, "generated", lineterm="", n=1))
    more = [f"... and {len(lines) - SHOWN} lines more"] if len(lines) > SHOWN else []
    return "\n".join([*lines[:SHOWN], *more])
