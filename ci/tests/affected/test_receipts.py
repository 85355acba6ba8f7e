"""Receipts hold for a tree, whatever commit it comes in; and looking at a working tree leaves no trace in git."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatehouse_catalog import find_root
from gatehouse_ci.affected import receipts
from gatehouse_ci.affected.receipts import Receipt
from gatehouse_ci.affected.working_tree import WorkingTree
from gatehouse_release.testing.checkout import commit, copied, write

ROOT = find_root(Path(__file__))


@pytest.fixture
def repository(tmp_path: Path) -> WorkingTree:
    return WorkingTree(copied(ROOT, tmp_path / "gatehouse").root)


def receipt(tree: str, base: str | None = None) -> Receipt:
    return Receipt(tree=tree, at=datetime.now(UTC), base=base, checks=("style",), tests=())


def test_a_clean_checkout_has_its_commits_tree(repository: WorkingTree):
    assert repository.tree() == repository.tree_of("HEAD")


def test_the_tree_is_that_of_committing_every_file(repository: WorkingTree):
    write(repository.root / "staged.txt", "staged")
    repository.git("add", "staged.txt")
    write(repository.root / "staged.txt", "and changed again")
    write(repository.root / "new folder" / "unknown.txt", "not added")
    (repository.root / "Pulumi.yaml").unlink(missing_ok=True)
    (repository.root / "stacks" / "Pulumi.dev.yaml").unlink()
    write(repository.root / ".gate" / "ignored", "ignored")
    seen = repository.tree()
    commit(repository, "All of it")
    assert repository.tree_of("HEAD") == seen


def test_looking_changes_neither_index_nor_objects(repository: WorkingTree):
    write(repository.root / "new.txt", "not added")
    folder = repository.root / ".git"
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    repository.tree()
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before
    assert repository.git("status", "--short") == "?? new.txt"


def test_a_receipt_is_found_from_every_work_tree(repository: WorkingTree, tmp_path: Path):
    tree = repository.tree()
    written = receipt(tree)
    receipts.write(repository, written)
    repository.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "other"))
    assert receipts.find(WorkingTree(tmp_path / "other"), tree) == written


def test_a_receipt_for_everything_is_not_replaced_by_one_for_less(repository: WorkingTree):
    tree = repository.tree()
    receipts.write(repository, receipt(tree))
    receipts.write(repository, receipt(tree, base="a" * 40))
    found = receipts.find(repository, tree)
    assert found is not None
    assert found.base is None


def test_a_revoked_and_a_spoilt_receipt_are_none(repository: WorkingTree):
    tree = repository.tree()
    file = receipts.write(repository, receipt(tree))
    file.write_text("{")
    assert receipts.find(repository, tree) is None
    receipts.write(repository, receipt(tree))
    receipts.revoke(repository, tree)
    receipts.revoke(repository, tree)
    assert receipts.find(repository, tree) is None


def test_old_receipts_are_forgotten(repository: WorkingTree):
    for number in range(receipts.KEPT + 5):
        file = receipts.write(repository, receipt(f"{number:040x}"))
    assert len(list(file.parent.iterdir())) == receipts.KEPT
