"""`gate test --watch`: after each save, reruns the tests that the saved file affects.

`affected` is a pure function of the workspace and the paths. Runs are fast because the throwaway PostgreSQL is kept
between them, with seeded databases in stock, and because each run is a fork of a preloaded process (fork_server.py).
"""

import contextlib
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Generator, Iterable
from pathlib import Path

import click
import watchfiles

from gatehouse_catalog import load_catalog
from gatehouse_local.apps import node, tools
from gatehouse_local.testing.fork_server import NO_TESTS, ForkServer
from gatehouse_local.testing.import_graph import importing
from gatehouse_local.testing.pytest_plugin import SHARED_FOLDER, USED, Postgres
from gatehouse_local.testing.shared_process import shared
from gatehouse_local.testing.testrun import pytest_arguments
from gatehouse_local.workspace import Member, dependents, members

WATCHED = frozenset({".py", ".toml", ".yaml", ".json", ".sql", ".html", ".css", ".js", ".ts"})
NO_PLATFORM = ["-m", "not platform and not browser"]
# `unraisableexception` runs ten garbage collections at the end, for warnings that our settings ignore.
QUICK = ["-n", "0", "-p", "no:cacheprovider", "-p", "no:unraisableexception"]
QUICK += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
SPARES = 8  # seeded databases in stock: a test module of a service takes one


def affected(root: Path, known: dict[str, Member], changed: Iterable[Path]) -> list[Path]:
    """The test files and folders to run for these changed files, nearest first. Paths are absolute."""
    nearest: list[Path] = []
    others: list[Path] = []  # folders of dependents or, where imports are conclusive, test files
    for path in sorted(changed):
        owners = (member for member in known.values() if path.is_relative_to(member.folder))
        owner = max(owners, key=lambda member: len(member.folder.parts), default=None)
        tests = owner.folder / "tests" if owner else root / "tests"
        if path.is_relative_to(tests):
            nearest.append(path if _is_test(path) else path.parent)
        elif owner:
            nearest.append(_own_test(path, owner, tests))
            for name in dependents([owner.name], known):
                folder = known[name].folder / "tests"
                # Outside of services, imports don't show what a test runs: commands, generated files, processes.
                services = all(each.is_relative_to(root / "services") for each in (path, folder))
                conclusive = services and path.suffix == ".py" and path.exists()
                others += importing(path, folder, known) if conclusive else [folder]
    # A file precedes its folder; pytest doesn't run it again with the folder.
    return [path for path in dict.fromkeys(nearest + others) if path.exists()]


def _own_test(path: Path, owner: Member, tests: Path) -> Path:
    """Tests mirror the folders of the code: tests/data/test_y.py tests gatehouse_x/data/y.py."""
    package = owner.folder / owner.package
    folder = path.parent.relative_to(package) if path.is_relative_to(package) else Path()
    return tests / folder / f"test_{path.stem}.py"


def _is_test(path: Path) -> bool:
    return path.name.startswith("test_") and path.suffix == ".py"


def rerun_on_save(root: Path, words: list[str]) -> None:
    """Watches the workspace until Ctrl-C. `words` restrict what is run, as for `gate test`."""
    with tempfile.TemporaryDirectory(prefix="gate-watch-") as folder:
        os.environ[SHARED_FOLDER] = folder
        os.environ["PYTHONDONTWRITEBYTECODE"] = ""
        os.chdir(root)
        server = ForkServer()
        try:
            with vitest(root, words), shared(Path(folder), "postgres") as facts:
                server.start([*_chosen(root, words), *NO_PLATFORM, *QUICK, "--collect-only"], quiet=True)
                stock = Stock(root, Postgres(facts["url"], Path(folder)))
                stock.refill()
                server.finished(wait=60)
                _loop(root, words, server, stock)
        except KeyboardInterrupt:
            pass
        finally:
            server.close()


@contextlib.contextmanager
def vitest(root: Path, words: list[str]) -> Generator[None]:
    """Vitest beside pytest, one process for each app that was chosen; none where Node.js isn't installed."""
    apps = [app for app in load_catalog(root).apps if not words or app.name in words or f"services/{app.name}" in words]
    program = node.find(root) if apps and node.is_ready(root) else None
    if apps and program is None:
        click.echo("The tests of apps aren't watched: Node.js isn't installed here. Fix: ./local/gate app install")
    running = []
    if program is not None:
        for app in apps:
            command = tools.watch(root, program, app.folder)
            environment = node.environment_for(program)
            running.append(subprocess.Popen(command, cwd=app.folder, env=environment, stdin=subprocess.DEVNULL))  # noqa: S603 - our own
    try:
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


