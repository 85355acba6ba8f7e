"""Words mean one thing: class names, module names and the words of docs/moved.md; folders stay small enough to read."""

import ast
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES_IN_A_FOLDER = 22
# An aggregate's struct, its table and its consumers' copies are one word of the domain.
MIRRORS = re.compile(r"services/(?!catalog/|chassis/).*/((\w+_)?structs|tables|peers)\.py$")
# As their own documentation imports them.
USUAL = {("hypothesis", "strategies", "st"), ("", "pulumi_aws", "aws")}
# What the names of docs/moved.md replaced.
CLASSES = {
    "Asked",
    "AppState",
    "Around",
    "Desk",
    "Here",
    "Mistake",
    "NoWayIn",
    "Solution",
    "Surroundings",
    "Tended",
    "Way",
}
CLASSES |= {"WayIn"}
MODULES = {
    "aggregates",
    "answers",
    "asking",
    "asking_inside",
    "belongings",
    "between",
    "brakes",
    "connect",
    "cores",
    "desk",
}
MODULES |= {"deploying", "evolve", "looking", "made", "make_way", "migrating", "moves", "observe", "others", "parts"}
MODULES |= {
    "passages",
    "picture",
    "running",
    "settle",
    "solution",
    "tended",
    "troubles",
    "warm",
    "watch_imports",
    "way_in",
}
# Written in pieces, so that this file doesn't hold what it forbids.
FORMER = re.compile(r"(?:(?<![A-Za-z])|(?<=\\n))" + "men" + r"d(s|ed|ing)?(?![A-Za-z])", re.IGNORECASE)
# JSON carries the former name of `fix` for one more version.
KEPT = re.compile(
    r"^(services/catalog/gatehouse_catalog/errors|local/gatehouse_local/checks/(doctor|run)"
    r"|local/tests/cli/test_tool_commands)\.py$|^db-manager/schemas/|^uv\.lock$|/test-data/|^LICENSE$|^docs/moved\.md$"
)


def sources(files: list[str]) -> dict[str, ast.Module]:
    return {path: ast.parse((ROOT / path).read_text(encoding="utf-8")) for path in files if path.endswith(".py")}


@pytest.fixture(scope="module")
def trees(files: list[str]) -> dict[str, ast.Module]:
    return sources(files)


@pytest.fixture(scope="module")
def nodes(trees: dict[str, ast.Module]) -> dict[str, list[ast.AST]]:
    """Those that a rule is about, of each file; walked through once."""
    wanted = ast.ClassDef | ast.Import | ast.ImportFrom | ast.Call
    return {path: [node for node in ast.walk(tree) if isinstance(node, wanted)] for path, tree in trees.items()}


def is_test(path: str) -> bool:
    return path.startswith("tests/") or "/tests/" in path


def test_no_folder_has_more_modules_than_one_sees_at_once(files: list[str]):
    counted = Counter(str(Path(path).parent) for path in files if path.endswith(".py"))
    assert {folder: count for folder, count in counted.items() if count > MODULES_IN_A_FOLDER} == {}


def test_a_class_name_means_one_thing(nodes: dict[str, list[ast.AST]]):
    places = defaultdict(list)
    for path, found in nodes.items():
        if not is_test(path):
            for node in found:
                if isinstance(node, ast.ClassDef):
                    places[node.name].append(path)
    twice = {name: found for name, found in places.items() if len(found) > 1}
    # A consumer's copy of what the chassis answers (/version, /health) is a mirror as well.
    assert {name: found for name, found in twice.items() if sum(not MIRRORS.search(path) for path in found) > 1} == {}


def test_nothing_is_renamed_on_import(nodes: dict[str, list[ast.AST]]):
    found = []
    for path, those in nodes.items():
        for node in those:
            if isinstance(node, ast.Import | ast.ImportFrom):
                module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
                found += [
                    f"{path}:{node.lineno}: {alias.name} as {alias.asname}"
                    for alias in node.names
                    if alias.asname and (module, alias.name, alias.asname) not in USUAL
                ]
    assert found == []


def test_no_class_and_no_module_has_a_name_that_was_replaced(nodes: dict[str, list[ast.AST]]):
    classes = [
        f"{path}: {node.name}"
        for path, found in nodes.items()
        for node in found
        if isinstance(node, ast.ClassDef) and node.name in CLASSES
    ]
    modules = [path for path in nodes if Path(path).stem in MODULES and not is_test(path)]
    assert classes + modules == []


def test_a_fix_is_called_a_fix(files: list[str]):
    found = []
    for path in files:
        if KEPT.search(path) or Path(path).suffix in {".woff2", ".png", ".svg", ".js"}:
            continue
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), start=1):
            if FORMER.search(line):
                found.append(f"{path}:{number}: {line.strip()}")
    assert found == []


def test_every_problem_says_how_to_fix_it(nodes: dict[str, list[ast.AST]]):
    found = []
    for path, those in nodes.items():
        if is_test(path):
            continue
        for node in those:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem":
                fix = next((word.value for word in node.keywords if word.arg == "fix"), None)
                if fix is None or (isinstance(fix, ast.Constant) and not fix.value):
                    found.append(f"{path}:{node.lineno}")
    assert found == []
