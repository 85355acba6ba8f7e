"""`gate generate`: files derived from the catalog and committed, because people and other tools read them.

Each part registers its generator as an entry point `gatehouse.generators`: a function from the root to {path: text}.
"""

import difflib
import json
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import click

GROUP = "gatehouse.generators"
LAST = "app-clients"
HELP_FILE = "local/gatehouse_local/command_help.json"  # gate.py reads it
DIFF_LINES = 20  # shown per file; `git diff` after `gate generate` has the rest


class TwoGenerators(Exception):
    """Two generators write the same file."""


def generated(root: Path) -> dict[str, str]:
    """The text of every generated file by its path relative to the root."""
    return dict(_each(root))


def _each(root: Path) -> Iterator[tuple[str, str]]:
    """Path and text of one file after the other. Whoever writes them as they come gives the later generators what they
    need: the last one imports the services, and those import what was generated for them.
    """
    seen: set[str] = set()
    for declared in sorted(entry_points(group=GROUP), key=lambda declared: (declared.name == LAST, declared.name)):
        for path, text in sorted(declared.load()(root).items()):
            if path in seen:
                raise TwoGenerators(f"{path} is written by two generators, one of them {declared.value}. Keep one.")
            seen.add(path)
            yield path, text


def command_help(root: Path) -> dict[str, str]:
    """The file with the lines of `gate --help`."""
    from gatehouse_local import gate  # noqa: PLC0415 - imports every part, which the other generators don't need

    if not (root / HELP_FILE).parent.is_dir():  # a workspace made by a test
        return {}
    return {HELP_FILE: json.dumps(gate.command_help(), indent=2) + "\n"}


def run(root: Path, *, only_check: bool) -> int:
    """Writes the stale files; with `only_check`, prints how they differ and returns 1 instead."""
    outdated = False
    for path, text in _each(root):
        if _current(root / path) == text:
            continue
        outdated = True
        if only_check:
            click.echo(f"{path} is stale. Fix: gate generate\n{_difference(root / path, path, text)}")
        else:
            write(root, path, text)
            click.echo(f"wrote {path}")
    if not outdated:
        click.echo("Every generated file is up to date.")
    return 1 if outdated and only_check else 0


def stale(root: Path) -> dict[str, str]:
    """The generated files that are missing or differ from what would be written."""
    return {path: text for path, text in sorted(generated(root).items()) if _current(root / path) != text}


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


def _current(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.exists() else None


def _difference(file: Path, path: str, wanted: str) -> str:
    current = (_current(file) or "").splitlines()
    lines = list(difflib.unified_diff(current, wanted.splitlines(), path, "generated", lineterm="", n=1))
    more = [f"... and {len(lines) - DIFF_LINES} more lines"] if len(lines) > DIFF_LINES else []
    return "\n".join([*lines[:DIFF_LINES], *more])
