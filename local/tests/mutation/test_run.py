"""A mutant that a test notices dies; one that no test notices must be explained, and be rare."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gatehouse_local.mutation.mutants import mutants
from gatehouse_local.mutation.run import SURVIVORS, Tried, covering, report
from gatehouse_local.mutation.trial import TestRun

CODE = """
def grown(age):
    return age >= 18


def spoken(age):
    return age + 0
"""
TESTS = """
from code_at_hand import grown, spoken

def test_of_age():
    assert grown(18)
    assert not grown(17)

def test_spoken():
    assert spoken(5)
"""
TRIAL = """
import json, sys
from pathlib import Path
from gatehouse_local.mutation import trial
from gatehouse_local.mutation.mutants import mutants
from gatehouse_local.mutation.run import covering
root, name = Path.cwd(), "code_at_hand.py"
found = trial.baseline(root, [name], ["-p", "no:randomly", "test_it.py"])
trial.preload(found.libraries)
every = mutants(name, (root / name).read_text())
print(json.dumps({one.name: trial.dies(root, one, covering(one, found.runs)) for one in every}))
"""


@pytest.mark.deep
def test_a_mutant_dies_by_the_test_that_notices_it(tmp_path: Path):
    (tmp_path / "code_at_hand.py").write_text(CODE)
    (tmp_path / "test_it.py").write_text(TESTS)
    done = subprocess.run(
        [sys.executable, "-c", TRIAL],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert line == (
        '{"code_at_hand.py grown: return age >= 18 -> return None": "test_it.py::test_of_age", '
        '"code_at_hand.py grown: age >= 18 -> age > 18": "test_it.py::test_of_age", '
        '"code_at_hand.py grown: 18 -> 19": "test_it.py::test_of_age", '
        '"code_at_hand.py spoken: return age + 0 -> return None": "test_it.py::test_spoken", '
        '"code_at_hand.py spoken: age + 0 -> age - 0": "", '
        '"code_at_hand.py spoken: 0 -> 1": ""}'
    )


def test_only_tests_that_run_its_lines_are_tried_the_quickest_first():
    in_function, at_import = mutants("a.py", "def f():\n    return g()\nX = [5]\n")
    runs = [
        TestRun(test="slow", seconds=2, passed=True, lines={"a.py": [2]}),
        TestRun(test="quick", seconds=1, passed=True, lines={"a.py": [2]}),
        TestRun(test="failed before", seconds=1, passed=False, lines={"a.py": [2]}),
        TestRun(test="elsewhere", seconds=0, passed=True, lines={"b.py": [2]}),
    ]
    assert [one.test for one in covering(in_function, runs)] == ["quick", "slow"]
    assert [one.test for one in covering(at_import, runs)] == ["quick", "slow"]


def tried(**killed_by: str) -> list[Tried]:
    return [Tried(name=name, part="auth", killed_by=test, tests=1, state="") for name, test in killed_by.items()]


MANY = {f"m{number}": "test" for number in range(30)}


@pytest.mark.parametrize(
    ("found", "left", "explained", "said"),
    [
        (tried(**MANY), 0, {}, ""),
        (tried(**MANY, odd=""), 0, {"odd": "equal"}, ""),
        (tried(**MANY, odd=""), 0, {}, f"1 aren't in {SURVIVORS}"),
        (tried(**MANY), 0, {"m1": "equal"}, f"{SURVIVORS}: m1: a test kills it. Fix: remove it."),
        (tried(**MANY), 2, {}, "2 mutants of the sample aren't tried yet"),
        (tried(m1="test", odd=""), 0, {"odd": "equal"}, "More than 5% survive"),
    ],
)
def test_what_is_wrong_is_said(capsys, found, left, explained, said):
    assert report(found, left, explained) == (1 if said else 0)
    assert said in capsys.readouterr().err
