"""The uv workspace as its pyproject.toml files say it: the members, and which of them depend on which.

The catalog knows services; this knows every installable part, and is what tests, checks and contracts loop over, so
that a new part needs no edit anywhere.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path


class WorkspaceError(Exception):
    """A pyproject.toml can't be used; the message names the file, the key and the fix."""


@dataclass(frozen=True)
class Member:
    """One installable part: its folder, its distribution's name, its import package, the members it depends on."""

    name: str
    folder: Path
    package: str
    needs: frozenset[str]

    @property
    def is_service(self) -> bool:
        return (self.folder / "service.toml").exists()


def members(root: Path) -> dict[str, Member]:
    """Every member of the workspace by its distribution's name."""
    patterns = _read(root / "pyproject.toml")["tool"]["uv"]["workspace"]["members"]
    folders = sorted({file.parent for pattern in patterns for file in root.glob(f"{pattern}/pyproject.toml")})
    found = [_member(folder) for folder in folders]
    ours = {member.name for member in found}
    return {member.name: replace(member, needs=member.needs & ours) for member in found}


def dependents(of: Iterable[str], known: dict[str, Member]) -> list[str]:
    """The names given and every member that needs them, directly or not; the nearest first."""
    found = list(dict.fromkeys(of))
    for name in found:  # grows while it is walked
        found += [other.name for other in known.values() if name in other.needs and other.name not in found]
    return found


def _member(folder: Path) -> Member:
    file = folder / "pyproject.toml"
    settings = _read(file)
    name = settings.get("project", {}).get("name")
    if not name:
        raise WorkspaceError(f'{file}: project.name is missing. Fix: name = "gatehouse-{folder.name}"')
    project = settings["project"]
    required = [*project.get("dependencies", []), *chain(*project.get("optional-dependencies", {}).values())]
    needs = frozenset(re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in required)
    return Member(name, folder, name.replace("-", "_"), needs)


def _read(file: Path) -> dict:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise WorkspaceError(
            f"{file} can't be read: {error}. Fix that line, or bring the file back from git."
        ) from error
