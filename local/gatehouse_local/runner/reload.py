"""Reload on save: watches the files and decides what a change means for the running platform.

`reload_plan` is pure: paths in, actions out. The runner carries them out.
"""

import threading
from collections.abc import AsyncGenerator, Collection, Iterable
from pathlib import Path, PurePath

import msgspec

DEBOUNCE_MS = 50
SHARED = ("catalog", "chassis")  # libraries below services/ that every service uses
_IGNORED = {"dist", "src", "__pycache__", "tests", "test", "node_modules"}
# What an app is made of: its own server shows changes of these.
_OF_APPS = {".vue", ".ts", ".mjs"}
_IGNORED_ENDINGS = {*_OF_APPS, ".pyc", ".pyo", ".swp", ".swx", ".tmp", ".orig", ".rej", ".md"}


class ReloadPlan(msgspec.Struct, frozen=True):
    """What to do: read the catalog again, apply the database configuration, reload these services (or all)."""

    catalog: bool = False
    database: bool = False
    everything: bool = False
    services: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return self.catalog or self.database or self.everything or bool(self.services)


def reload_plan(root: Path, changed: Iterable[Path]) -> ReloadPlan:
    catalog = database = everything = False
    services: set[str] = set()
    for path in changed:
        parts = path.relative_to(root).parts if path.is_relative_to(root) else ()
        if _is_ignored(path, parts):
            continue
        match parts:
            case ("services", "chassis", _, "schema", *_):  # collections that schemas include
                database = True
            case ("services", name, *_) if name in SHARED:
                everything = True
            case ("services", name, "database", *_):
                database = True
            case ("services", name, "service.toml"):
                catalog = True
                services.add(name)
            case ("services", name):  # a folder was added or removed
                catalog = True
            case ("services", name, *_):
                services.add(name)
            case ("db-manager", "types", *_):
                database = True
            case ("local", "settings.toml"):
                catalog = everything = True
    return ReloadPlan(catalog=catalog, database=database, everything=everything, services=frozenset(services))


def _is_ignored(path: PurePath, parts: Collection[str]) -> bool:
    return (
        not parts
        or any(part in _IGNORED or part.startswith(".") for part in parts)
        or path.suffix in _IGNORED_ENDINGS
        or path.name.endswith("~")
        or path.name.isdigit()  # vim's test file 4913
    )


async def reload_plans(root: Path, stop: threading.Event) -> AsyncGenerator[ReloadPlan]:
    """The plan for each save from now on, until `stop` is set."""
    import watchfiles  # noqa: PLC0415 - its native library is loaded only when something is watched

    watched = [root / "services", root / "db-manager" / "types", root / "local"]
    folders = [folder for folder in watched if folder.is_dir()]
    async for changes in watchfiles.awatch(
        *folders, debounce=DEBOUNCE_MS * 4, step=DEBOUNCE_MS, stop_event=stop, watch_filter=None, recursive=True
    ):
        plan = reload_plan(root, (Path(path) for _, path in changes))
        if plan:
            yield plan
