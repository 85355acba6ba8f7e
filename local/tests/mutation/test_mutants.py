"""Each mutant is one change of the code, and its name stays the same wherever the code moves."""

import ast

import pytest

from gatehouse_local.mutation.mutants import mutants, mutated


def changes(source: str) -> list[str]:
    return [mutant.name.partition(": ")[2] for mutant in mutants("a.py", source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", ["a < b -> a <= b"]),
        ("a is None", ["a is None -> a is not None"]),
        ("a and b", ["a and b -> a or b"]),
        ("not a", ["not a -> a"]),
        ("f = x, 5", ["5 -> 6"]),
        ("x = 5", []),
        ("x = [True]", ["True -> False"]),
        ("x = [a + b]", ["a + b -> a - b"]),
        ("x = [a + 'text']", []),
        ("def f(): return a", ["return a -> return None"]),
        ("f(a)", ["f(a) -> pass"]),
        ("raise Wrong", ["raise Wrong -> pass"]),
        ("for a in b:\n    continue", ["continue -> break"]),
        ("if a:\n    b = c", ["if a: b = c -> if not a: b = c"]),
        ("def f(a: int | None = None) -> int | None:\n    '''Words.'''", []),
    ],
)
def test_what_is_changed(source: str, expected: list[str]):
    assert changes(source) == expected


SOURCE = """
class Door:
    def opens(self, key):
        return key.fits and key.fits
"""


def test_a_name_says_where_and_what_and_no_line():
    names = [mutant.name for mutant in mutants("a.py", SOURCE)]
    assert names == [
        "a.py Door.opens: return key.fits and key.fits -> return None",
        "a.py Door.opens: key.fits and key.fits -> key.fits or key.fits",
    ]
    assert [mutant.name for mutant in mutants("a.py", "\n\n" + SOURCE)] == names


def test_each_number_is_the_change_that_is_named():
    for mutant in mutants("a.py", SOURCE):
        assert mutant.lines == (4,)
        text = ast.unparse(mutated(SOURCE, mutant.number))
        assert mutant.name.rpartition(" -> ")[2] in text
        assert text != ast.unparse(ast.parse(SOURCE))


def test_the_same_change_twice_in_a_function_has_two_names():
    assert changes("def f():\n    g(1)\n    g(1)") == ["g(1) -> pass", "1 -> 2", "g(1) -> pass (2)", "1 -> 2 (2)"]
