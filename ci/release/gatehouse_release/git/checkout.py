"""Git in a developer's checkout: what differs from a revision, and the tree that the files at hand would be.

Reads only: no file, no index and no object of the repository is written. The remote's branches are another module's.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# The texts that are compared, not only named: what they say decides what they affect.
COMPARED = ("pyproject.toml", "uv.lock")
ZEROS = frozenset({"0" * 40, "0" * 64})


class GitError(Exception):
    """Git refuses; the message has its words and, where we know it, the fix."""


@dataclass(frozen=True)
class ChangedPaths:
    """The paths that differ between `base` and the files at hand, and COMPARED's texts before. No base: all is new."""

    base: str | None
    paths: tuple[str, ...] = ()
    before: Mapping[str, str | None] = field(default_factory=dict)


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

    def base(self, revision: str | None = None) -> str | None:
        """The commit to compare with: where HEAD left `revision`, or else origin's main; None: compare with nothing.

        Raises GitError when a revision is given that isn't known here.
        """
        if revision in ZEROS:  # how GitHub says that a branch is new
            return None
        known = self.commit(revision) if revision else self._main()
        if revision and known is None:
            raise GitError(
                f"{revision} isn't known in this checkout. Fix: git fetch (a workflow checks out with fetch-depth: 0)"
            )
        if known is None or self.commit("HEAD") is None:
            return None
        try:
            return self.git("merge-base", known, "HEAD")
        except GitError:  # no common history
            return known

    def _main(self) -> str | None:
        for name in ("origin/HEAD", "origin/main"):
            if found := self.commit(name):
                return found
        branch = self.git("branch", "--show-current")
        return None if branch == "main" else self.commit("main")

    def changes(self, base: str | None) -> ChangedPaths:
        """What differs between a commit and the files at hand, those that git doesn't know yet included."""
        if base is None:
            return ChangedPaths(None)
        known = self.git("diff", "--name-only", "--no-renames", "-z", "--end-of-options", base)
        new = self.git("ls-files", "--others", "--exclude-standard", "-z")
        paths = sorted({path for path in (known + "\0" + new).split("\0") if path})
        return ChangedPaths(base, tuple(paths), {path: self.text(base, path) for path in COMPARED if path in paths})

    def text(self, revision: str, path: str) -> str | None:
        """A file at a revision; None where it isn't there."""
        try:
            return self.git("show", f"{revision}:{path}")
        except GitError:
            return None

    def tree(self) -> str:
        """The tree that a commit of every file at hand (but those ignored) would have."""
        objects = Path(self.root, self.git("rev-parse", "--git-path", "objects")).resolve()
        index = Path(self.root, self.git("rev-parse", "--git-path", "index"))
        with tempfile.TemporaryDirectory(prefix="gate-tree-") as scratch:
            if index.exists():  # its notes on the files spare reading those that didn't change
                shutil.copy2(index, Path(scratch, "index"))
            others = os.environ.get("GIT_ALTERNATE_OBJECT_DIRECTORIES")
            env = {
                "GIT_INDEX_FILE": str(Path(scratch, "index")),
                "GIT_OBJECT_DIRECTORY": str(Path(scratch, "objects")),
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.pathsep.join([str(objects), *([others] if others else [])]),
            }
            Path(scratch, "objects").mkdir()
            self.git("add", "--all", ".", env=env)
            return self.git("write-tree", env=env)

    def tree_of(self, revision: str) -> str:
        return self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{tree}}")

    def common(self) -> Path:
        """The folder of git that all work trees of this repository share."""
        return Path(self.root, self.git("rev-parse", "--git-common-dir")).resolve()
