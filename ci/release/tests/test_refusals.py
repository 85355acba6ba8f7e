"""Every refusal is right in `explain` too: each rule is met by a test that runs a request and explains it.

The helper `refused` (here and in tests/delivery) compares the two, and some tests do so themselves; this file finds the
rules that none of them names.
"""

import ast
from collections.abc import Iterator

from gatehouse_release.model import PromotionRequest
from gatehouse_release.unit_tests import NEED

from .conftest import ROOT, World, refused, rules_of

# What a request isn't refused for, and why.
NO_REFUSAL = {
    "actor": "asked before there is a request, by every command alike: cli/test_who_asks.py",
    "being-promoted": "a run settles what was begun and then decides; only `explain` meets it",
    "failed": "what came of a promotion, not why there was none",
}


def named(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def rules_in_the_code() -> Iterator[str]:
    for file in (ROOT / "ci/release/gatehouse_release").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                given = [keyword.value for keyword in node.keywords if keyword.arg == "rule"]
                given += node.args[:1] if named(node.func) in ("Impossible", "_unknown") else []
                yield from (one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str))


def words_of_refusals() -> Iterator[str]:
    """The texts in tests that run a request and explain it."""
    for folder in (ROOT / "ci/release/tests", ROOT / "tests/delivery"):
        for file in folder.rglob("test_*.py"):
            for test in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(test, ast.FunctionDef) and test.name.startswith("test_"):
                    nodes = list(ast.walk(test))
                    called = {named(one.func) for one in nodes if isinstance(one, ast.Call)}
                    if "refused" in called or {"run", "explain"} <= called:
                        yield from (str(one.value) for one in nodes if isinstance(one, ast.Constant))


def test_every_rule_is_met_by_a_request_that_is_run_and_explained():
    rules = {*rules_in_the_code(), NEED}
    assert len(rules) > 30
    assert rules - NO_REFUSAL.keys() - set(words_of_refusals()) == set()
    assert NO_REFUSAL.keys() - rules == set()


def test_without_a_preview_nothing_is_done(world: World):
    world.merge(person=1)
    asked = PromotionRequest(action="promote", environment="test", domain="people")
    explained = world.promoter.explain(asked, world.actor("eva"))
    assert rules_of(explained) == {"preview-missing"}
    assert world.promoter.run(asked, world.actor("eva")).decision.reasons == explained.reasons


def test_where_nothing_else_was_verified_there_is_no_way_back(world: World):
    world.merge(person=1)
    assert refused(world, "sam", "rollback", "dev")[0] == {"not-verified"}
