"""Removes a service from the checkout: its folder, its place in the lock, and what is derived from it.

It is the reverse of `scaffold.py`, for services that people wrote as well. Where the service is released it runs on:
the next build takes it out of dev, and a promotion out of each environment after that.
"""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from gatehouse_catalog import Catalog, CatalogError, Problem, load_catalog
from gatehouse_ci.workflows.removed_settings import where_released, without_settings
from gatehouse_local.generate import stale, write
from gatehouse_local.workspace import members, own_uv

# Files in which a name is found by chance, or that follow by themselves.
NOT_SEARCHED = ("docs/moved.md", "uv.lock", "stacks/releases")


def needed_by(root: Path, catalog: Catalog, name: str) -> list[Problem]:
    """Why the service can't go: who calls it, and who is installed with it."""
    service, found = catalog[name], []
    for other in catalog:
        if name in other.uses.services:
            fix = f'Take "{name}" out of it, release that everywhere, then remove {name}.'
            file = f"services/{other.name}/service.toml"
            found.append(Problem(file=file, key="uses.services", value=name, message="calls it.", fix=fix))
    distribution = service.package.replace("_", "-")
    for member in members(root).values():
        if distribution in member.needs:
            file = f"{member.folder.relative_to(root)}/pyproject.toml"
            message, fix = "is installed with it.", "Take it out there first."
            found.append(Problem(file=file, key="dependencies", value=distribution, message=message, fix=fix))
    return found


def remove_service(root: Path, name: str, *, confirm: Callable[[str], object], report: Callable[[str], None]) -> None:
    """Removes services/`name`. Raises CatalogError when there is no such service or others depend on it.

    `confirm` is asked with a sentence and raises to go no further; then, and when anything fails, nothing has changed.
    """
    catalog = load_catalog(root)
    folder = catalog[name].folder
    if problems := needed_by(root, catalog, name):
        raise CatalogError(problems)
    runs_in, settings = where_released(root, name), without_settings(root, name)
    runs = f" It is released to {', '.join(runs_in)}, and runs there until each lets it go." if runs_in else ""
    confirm(f"Remove services/{name} and what is generated from it?{runs}")
    # Not below services/: uv and the catalog would still find it there.
    aside, lock = root / ".gate" / "removed" / name, (root / "uv.lock").read_bytes()
    shutil.rmtree(aside, ignore_errors=True)
    aside.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(aside)
    try:
        _lock(root)
        changed = {**settings, **stale(root)}
        for path, text in changed.items():
            write(root, path, text)
    except BaseException:
        aside.rename(folder)
        (root / "uv.lock").write_bytes(lock)
        raise
    shutil.rmtree(aside)
    report(f"Removed services/{name}.")
    for path in changed:
        report(f"Wrote {path}.")
    for place in mentions(root, name):
        report(f"Still names it: {place}")
    for environment in runs_in:
        later = f"to take it out: gate promote apply {environment}"
        report(f"{environment}: {'the next build takes it out' if environment == 'dev' else later}")


def mentions(root: Path, name: str) -> Iterable[str]:
    """Lines that name the service's package or address: what a person has to look at."""
    package = name.replace("-", "[_-]")
    words = re.compile(rf"gatehouse[_-]{package}\b|/api/{name}\b|services/{name}\b")
    for path in _tracked(root):
        file = root / path
        if path.startswith(NOT_SEARCHED) or not file.is_file():
            continue
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        yield from (f"{path}:{number}" for number, line in enumerate(lines, 1) if words.search(line))


def _tracked(root: Path) -> Iterator[str]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=False)  # noqa: S607
    yield from filter(None, done.stdout.split("\0"))


def _lock(root: Path) -> None:
    """Takes the member out of uv.lock. Raises CatalogError when uv can't."""
    command = [own_uv(root) or "uv", "lock", "--quiet"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603
        reason = done.stderr.strip() if done.returncode else ""
    except FileNotFoundError:
        reason = "uv isn't on the path."
    if reason:
        message = f"can't be updated.\n{reason}\n"
        raise CatalogError([Problem(file="uv.lock", message=message, fix="Fix that and try again.")])