class Stock:
    """Seeded databases in stock. Between runs it is refilled, and the databases of the last run are dropped."""

    def __init__(self, root: Path, postgres: Postgres) -> None:
        self._root, self._postgres = root, postgres
        self._work = threading.Thread()

    def refill(self) -> None:
        """Refills now. `refill_after_run` does so in the background."""
        self._tidy([])

    def refill_after_run(self) -> None:
        if not self._work.is_alive():
            self._work = threading.Thread(target=self._tidy, args=[self._postgres.databases(USED)], daemon=True)
            self._work.start()

    def _tidy(self, used: list[str]) -> None:
        with contextlib.suppress(Exception):  # an invalid configuration shows in the tests that need it
            for name in used:
                self._postgres.drop_database(name)
            self._postgres.keep_spares(self._postgres.seeded_template(self._root), SPARES)


def _loop(root: Path, words: list[str], server: ForkServer, stock: Stock) -> None:
    pending: set[Path] = set()
    saved = 0.0
    folders = {root / member.folder.relative_to(root).parts[0] for member in members(root).values()} | {root / "tests"}
    announced = False
    for changes in watchfiles.watch(*folders, watch_filter=_watched, yield_on_timeout=True, rust_timeout=50, step=20):
        if not announced:  # not earlier: a save before this could be missed
            click.echo("Watching. Save a file to run the tests it affects; stop with Ctrl-C.")
            announced = True
        if (code := server.finished()) is not None:
            click.echo(f"{_verdict(code)} {time.time() - saved:.1f} s after the save")
            pending.clear()
            stock.refill_after_run()
        if not changes:
            continue
        server.stop()
        paths = {Path(path) for _, path in changes}
        pending |= paths
        saved = max((path.stat().st_mtime for path in paths if path.exists()), default=time.time())
        targets = _within(affected(root, members(root), pending), _chosen(root, words))
        if targets:
            click.echo(f"\n── {', '.join(sorted(str(path.relative_to(root)) for path in pending))}")
            click.echo(f"   running {described(root, targets)}")
            server.start([*map(str, targets), *NO_PLATFORM, *QUICK])


def described(root: Path, targets: Iterable[Path]) -> str:
    """The folders to run; where only some files of a folder run, their names. Files of a whole folder are left out."""
    whole = [target for target in targets if target.is_dir()]
    files: dict[Path, list[str]] = {folder: [] for folder in whole}
    for file in targets:
        if file.is_file() and not any(file.is_relative_to(folder) for folder in whole):
            files.setdefault(file.parent, []).append(file.stem.removeprefix("test_"))
    parts = []
    for folder, names in files.items():
        total = len(list(folder.glob("test_*.py")))
        some = f" ({len(names)} of {total} files: {', '.join(names)})" if names and len(names) < total else ""
        parts.append(f"{folder.relative_to(root)}{some}")
    return "; ".join(parts)


def _verdict(code: int) -> str:
    if code == NO_TESTS:  # such as a file with browser tests only
        return click.style("no tests to run", fg="yellow")
    return click.style("passed", fg="green") if code == 0 else click.style("FAILED", fg="red", bold=True)


_default_filter = watchfiles.DefaultFilter()  # excludes .git, .venv, __pycache__ and the like


def _watched(change: watchfiles.Change, path: str) -> bool:
    return Path(path).suffix in WATCHED and _default_filter(change, path)


def _chosen(root: Path, words: list[str]) -> list[str]:
    """The paths among the words, or the folders of all unit tests."""
    paths = [word for word in pytest_arguments(root, [*words, "-n", "0"])[:-2] if (root / word).exists()]
    return paths or sorted({str(member.folder.relative_to(root)) for member in members(root).values()})


def _within(targets: list[Path], chosen: list[str]) -> list[Path]:
    allowed = [Path.cwd() / "tests", *(Path(path).resolve() for path in chosen)]
    return [target for target in targets if any(target.is_relative_to(path) for path in allowed)]
