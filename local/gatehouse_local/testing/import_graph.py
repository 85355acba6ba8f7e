"""Which test files a saved Python file of a service affects: those that import it, directly or through others.

Read from the sources, never by importing them. A test that can't be read, or that starts processes of its own, counts
as affected by everything: what it imports doesn't tell what it runs.
"""

import ast
import functools
from collections.abc import Iterable, Mapping
from pathlib import Path

from gatehouse_local.workspace import Member

PROCESSES = "subprocess"
UNSEEN = ("autouse", "usefixtures", "getfixturevalue", "def pytest_")  # ways to be affected without a parameter
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def importing(changed: Path, tests: Path, known: Mapping[str, Member]) -> list[Path]:
    """The test files below `tests` that `changed` affects, sorted."""
    modules = _modules(known.values())
    return [test for test in sorted(tests.rglob("test_*.py")) if _reaches(test, changed, modules)]


def _reaches(test: Path, changed: Path, modules: Mapping[str, Path]) -> bool:
    conftests = [folder / "conftest.py" for folder in test.parents if (folder / "conftest.py").exists()]
    conftests = [one for one in conftests if _takes_from(test, one)]
    seen: set[Path] = set()
    waiting = [test, *conftests]
    while waiting:
        file = waiting.pop()
        if file == changed:
            return True
        if file in seen:
            continue
        seen.add(file)
        try:
            names = _names(file, file.stat().st_mtime_ns)
        except (OSError, SyntaxError, ValueError):
            return True
        if file in {test, *conftests} and PROCESSES in names:
            return True
        waiting += [modules[name] for name in names if name in modules]
    return False


def _takes_from(test: Path, conftest: Path) -> bool:
    """Whether a function of the test has a parameter that the conftest defines, or may have its fixtures otherwise."""
    try:
        defined = {node.name for node in ast.parse(conftest.read_bytes()).body if isinstance(node, FUNCTIONS)}
        taken = {node.arg for node in ast.walk(ast.parse(test.read_bytes())) if isinstance(node, ast.arg)}
    except (OSError, SyntaxError, ValueError):
        return True
    words = conftest.read_text() + test.read_text()
    return bool(defined & taken) or any(way in words for way in UNSEEN)


def _modules(known: Iterable[Member]) -> dict[str, Path]:
    """Every module of the members by its dotted name."""
    found: dict[str, Path] = {}
    for member in known:
        for file in (member.folder / member.package).rglob("*.py"):
            parts = file.relative_to(member.folder).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


@functools.lru_cache(maxsize=2000)
def _names(file: Path, _changed_at: int) -> frozenset[str]:
    """What the file imports, wherever in it, with the packages on the way; and each text that may name a module."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level or not node.module:
                raise ValueError(f"{file} imports relatively, which isn't followed here")
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("gatehouse_"):
            names.add(node.value.split(":")[0])
    return frozenset(".".join(name.split(".")[:end]) for name in names for end in range(1, name.count(".") + 2))
