"""The pre-push hook: refuses a commit whose tree has no receipt from `gate check`. A convenience; CI is the authority.

Commits that the remote already has need no receipt, nor does deleting a branch.
"""

import os
import stat
from pathlib import Path

from gatehouse_ci.affected.receipts import find
from gatehouse_ci.affected.working_tree import ZEROS, GitError, WorkingTree

OURS = "# Written by `gate hooks install`; `gate hooks remove` removes it."
SCRIPT = f"""#!/bin/sh
{OURS}
# Refuses to push what `gate check` hasn't passed. To push anyway: git push --no-verify
exec "$(git rev-parse --show-toplevel)/local/gate" hooks pre-push "$@"
"""
CHECKED_REFS = ("refs/heads/", "refs/tags/")


class ForeignHook(Exception):
    """A pre-push hook that gate didn't write."""


def install_hook(root: Path) -> str:
    """Writes the hook and returns what to print. Raises ForeignHook when there is one that gate didn't write."""
    file = _file(root)
    if file.exists() and not _is_ours(file):
        raise ForeignHook(
            f"{file} already exists and wasn't written by gate; it is left as it is. "
            f'Fix: add this line to it: exec local/gate hooks pre-push "$@". Or move it away and try again.'
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f".pre-push.{os.getpid()}")
    new.write_text(SCRIPT, encoding="utf-8")
    new.chmod(new.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    new.replace(file)
    return f"Installed {file}: a push now needs a receipt from gate check. To remove it: gate hooks remove"


def remove_hook(root: Path) -> str:
    """Removes the hook and returns what to print. Raises ForeignHook when gate didn't write it."""
    file = _file(root)
    if not file.exists():
        return f"No pre-push hook is installed at {file}"
    if not _is_ours(file):
        raise ForeignHook(
            f"{file} wasn't written by gate; it is left as it is. Fix: remove it by hand if you don't need it."
        )
    file.unlink()
    return f"Removed {file}"


def refusals(root: Path, remote: str, pushed: str) -> list[str]:
    """Why a push is refused, a sentence per reference. `pushed`: what git writes to a pre-push hook, githooks(5)."""
    checkout = WorkingTree(root)
    found = []
    for line in pushed.splitlines():
        local, commit, theirs, _ = line.split(" ")
        if commit in ZEROS or not theirs.startswith(CHECKED_REFS) or _there_already(checkout, remote, commit):
            continue
        if why := _missing(checkout, remote, commit):
            found.append(f"{local} is not pushed to {remote}: {why}")
    return found


def _missing(checkout: WorkingTree, remote: str, commit: str) -> str | None:
    """What keeps a commit from being pushed; None: nothing."""
    tree = checkout.tree_of(commit)
    receipt = find(checkout, tree)
    again = "run gate check, then push again. Commit first: uncommitted changes make another tree and another receipt."
    if receipt is None:
        return f"gate check hasn't passed for commit {commit[:12]} (tree {tree[:12]} has no receipt). Fix: {again}"
    if receipt.base and not _there_already(checkout, remote, receipt.base):
        return (
            f"commit {commit[:12]} was checked only for what differs from {receipt.base[:12]}, which {remote} doesn't "
            "have. Fix: run gate check --all, then push again."
        )
    return None


def _there_already(checkout: WorkingTree, remote: str, commit: str) -> bool:
    """Whether a branch of the remote, as far as we know it, has the commit."""
    try:
        return bool(checkout.git("for-each-ref", "--count=1", f"--contains={commit}", f"refs/remotes/{remote}"))
    except GitError:  # a commit that isn't here
        return False


def _file(root: Path) -> Path:
    """The hook's path. Honours core.hooksPath if it lies inside the repository."""
    checkout = WorkingTree(root)
    folder = Path(root, checkout.git("rev-parse", "--git-path", "hooks")).resolve()
    if not folder.is_relative_to(root.resolve()) and not folder.is_relative_to(checkout.common()):
        raise ForeignHook(
            f"core.hooksPath points outside this repository, to {folder}; nothing is written there. "
            'Fix: add this line to its pre-push: exec local/gate hooks pre-push "$@"'
        )
    return folder / "pre-push"


def _is_ours(file: Path) -> bool:
    return OURS in file.read_text(encoding="utf-8", errors="replace")
