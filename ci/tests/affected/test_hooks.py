"""The pre-push hook, with real pushes to a bare repository: what has no receipt stays here, and is told why."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatehouse_catalog import find_root
from gatehouse_ci.affected import receipts
from gatehouse_ci.affected.hooks import OURS, ForeignHook, install_hook, remove_hook
from gatehouse_ci.affected.receipts import Receipt
from gatehouse_ci.affected.working_tree import WorkingTree
from gatehouse_release.testing.checkout import commit, copied, with_remote, write

ROOT = find_root(Path(__file__))
# What stands at the hook's other end: the door, without installing anything.
DOOR = f"""#!/bin/sh
exec "{sys.executable}" -m gatehouse_local.gate --root "$(git rev-parse --show-toplevel)" "$@"
"""


@pytest.fixture
def repository(tmp_path: Path) -> WorkingTree:
    """With the hook installed, and a remote that has main."""
    git = WorkingTree(copied(ROOT, tmp_path / "gatehouse").root)
    write(git.root / "local" / "gate", DOOR)
    (git.root / "local" / "gate").chmod(0o755)
    commit(git, "A door")
    with_remote(git, tmp_path / "remote.git")
    install_hook(git.root)
    return git


def found_good(git: WorkingTree, *, base: str | None = None) -> None:
    receipts.write(git, Receipt(tree=git.tree(), at=datetime.now(UTC), base=base, checks=("style",), tests=()))


def push(git: WorkingTree, *words: str) -> subprocess.CompletedProcess:
    command = ["git", "push", "--quiet", "origin", *words]
    return subprocess.run(command, cwd=git.root, capture_output=True, text=True, check=False)


def test_a_commit_without_a_receipt_stays_here(repository: WorkingTree):
    made = commit(repository, "Unchecked", **{"a.txt": "a"})
    done = push(repository, "main")
    assert done.returncode != 0
    assert "refs/heads/main is not pushed to origin: " in done.stderr
    assert f"check hasn't passed for commit {made[:12]}" in done.stderr
    assert "check, then push again" in done.stderr
    assert repository.git("ls-remote", "origin", "main").split()[0] != made


def test_a_commit_with_a_receipt_for_its_tree_is_pushed(repository: WorkingTree):
    write(repository.root / "a.txt", "a")
    found_good(repository)  # before it is committed: the tree counts
    made = commit(repository, "Checked")
    done = push(repository, "main")
    assert (done.returncode, done.stderr) == (0, "")
    assert repository.git("ls-remote", "origin", "main").split()[0] == made


def test_another_message_needs_no_other_receipt_but_another_file_does(repository: WorkingTree):
    commit(repository, "Checked", **{"a.txt": "a"})
    found_good(repository)
    repository.git("commit", "--quiet", "--amend", "-m", "Said better")
    assert push(repository, "main").returncode == 0
    commit(repository, "One more", **{"a.txt": "b"})
    assert push(repository, "main").returncode != 0


def test_every_branch_and_tag_is_looked_at(repository: WorkingTree):
    commit(repository, "Checked", **{"a.txt": "a"})
    found_good(repository)
    repository.git("switch", "--quiet", "--create", "other")
    commit(repository, "Unchecked", **{"b.txt": "b"})
    repository.git("tag", "--annotate", "-m", "One", "v1")
    assert "refs/tags/v1 is not pushed" in push(repository, "v1").stderr
    done = push(repository, "main", "other")
    assert "refs/heads/other is not pushed" in done.stderr
    assert "refs/heads/main isn't" not in done.stderr


def test_what_the_remote_has_and_what_goes_needs_none(repository: WorkingTree):
    assert push(repository, "main:refs/heads/copy", "main:refs/tags/v0").returncode == 0
    assert push(repository, "--delete", "copy").returncode == 0


def test_a_receipt_of_a_difference_counts_only_where_the_rest_is_known(repository: WorkingTree, tmp_path: Path):
    base = repository.git("rev-parse", "HEAD")
    commit(repository, "Checked", **{"a.txt": "a"})
    found_good(repository, base=base)
    repository.git("init", "--quiet", "--bare", str(tmp_path / "empty.git"))
    repository.git("remote", "add", "elsewhere", str(tmp_path / "empty.git"))
    command = ["git", "push", "--quiet", "elsewhere", "main"]
    refused = subprocess.run(command, cwd=repository.root, capture_output=True, text=True, check=False)
    assert f"checked only for what differs from {base[:12]}, which elsewhere doesn't have" in refused.stderr
    assert "check --all" in refused.stderr.partition("Fix: run ")[2]
    assert push(repository, "main").returncode == 0


def test_it_works_from_another_work_tree(repository: WorkingTree, tmp_path: Path):
    other = tmp_path / "other"
    repository.git("worktree", "add", "--quiet", "-b", "mine", str(other))
    write(other / "a.txt", "a")
    git = WorkingTree(other)
    commit(git, "Unchecked")
    assert "refs/heads/mine is not pushed" in push(git, "mine").stderr
    found_good(git)
    assert push(git, "mine").returncode == 0


def test_git_can_be_told_to_push_all_the_same(repository: WorkingTree):
    commit(repository, "Unchecked", **{"a.txt": "a"})
    assert push(repository, "--no-verify", "main").returncode == 0


def test_a_hook_of_somebody_else_stays(tmp_path: Path):
    git = WorkingTree(copied(ROOT, tmp_path / "gatehouse").root)
    theirs = git.root / ".git" / "hooks" / "pre-push"
    write(theirs, "#!/bin/sh\necho theirs\n")
    for change in (install_hook, remove_hook):
        with pytest.raises(ForeignHook, match=r"wasn't written by gate"):
            change(git.root)
    assert theirs.read_text() == "#!/bin/sh\necho theirs\n"


def test_installing_twice_and_removing_leaves_nothing(tmp_path: Path):
    git = WorkingTree(copied(ROOT, tmp_path / "gatehouse").root)
    folder = git.root / ".git" / "hooks"
    before = sorted(folder.iterdir())
    install_hook(git.root)
    install_hook(git.root)
    hook = folder / "pre-push"
    assert OURS in hook.read_text()
    assert os.access(hook, os.X_OK)
    assert "Removed" in remove_hook(git.root)
    assert "No pre-push hook is installed" in remove_hook(git.root)
    assert sorted(folder.iterdir()) == before


def test_hooks_that_are_kept_in_the_checkout_are_honoured_and_those_outside_refused(tmp_path: Path):
    git = WorkingTree(copied(ROOT, tmp_path / "gatehouse").root)
    git.git("config", "core.hooksPath", ".hooks")
    install_hook(git.root)
    assert (git.root / ".hooks" / "pre-push").is_file()
    git.git("config", "core.hooksPath", str(tmp_path / "everybodys"))
    with pytest.raises(ForeignHook, match=r"core\.hooksPath points outside this repository"):
        install_hook(git.root)


def test_the_commands_say_what_they_did(repository: WorkingTree):
    command = [sys.executable, "-m", "gatehouse_local.gate", "--root", str(repository.root), "hooks"]
    shutil.rmtree(repository.root / ".git" / "hooks")
    done = subprocess.run([*command, "install"], capture_output=True, text=True, check=True)
    assert "hooks remove" in done.stdout.partition("To remove it: ")[2]
    done = subprocess.run([*command, "remove"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Removed ")
