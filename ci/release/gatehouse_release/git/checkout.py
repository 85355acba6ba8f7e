"""Git in a checkout: commits, files at a revision, and git's own folder.

Reads only. The remote's main is repository.py's; what a developer has changed is gatehouse_ci.affected.working_tree's.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path


class GitError(Exception):
    """Git refuses; the message has its words and, where we know it, the fix."""


class Checkout:
    """A working tree of git."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *words: str, env: Mapping[str, str] | None = None, text: str | None = None) -> str:
        """What git prints. Raises GitError with its words."""
        done = subprocess.run(  # noqa: S603 - git
            ["git", *words],  # noqa: S607 - the one on PATH
            cwd=self.root,
            env={**os.environ, "LC_ALL": "C", **(env or {})},
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise GitError(f"git {' '.join(words[:2])}: {done.stderr.strip() or f'exit code {done.returncode}'}")
        return done.stdout.rstrip("\n")

    def commit(self, revision: str) -> str | None:
        """The commit that a revision means; None where it isn't known here."""
        try:
            return self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        except GitError:
            return None

    def has(self, revision: str, other: str) -> bool:
        """Whether the history of `revision` has `other` behind it, and isn't just that."""
        if self.commit(revision) == self.commit(other):
            return False
        try:
            self.git("merge-base", "--is-ancestor", other, revision)
        except GitError:
            return False
        return True

    def text(self, revision: str, path: str) -> str | None:
        """A file at a revision; None where it isn't there."""
        try:
            return self.git("show", f"{revision}:{path}")
        except GitError:
            return None

    def common(self) -> Path:
        """The folder of git that all work trees of this repository share."""
        return Path(self.root, self.git("rev-parse", "--git-common-dir")).resolve()
