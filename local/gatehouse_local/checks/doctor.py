"""`gate doctor`: checks whether this machine can run Gatehouse before anything fails half-way. It changes nothing."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import click
import psutil

from gatehouse_catalog import CatalogError, load_catalog
from gatehouse_catalog.base_images import base_images
from gatehouse_catalog.extensions import ALLOWED
from gatehouse_local.ports import EDGE_PORT, POSTGRES_PORT
from gatehouse_local.postgres_wheels import BinariesMissing, binary, installation, lacking, major
from gatehouse_local.runner.port_conflicts import who_listens
from gatehouse_local.runner.postgres import HOST, RootRefused, unprivileged
from gatehouse_local.workspace import own_uv

DISK_NEEDED = 2 * 2**30  # environment 0.6 GB, database and its template 0.2 GB, logs, headroom
MEMORY_NEEDED = 2**30  # docs/figures.md: the whole platform stays under 1 GiB


@dataclass(frozen=True)
class Finding:
    """One line of the report: `bad` means something won't work, `warn` that an optional part is missing."""

    what: str
    level: Literal["ok", "warn", "bad"]
    message: str
    fix: str = ""


def run(root: Path, *, as_json: bool) -> int:
    """Prints every finding; returns 1 if any is bad."""
    report = list(findings(root))
    if as_json:
        click.echo(json.dumps([{**asdict(finding), "mend": finding.fix} for finding in report], indent=2))
    else:
        for finding in report:
            fix = f" Fix: {finding.fix}" if finding.fix else ""
            click.echo(f"{finding.level:4} {finding.what:12} {finding.message}{fix}")
    return 1 if any(finding.level == "bad" for finding in report) else 0


def findings(root: Path) -> Iterator[Finding]:
    """All checks, in the order in which each would stop a start."""
    for examine in (_python, _git, _uv, _disk, _memory, _root_user, _postgres, _catalog):
        yield examine(root)
    yield from _ports(root)
    yield from _optional()
    yield from _base_images(root)


def _python(_root: Path) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", "ok", f"{version} ({sys.executable})")


def _git(_root: Path) -> Finding:
    version = _first_line_of("git", "--version")
    if version:
        return Finding("git", "ok", version)
    return Finding("git", "bad", "git isn't on PATH.", "apt-get install git, or brew install git")


def _uv(root: Path) -> Finding:
    version = _first_line_of(own_uv(root) or "uv", "--version")
    if version:
        return Finding("uv", "ok", version)
    return Finding("uv", "warn", "uv isn't on PATH.", "none needed: ./local/gate installs its own")


def _disk(root: Path) -> Finding:
    free = shutil.disk_usage(root).free
    message = f"{free / 2**30:.1f} GiB are free on the checkout's disk."
    if free < DISK_NEEDED:
        return Finding("disk", "bad", message, f"free some space: {DISK_NEEDED // 2**30} GiB are needed")
    return Finding("disk", "ok", message)


def _memory(_root: Path) -> Finding:
    free = psutil.virtual_memory().available
    message = f"{free / 2**30:.1f} GiB are available."
    if free < MEMORY_NEEDED:
        return Finding("memory", "warn", message, "close other programs, or start less: ./local/up person")
    return Finding("memory", "ok", message)


def _root_user(root: Path) -> Finding:
    if os.geteuid() != 0:
        return Finding("user", "ok", "not root.")
    try:
        prefix = unprivileged(root)
    except RootRefused as error:
        return Finding("user", "bad", str(error))
    except BinariesMissing:
        return Finding("user", "ok", "root.")
    return Finding("user", "ok", f"root; PostgreSQL runs as another user, by {prefix[0]}.")


def _postgres(_root: Path) -> Finding:
    try:
        version = _first_line_of(str(binary("postgres")), "--version")
    except BinariesMissing as error:
        return Finding("postgresql", "bad", str(error))
    if version and (without := lacking(ALLOWED)):
        fallback = f"{version}, embedded, of the fallback {installation().wheel.distribution}."
        return Finding("postgresql", "warn", f"{fallback} Services that use an extension don't start.", without)
    if version:
        return Finding("postgresql", "ok", f"{version}, embedded.")
    return Finding(
        "postgresql",
        "bad",
        f"the embedded PostgreSQL {major()} doesn't run on this machine.",
        f"see why: {binary('postgres')} --version",
    )


def _catalog(root: Path) -> Finding:
    try:
        catalog = load_catalog(root)
    except CatalogError as error:
        return Finding("catalog", "bad", str(error.problems[0]))
    return Finding("catalog", "ok", f"{len(catalog.services)} services.")


def _ports(root: Path) -> Iterator[Finding]:
    try:
        services = load_catalog(root).services
    except CatalogError:
        return
    wanted = {"edge": EDGE_PORT, "postgres": POSTGRES_PORT} | {service.name: service.port for service in services}
    taken = {name: port for name, port in wanted.items() if _taken(port)}
    if not taken:
        yield Finding("ports", "ok", f"{min(wanted.values())} to {max(wanted.values())}: all {len(wanted)} are free.")
    elif taken == wanted or _ours(root):
        yield Finding("ports", "ok", "in use by the platform of this checkout.")
    else:
        for name, port in taken.items():
            who = who_listens(port)
            yield Finding(
                "ports",
                "bad",
                f"{port} ({name}) is taken{f' by {who}' if who else ''}.",
                "stop that program, or use other ports: ./local/up --port-offset 100",
            )


def _ours(root: Path) -> bool:
    """Whether the database of this checkout's .gate is running."""
    try:
        pid = int((root / ".gate" / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return False
    return psutil.pid_exists(pid)


def _base_images(root: Path) -> Iterator[Finding]:
    """A note: images are built without a pin, too."""
    try:
        known = base_images(root)
    except ValueError as error:
        yield Finding("base images", "warn", str(error))
        return
    for one in known:
        if one.digest:
            yield Finding("base images", "ok", f"{one.name} is pinned by its digest.")
        else:
            message = f"{one.name} isn't pinned: its tag may lead to another image tomorrow."
            yield Finding("base images", "warn", message, "gate image pin, where its registry can be reached")


def _optional() -> Iterator[Finding]:
    browser = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    if browser or any(Path.home().glob(".cache/ms-playwright/chromium*")):
        yield Finding("chromium", "ok", browser or "installed by Playwright.")
    else:
        yield Finding(
            "chromium",
            "warn",
            "not found; the browser tests are skipped.",
            "apt-get install chromium, or: uv run playwright install chromium",
        )
    prometheus = _first_line_of("prometheus", "--version")
    if prometheus:
        version = re.search(r"version \S+", prometheus)
        yield Finding("prometheus", "ok", version[0] if version else prometheus)
    else:
        yield Finding("prometheus", "warn", "not found; `gate up --observe` won't work.", "apt-get install prometheus")


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def _first_line_of(*command: str) -> str:
    """The first line of a program's output; empty when it is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[0] if lines and done.returncode == 0 else ""
