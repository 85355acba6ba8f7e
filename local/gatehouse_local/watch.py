"""`gate test --watch`: stays, and after each save reruns the tests that the saved file affects.

What is affected is a pure function of the workspace and the paths. Quick because the throwaway PostgreSQL stays between
the runs, and because each run is a fork of a warm process (warm.py).
"""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import click
import watchfiles

from gatehouse_local.shared import shared
from gatehouse_local.testing import SHARED_FOLDER, Postgres
from gatehouse_local.testrun import pytest_arguments
from gatehouse_local.warm import NOTHING, Warm
from gatehouse_local.workspace import Member, dependents, members

WATCHED = frozenset({".py", ".toml", ".yaml", ".json", ".sql", ".html", ".css", ".js", ".ts"})
NO_PLATFORM = ["-m", "not platform and not browser"]
QUICK = ["-n", "0", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]


def affected(root: Path, known: dict[str, Member], changed: Iterable[Path]) -> list[Path]:
    """The test files and folders to run for some changed files, the nearest first. Paths are absolute."""
    nearest: list[Path] = []
    folders: list[Path] = []
    for path in sorted(changed):
        owner = next((one for one in known.values() if path.is_relative_to(one.folder)), None)
        tests = owner.folder / "tests" if owner else root / "tests"
        if path.is_relative_to(tests):
            nearest.append(path if _is_test(path) else path.parent)
        elif owner:
            nearest.append(tests / f"test_{path.stem}.py")
            folders += [known[name].folder / "tests" for name in dependents([owner.name], known)]
    # A file goes before the folder it is in; pytest doesn't run it a second time with the folder.
    return [path for path in dict.fromkeys(nearest + folders) if path.exists()]


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
                with contextlib.suppress(Exception):  # a broken configuration shows in the tests that need it
                    Postgres(facts["url"], Path(folder)).seeded_template(root)
                warm.finished(wait=60)
                _stay(root, words, warm)
        except KeyboardInterrupt:
            pass
        finally:
            warm.close()


def _stay(root: Path, words: list[str], warm: Warm) -> None:
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
        if not changes:
            continue
        warm.stop()
        paths = {Path(path) for _, path in changes}
        waiting |= paths
        saved = max((path.stat().st_mtime for path in paths if path.exists()), default=time.time())
        targets = _within(affected(root, members(root), waiting), _chosen(root, words))
        if targets:
            names = ", ".join(sorted(str(path.relative_to(root)) for path in waiting))
            click.echo(f"\n── {names}")
            warm.start([*map(str, targets), *NO_PLATFORM, *QUICK])


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
