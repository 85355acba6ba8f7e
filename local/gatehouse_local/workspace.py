"""The uv workspace, read from its pyproject.toml files: the members and their dependencies on each other.

The catalog knows services; this module knows every installable member. Tests, checks and import contracts loop over it,
so a new member needs no edit elsewhere.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path


class WorkspaceError(Exception):
    """A pyproject.toml is invalid; the message names the file, the key and the fix."""


@dataclass(frozen=True)
class Member:
    """One installable member: distribution name, folder, import name, and the members it requires."""

    name: str
    folder: Path
    package: str
    needs: frozenset[str]

    @property
    def is_service(self) -> bool:
        return (self.folder / "service.toml").exists()


def members(root: Path) -> dict[str, Member]:
    """Every workspace member by distribution name."""
    patterns = _read(root / "pyproject.toml")["tool"]["uv"]["workspace"]["members"]
    folders = sorted({file.parent for pattern in patterns for file in root.glob(f"{pattern}/pyproject.toml")})
    read = [_member(folder) for folder in folders]
    names = {member.name for member in read}
    return {member.name: replace(member, needs=member.needs & names) for member in read}


def dependents(of: Iterable[str], known: dict[str, Member]) -> list[str]:
    """These names and every member that needs them, directly or transitively; nearest first."""
    names = list(dict.fromkeys(of))
    for name in names:  # grows during the loop
        names += [other.name for other in known.values() if name in other.needs and other.name not in names]
    return names


def own_uv(root: Path) -> str | None:
    """The uv that ./local/gate installed, if it did."""
    candidates = (root / ".gate" / "uv" / "bin" / "uv", root / ".gate" / "uv" / "lib" / "bin" / "uv")
    return next((str(path) for path in candidates if path.exists()), None)


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
        raise WorkspaceError(f"{file} can't be read: {error}. Fix that line, or restore the file from git.") from error
