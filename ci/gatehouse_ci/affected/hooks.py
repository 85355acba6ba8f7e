"""The pre-push hook: refuses a commit whose tree has no receipt of `gate check`. It is a courtesy; CI is the authority.

What the remote has already needs none, and neither does deleting a branch.
"""

import os
import stat
from pathlib import Path

from gatehouse_ci.affected.receipts import find
from gatehouse_ci.affected.working_tree import ZEROS, GitError, WorkingTree

OURS = "# Written by `gate hooks install`; `gate hooks remove` takes it away."
SCRIPT = f"""#!/bin/sh
{OURS}
# Refuses to push what `gate check` hasn't found good. To push all the same: git push --no-verify
exec "$(git rev-parse --show-toplevel)/local/gate" hooks pre-push "$@"
"""
CHECKED_REFS = ("refs/heads/", "refs/tags/")


class ForeignHook(Exception):
    """There is a hook that we didn't write."""


def install(root: Path) -> str:
    """Writes the hook; raises ForeignHook when one stands there that isn't ours. Gives what to tell."""
    file = _file(root)
    if file.exists() and not _is_ours(file):
        raise ForeignHook(
            f"{file} is there already, and isn't ours: it stays as it is. "
            f'Fix: add this line to it: exec local/gate hooks pre-push "$@"; or move it away and try again.'
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f".pre-push.{os.getpid()}")
    new.write_text(SCRIPT, encoding="utf-8")
    new.chmod(new.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    new.replace(file)
    return f"Installed {file}: a push needs a receipt of gate check now. To take it away: gate hooks remove"


def remove(root: Path) -> str:
    """Removes the hook if it is ours; raises ForeignHook otherwise. Gives what to tell."""
    file = _file(root)
    if not file.exists():
        return f"There is no hook: {file}"
    if not _is_ours(file):
        raise ForeignHook(f"{file} isn't ours: it stays as it is. Fix: remove it by hand, if you know what it does.")
    file.unlink()
    return f"Removed {file}"


def refusals(root: Path, remote: str, pushed: str) -> list[str]:
    """Why a push is refused, one sentence a reference; `pushed` is what git tells a pre-push hook (githooks(5))."""
    checkout = WorkingTree(root)
    found = []
    for line in pushed.splitlines():
        local, commit, theirs, _ = line.split(" ")
        if commit in ZEROS or not theirs.startswith(CHECKED_REFS) or _there_already(checkout, remote, commit):
            continue
        if why := _missing(checkout, remote, commit):
            found.append(f"{local} isn't pushed to {remote}: {why}")
    return found


def _missing(checkout: WorkingTree, remote: str, commit: str) -> str | None:
    """What keeps a commit from being pushed; None: nothing."""
    tree = checkout.tree_of(commit)
    receipt = find(checkout, tree)
    again = "gate check, then push again. (Not as committed: files that differ from the commit give another receipt.)"
    if receipt is None:
        return f"gate check hasn't found commit {commit[:12]} good (tree {tree[:12]} has no receipt). Fix: {again}"
    if receipt.base and not _there_already(checkout, remote, receipt.base):
        return (
            f"commit {commit[:12]} was only checked for what differs from {receipt.base[:12]}, which {remote} doesn't "
            "have. Fix: gate check --all, then push again."
        )
    return None


def _there_already(checkout: WorkingTree, remote: str, commit: str) -> bool:
    """Whether a branch of the remote, as far as we know it, has the commit."""
    try:
        return bool(checkout.git("for-each-ref", "--count=1", f"--contains={commit}", f"refs/remotes/{remote}"))
    except GitError:  # a commit that isn't here
        return False


def _file(root: Path) -> Path:
    """Where git looks for it: honours core.hooksPath, as long as that is the repository's own."""
    checkout = WorkingTree(root)
    folder = Path(root, checkout.git("rev-parse", "--git-path", "hooks")).resolve()
    if not folder.is_relative_to(root.resolve()) and not folder.is_relative_to(checkout.common()):
        raise ForeignHook(
            f"core.hooksPath leads out of this repository, to {folder}: nothing is written there. "
            'Fix: add this line to its pre-push: exec local/gate hooks pre-push "$@"'
        )
    return folder / "pre-push"


def _is_ours(file: Path) -> bool:
    return OURS in file.read_text(encoding="utf-8", errors="replace")
