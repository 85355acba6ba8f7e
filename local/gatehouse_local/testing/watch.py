"""`gate test --watch`: stays, and after each save reruns the tests that the saved file affects.

What is affected is a pure function of the workspace and the paths. Quick because the throwaway PostgreSQL stays between
the runs with seeded databases at hand, and because each run is a fork of a warm process (fork_server.py).
"""

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import click
import watchfiles

from gatehouse_local.testing.fork_server import NOTHING, Warm
from gatehouse_local.testing.import_graph import importing
from gatehouse_local.testing.pytest_plugin import SHARED_FOLDER, USED, Postgres
from gatehouse_local.testing.shared_process import shared
from gatehouse_local.testing.testrun import pytest_arguments
from gatehouse_local.workspace import Member, dependents, members

WATCHED = frozenset({".py", ".toml", ".yaml", ".json", ".sql", ".html", ".css", ".js", ".ts"})
NO_PLATFORM = ["-m", "not platform and not browser"]
# `unraisableexception` collects garbage ten times at the end, for warnings that our settings ignore.
QUICK = ["-n", "0", "-p", "no:cacheprovider", "-p", "no:unraisableexception"]
QUICK += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
SPARES = 8  # seeded databases at hand: a test module of a service takes one


def affected(root: Path, known: dict[str, Member], changed: Iterable[Path]) -> list[Path]:
    """The test files and folders to run for some changed files, the nearest first. Paths are absolute."""
    nearest: list[Path] = []
    folders: list[Path] = []  # or, where imports tell, test files
    for path in sorted(changed):
        owners = (one for one in known.values() if path.is_relative_to(one.folder))
        owner = max(owners, key=lambda one: len(one.folder.parts), default=None)
        tests = owner.folder / "tests" if owner else root / "tests"
        if path.is_relative_to(tests):
            nearest.append(path if _is_test(path) else path.parent)
        elif owner:
            nearest.append(_own_test(path, owner, tests))
            for name in dependents([owner.name], known):
                folder = known[name].folder / "tests"
                # Beyond services, what a test runs isn't told by what it imports: commands, generated files, processes.
                services = all(one.is_relative_to(root / "services") for one in (path, folder))
                told = services and path.suffix == ".py" and path.exists()
                folders += importing(path, folder, known) if told else [folder]
    # A file goes before the folder it is in; pytest doesn't run it a second time with the folder.
    return [path for path in dict.fromkeys(nearest + folders) if path.exists()]


def _own_test(path: Path, owner: Member, tests: Path) -> Path:
    """Tests mirror the folders of their code: gatehouse_x/data/y.py is tested by tests/data/test_y.py."""
    package = owner.folder / owner.package
    folder = path.parent.relative_to(package) if path.is_relative_to(package) else Path()
    return tests / folder / f"test_{path.stem}.py"


def _is_test(path: Path) -> bool:
    return path.name.startswith("test_") and path.suffix == ".py"


def watch(root: Path, words: list[str]) -> None:
    """Watches the workspace until Ctrl-C. Words restrict what is run, as they do for `gate test`."""
    with tempfile.TemporaryDirectory(prefix="gate-watch-") as folder:
        os.environ[SHARED_FOLDER] = folder
        os.environ["PYTHONDONTWRITEBYTECODE"] = ""
        os.chdir(root)
        warm = Warm()
        try:
            with shared(Path(folder), "postgres") as facts:
                warm.start([*_chosen(root, words), *NO_PLATFORM, *QUICK, "--collect-only"], quiet=True)
                stock = Stock(root, Postgres(facts["url"], Path(folder)))
                stock.refill()
                warm.finished(wait=60)
                _stay(root, words, warm, stock)
        except KeyboardInterrupt:
            pass
        finally:
            warm.close()


class Stock:
    """Seeded databases at hand; filled again, and those of the last run dropped, while nobody waits for a result."""

    def __init__(self, root: Path, postgres: Postgres) -> None:
        self._root, self._postgres = root, postgres
        self._work = threading.Thread()

    def refill(self) -> None:
        """Fills up now; `refill_after_run` does so in the background, and no run may have begun since the last."""
        self._tidy([])

    def refill_after_run(self) -> None:
        if not self._work.is_alive():
            self._work = threading.Thread(target=self._tidy, args=[self._postgres.databases(USED)], daemon=True)
            self._work.start()

    def _tidy(self, used: list[str]) -> None:
        with contextlib.suppress(Exception):  # a broken configuration shows in the tests that need it
            for name in used:
                self._postgres.drop_database(name)
            self._postgres.keep_spares(self._postgres.seeded_template(self._root), SPARES)


def _stay(root: Path, words: list[str], warm: Warm, stock: Stock) -> None:
    waiting: set[Path] = set()
    saved = 0.0
    folders = {root / one.folder.relative_to(root).parts[0] for one in members(root).values()} | {root / "tests"}
    told = False
    for changes in watchfiles.watch(*folders, watch_filter=_watched, yield_on_timeout=True, rust_timeout=50, step=20):
        if not told:  # not before: a save would be missed
            click.echo("Watching. Save a file to run what it affects; Ctrl-C ends.")
            told = True
        if (code := warm.finished()) is not None:
            click.echo(f"{_verdict(code)} {time.time() - saved:.1f} s after the save")
            waiting.clear()
            stock.refill_after_run()
        if not changes:
            continue
        warm.stop()
        paths = {Path(path) for _, path in changes}
        waiting |= paths
        saved = max((path.stat().st_mtime for path in paths if path.exists()), default=time.time())
        targets = _within(affected(root, members(root), waiting), _chosen(root, words))
        if targets:
            click.echo(f"\n── {', '.join(sorted(str(path.relative_to(root)) for path in waiting))}")
            click.echo(f"   runs {described(root, targets)}")
            warm.start([*map(str, targets), *NO_PLATFORM, *QUICK])


def described(root: Path, targets: Iterable[Path]) -> str:
    """The folders to run, those of which only some files run with their names; a file of such a folder goes unsaid."""
    whole = [one for one in targets if one.is_dir()]
    files: dict[Path, list[str]] = {one: [] for one in whole}
    for file in targets:
        if file.is_file() and not any(file.is_relative_to(folder) for folder in whole):
            files.setdefault(file.parent, []).append(file.stem.removeprefix("test_"))
    said = []
    for folder, names in files.items():
        of = len(list(folder.glob("test_*.py")))
        some = f" ({len(names)} of {of} files: {', '.join(names)})" if names and len(names) < of else ""
        said.append(f"{folder.relative_to(root)}{some}")
    return "; ".join(said)


def _verdict(code: int) -> str:
    if code == NOTHING:  # such as a file with journeys only
        return click.style("nothing to run", fg="yellow")
    return click.style("passed", fg="green") if code == 0 else click.style("FAILED", fg="red", bold=True)


_usual = watchfiles.DefaultFilter()  # leaves out .git, .venv, __pycache__ and the like


def _watched(change: watchfiles.Change, path: str) -> bool:
    return Path(path).suffix in WATCHED and _usual(change, path)


def _chosen(root: Path, words: list[str]) -> list[str]:
    """The paths among the words, or the unit tests' folders."""
    paths = [word for word in pytest_arguments(root, [*words, "-n", "0"])[:-2] if (root / word).exists()]
    return paths or sorted({str(one.folder.relative_to(root)) for one in members(root).values()})


def _within(targets: list[Path], chosen: list[str]) -> list[Path]:
    places = [Path(place).resolve() for place in chosen]
    house = Path.cwd() / "tests"
    return [one for one in targets if one.is_relative_to(house) or any(one.is_relative_to(place) for place in places)]
