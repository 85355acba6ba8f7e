"""What each member of the workspace depends on according to uv.lock: other members, and resolved packages.

A member's digest covers what `uv export --package` prints for it (names, versions, hashes, markers), but is computed
from the lock: it is read once for all members instead of one process for each. A test compares the two.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Wanted = tuple[str, str]  # a package's name and one of its extras; "" is the package itself


class UvLockError(Exception):
    """uv.lock can't be used; the message says why and how to fix it."""


@dataclass(frozen=True)
class LockedMember:
    """One installable part: its distribution's name and its folder below the root ("services/person")."""

    name: str
    folder: str

    @property
    def package(self) -> str:
        return self.name.replace("-", "_")


class Lock:
    """One uv.lock, read."""

    def __init__(self, text: str) -> None:
        try:
            self._content: dict[str, Any] = tomllib.loads(text)
            self._packages: dict[str, list[dict[str, Any]]] = {}
            for package in self._content["package"]:
                self._packages.setdefault(package["name"], []).append(package)
            found = [
                LockedMember(package["name"], where) for package in self._content["package"] if (where := _own(package))
            ]
        except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
            raise UvLockError(
                f"uv.lock can't be read: {error!r}. Fix: git checkout -- uv.lock, then uv lock"
            ) from error
        self.members = {member.name: member for member in sorted(found, key=lambda one: one.folder)}

    def reach(self, name: str, *, extras: bool = False) -> frozenset[str]:
        """The members that a member needs when it is installed, itself included; with `extras` those of its extras."""
        seeds = [(name, extra) for extra in ("", *(self._extras(name) if extras else ()))]
        return frozenset(self._closure(seeds)) & self.members.keys()

    def group(self, group: str) -> frozenset[str]:
        """The members that a dependency group of the root installs beyond the default."""
        wanted = [(one["name"], extra) for one in self._group(group) for extra in one.get("extra", ())]
        return frozenset(name for name, _ in wanted) & self.members.keys()

    def digest(self, name: str, *, extras: bool = False) -> str:
        """Of the resolved packages that a member is installed with; with `extras` of those of its extras, too."""
        return self._digest([(name, extra) for extra in ("", *(self._extras(name) if extras else ()))])

    def group_digest(self, group: str) -> str:
        """Of the resolved packages that a dependency group of the root names; members of ours left out."""
        outside = [one for one in self._group(group) if one["name"] not in self.members]
        return self._digest([wanted for one in outside for wanted in _wanted(one)])

    def _group(self, group: str) -> list[dict[str, Any]]:
        roots = [package for found in self._packages.values() for package in found if package["source"].get("virtual")]
        return [one for root in roots for one in root.get("dev-dependencies", {}).get(group, ())]

    def _extras(self, name: str) -> list[str]:
        return sorted({extra for one in self._packages.get(name, ()) for extra in one.get("optional-dependencies", {})})

    def _digest(self, seeds: Iterable[Wanted]) -> str:
        reached = self._closure(seeds)
        resolved = [
            [_facts(package), [[extra, _edges(package, extra)] for extra in sorted(reached[name])]]
            for name in sorted(reached)
            for package in self._packages[name]
        ]
        text = json.dumps([self._content.get("requires-python"), resolved], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def _closure(self, seeds: Iterable[Wanted]) -> Mapping[str, set[str]]:
        """Every package that is reached, by name, with the extras by which it is reached ("" for itself)."""
        reached: dict[str, set[str]] = {}
        waiting = list(seeds)
        while waiting:
            name, extra = waiting.pop()
            if name not in self._packages:
                raise UvLockError(f"uv.lock names the package {name}, but doesn't have it. Fix: uv lock")
            if extra in reached.setdefault(name, set()):
                continue
            reached[name].add(extra)
            for package in self._packages[name]:  # several, where platforms resolve to different versions
                waiting += [wanted for edge in _dependencies(package, extra) for wanted in _wanted(edge)]
        return reached


def _own(package: Mapping[str, Any]) -> str | None:
    """The folder of a member of ours; None for what comes from elsewhere, and for the root, which has no code."""
    return package["source"].get("editable")


def _dependencies(package: Mapping[str, Any], extra: str) -> list[dict[str, Any]]:
    return package.get("optional-dependencies", {}).get(extra, []) if extra else package.get("dependencies", [])


def _wanted(edge: Mapping[str, Any]) -> list[Wanted]:
    return [(edge["name"], extra) for extra in ("", *edge.get("extra", ()))]


def _edges(package: Mapping[str, Any], extra: str) -> list[dict[str, Any]]:
    return sorted(_dependencies(package, extra), key=lambda edge: json.dumps(edge, sort_keys=True))


def _facts(package: Mapping[str, Any]) -> dict[str, Any]:
    """What makes a package another one: not where a mirror keeps it, nor when it was uploaded."""
    files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
    return {
        "name": package["name"],
        "version": package.get("version"),
        "source": {kind: where for kind, where in package["source"].items() if kind != "registry"},
        "files": sorted(file.get("hash", file.get("url", "")) for file in files),
        "markers": package.get("resolution-markers", []),
    }
