"""`gate bench NAME`: installs the peers that a benchmark compares with, then runs tests/benchmarks/NAME.py (or NAME/).

A benchmark prints its figures beside the targets of the design; it passes or fails nothing.
"""

import subprocess
import sys
from pathlib import Path

import click

from gatehouse_local.workspace import own_uv

HELPERS = {"harness", "world"}  # modules that benchmarks share; not benchmarks themselves


class UnknownBenchmark(Exception):
    """tests/benchmarks has no benchmark of this name."""


def run(root: Path, name: str, arguments: list[str]) -> int:
    """Runs one benchmark in its own process and returns its exit code."""
    folder = root / "tests" / "benchmarks"
    scripts = {file.stem.replace("_", "-"): file for file in folder.glob("*.py") if file.stem not in HELPERS}
    scripts |= {file.parent.name: file.parent for file in folder.glob("*/__main__.py")}
    if name not in scripts:
        known = sorted(scripts)
        raise UnknownBenchmark(f"gate bench {name}: no such benchmark. Known: {', '.join(known)}")
    words = ["sync", "--quiet", "--inexact", "--all-packages", "--group", "bench"]
    # 270 MB that only benchmarks of the AWS platform need.
    words += [] if needs_platform(scripts[name]) else ["--no-group", "platform"]
    try:
        subprocess.run([own_uv(root) or "uv", *words], cwd=root, check=True)  # noqa: S603 - our own command
    except (OSError, subprocess.CalledProcessError) as error:
        click.echo(f"Could not install the peers ({error}); continuing without them.", err=True)
    return subprocess.run([sys.executable, str(scripts[name]), *arguments], cwd=root, check=False).returncode  # noqa: S603


def needs_platform(script: Path) -> bool:
    """Whether any file of the benchmark imports the AWS platform."""
    files = script.rglob("*.py") if script.is_dir() else [script]
    return any("gatehouse_platform" in file.read_text(encoding="utf-8") for file in files)
