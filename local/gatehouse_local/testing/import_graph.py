"""Which test files a change to a Python file of a service affects: those that import it, directly or transitively.

Reads the sources and never imports them. A test that can't be parsed, or that starts processes, counts as affected by
everything: its imports don't show what it runs.
"""

import ast
import functools
from collections.abc import Iterable, Mapping
from pathlib import Path

from gatehouse_local.workspace import Member

PROCESSES = "subprocess"
# How a test can use a conftest without naming one of its fixtures as a parameter.
IMPLICIT = ("autouse", "usefixtures", "getfixturevalue", "def pytest_")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def importing(changed: Path, tests: Path, known: Mapping[str, Member]) -> list[Path]:
    """The test files below `tests` that `changed` affects, sorted."""
    modules = _modules(known.values())
    return [test for test in sorted(tests.rglob("test_*.py")) if _reaches(test, changed, modules)]


def _reaches(test: Path, changed: Path, modules: Mapping[str, Path]) -> bool:
    conftests = [folder / "conftest.py" for folder in test.parents if (folder / "conftest.py").exists()]
    conftests = [file for file in conftests if _uses(test, file)]
    visited: set[Path] = set()
    pending = [test, *conftests]
    while pending:
        file = pending.pop()
        if file == changed:
            return True
        if file in visited:
            continue
        visited.add(file)
        try:
            names = _names(file, file.stat().st_mtime_ns)
        except (OSError, SyntaxError, ValueError):
            return True
        if file in {test, *conftests} and PROCESSES in names:
            return True
        pending += [modules[name] for name in names if name in modules]
    return False


def _uses(test: Path, conftest: Path) -> bool:
    """Whether the test names a fixture of the conftest as a parameter, or may use one implicitly."""
    try:
        defined = {node.name for node in ast.parse(conftest.read_bytes()).body if isinstance(node, FUNCTIONS)}
        parameters = {node.arg for node in ast.walk(ast.parse(test.read_bytes())) if isinstance(node, ast.arg)}
    except (OSError, SyntaxError, ValueError):
        return True
    text = conftest.read_text() + test.read_text()
    return bool(defined & parameters) or any(word in text for word in IMPLICIT)


def _modules(known: Iterable[Member]) -> dict[str, Path]:
    """Every module of the members by its dotted name."""
    modules: dict[str, Path] = {}
    for member in known:
        for file in (member.folder / member.package).rglob("*.py"):
            parts = file.relative_to(member.folder).with_suffix("").parts
            modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return modules


@functools.lru_cache(maxsize=2000)
def _names(file: Path, _changed_at: int) -> frozenset[str]:
    """All modules that the file imports, with their packages, and each string that may name a module."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level or not node.module:
                raise ValueError(f"{file} has a relative import, which isn't supported here")
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("gatehouse_"):
            names.add(node.value.split(":")[0])
    return frozenset(".".join(name.split(".")[:end]) for name in names for end in range(1, name.count(".") + 2))
