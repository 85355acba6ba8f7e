"""`gate check` as a whole, in a small repository with checks of the test's own: what runs, and what earns a receipt."""

import json
import sys
from pathlib import Path

import pytest

from gatehouse_catalog import find_root
from gatehouse_ci.affected import receipts
from gatehouse_ci.affected.working_tree import WorkingTree
from gatehouse_local.checks.checks import DATABASE, Check
from gatehouse_local.checks.run import run_affected
from gatehouse_release.testing.checkout import commit, copied, with_remote, write

ROOT = find_root(Path(__file__))
GOOD = Check("good", (sys.executable, "-c", ""), "")
BAD = Check("bad", (sys.executable, "-c", "print('line 7'); raise SystemExit(1)"), "Fix line 7")
PASSES = "def test_it(): pass\n"
FAILS = "def test_it(): assert False\n"


@pytest.fixture
def repository(tmp_path: Path) -> WorkingTree:
    git = WorkingTree(copied(ROOT, tmp_path / "gatehouse").root)
    for service in ("person", "topics"):
        write(git.root / f"services/{service}/tests/test_{service}.py", PASSES)
    commit(git, "Tests")
    with_remote(git, tmp_path / "remote.git")
    return git


def check(git: WorkingTree, *house: Check, everything: bool = False, as_json: bool = False) -> int:
    return run_affected(git.root, list(house), base=None, everything=everything, as_json=as_json)


def test_affected_tests_run_and_a_receipt_is_kept(repository: WorkingTree, capfd: pytest.CaptureFixture):
    write(repository.root / "services/person/gatehouse_person/a.py", "")
    write(repository.root / "services/topics/tests/test_topics.py", PASSES)
    assert check(repository, GOOD) == 0
    said = capfd.readouterr().out
    assert "Affected: images of person; tests to run: services/person/tests." in said
    assert "1 passed" in said
    assert "that commit can then be pushed" in said
    found = receipts.find(repository, repository.tree())
    assert found is not None
    assert (found.base, found.tests) == (repository.git("rev-parse", "HEAD"), ("services/person/tests",))
    assert found.checks == ("good", "tests")


def test_what_is_committed_may_be_pushed(repository: WorkingTree, capfd: pytest.CaptureFixture):
    commit(repository, "Mine", **{"services/person/gatehouse_person/a.py": ""})
    assert check(repository, GOOD) == 0
    assert "you can push this commit" in capfd.readouterr().out


@pytest.mark.parametrize(("house", "test"), [([BAD], PASSES), ([GOOD], FAILS)], ids=["check", "test"])
def test_a_failure_gives_no_receipt_and_takes_an_earlier_one(
    repository: WorkingTree, capfd: pytest.CaptureFixture, house: list[Check], test: str
):
    write(repository.root / "services/person/tests/test_person.py", test)
    tree = repository.tree()
    receipts.write(repository, receipts.Receipt(tree=tree, at=_long_ago(), base=None, checks=(), tests=()))
    assert check(repository, *house) == 1
    assert receipts.find(repository, tree) is None
    assert "No receipt: something failed." in capfd.readouterr().out


def _long_ago():
    from datetime import UTC, datetime

    return datetime(2026, 1, 1, tzinfo=UTC)


def test_files_that_change_on_the_way_give_no_receipt(repository: WorkingTree, capfd: pytest.CaptureFixture):
    meddling = Check("meddling", (sys.executable, "-c", "open('a.txt', 'a').write('x')"), "")
    assert check(repository, meddling) == 0
    assert "No receipt: files changed during the checks" in capfd.readouterr().out
    assert receipts.find(repository, repository.tree()) is None


def test_all_runs_every_test_and_its_receipt_says_so(repository: WorkingTree, capfd: pytest.CaptureFixture):
    assert check(repository, GOOD, everything=True, as_json=True) == 0
    told = json.loads(capfd.readouterr().out)
    assert (told["base"], told["tests"]) == (None, ["all"])
    assert "2 passed" in told["checks"][-1]["output"]
    assert Path(told["receipt"]).is_file()


def test_a_folder_without_git_is_checked_without_a_receipt(tmp_path: Path, capfd: pytest.CaptureFixture):
    git = WorkingTree(copied(ROOT, tmp_path / "gatehouse").root)
    (git.root / ".git").rename(tmp_path / "elsewhere")
    write(git.root / "services/person/tests/test_person.py", PASSES)
    assert check(git, GOOD) == 0
    assert "No receipt: this folder isn't a git checkout." in capfd.readouterr().out


def test_the_database_is_compared_with_what_landed(repository: WorkingTree, capfd: pytest.CaptureFixture):
    """The check is given a folder with the files of main, whatever they are now; others get none."""
    path = "services/person/service.toml"
    code = f"import pathlib, sys; print(sys.argv[1:-1], 'landed:', pathlib.Path(sys.argv[-1], {path!r}).read_text())"
    landed = (repository.root / path).read_text(encoding="utf-8")
    write(repository.root / path, landed + "# changed\n")
    failing = (sys.executable, "-c", f"{code}; raise SystemExit(1)")
    assert check(repository, Check(DATABASE, failing, ""), GOOD) == 1
    assert f"['--against'] landed: {landed.strip()}" in capfd.readouterr().out
