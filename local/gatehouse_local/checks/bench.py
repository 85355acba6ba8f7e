"""`gate bench NAME`: runs tests/benchmarks/NAME.py (or the folder NAME) with the peers it compares with installed.

A benchmark prints where we stand against the figures to reach; it passes or fails nothing.
"""

import subprocess
import sys
from pathlib import Path

import click

from gatehouse_local.checks.checks import own_uv

SHARED = {"harness", "world"}  # what benchmarks share, and none itself


class UnknownBenchmark(Exception):
    """There is no such file in tests/benchmarks."""


def run(root: Path, name: str, arguments: list[str]) -> int:
    """Runs one benchmark in a process of its own; gives its exit code."""
    folder = root / "tests" / "benchmarks"
    scripts = {file.stem.replace("_", "-"): file for file in folder.glob("*.py") if file.stem not in SHARED}
    scripts |= {file.parent.name: file.parent for file in folder.glob("*/__main__.py")}
    if name not in scripts:
        known = sorted(scripts)
        raise UnknownBenchmark(f"gate bench {name}: there is no such benchmark. There are: {', '.join(known)}")
    words = ["sync", "--quiet", "--inexact", "--all-packages", "--group", "bench"]
    # 270 MB that only a look at the AWS platform needs.
    words += [] if needs_platform(scripts[name]) else ["--no-group", "platform"]
    try:
        subprocess.run([own_uv(root) or "uv", *words], cwd=root, check=True)  # noqa: S603 - our own command
    except (OSError, subprocess.CalledProcessError) as error:
        click.echo(f"The peers to compare with can't be installed ({error}); going on without.", err=True)
    return subprocess.run([sys.executable, str(scripts[name]), *arguments], cwd=root, check=False).returncode  # noqa: S603


def needs_platform(script: Path) -> bool:
    """Whether a benchmark imports the AWS platform, anywhere in its file or folder."""
    files = script.rglob("*.py") if script.is_dir() else [script]
    return any("gatehouse_platform" in file.read_text(encoding="utf-8") for file in files)
