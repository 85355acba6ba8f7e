"""What a developer's working tree holds: the paths that differ from a revision, and the tree its files would make.

Reads only: no file, index or object of the repository is written. It is here and not in gatehouse_release because a
promotion reads commits alone; `gate affected`, the hooks and `gate check` (local) read the files at hand.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gatehouse_release.git.checkout import Checkout, GitError

__all__ = ["COMPARED", "ZEROS", "ChangedPaths", "GitError", "WorkingTree"]

# The texts that are compared, not only named: what they say decides what they affect.
COMPARED = ("pyproject.toml", "uv.lock")
ZEROS = frozenset({"0" * 40, "0" * 64})


@dataclass(frozen=True)
class ChangedPaths:
    """The paths that differ between `base` and the files at hand, and COMPARED's texts before. No base: all is new."""

    base: str | None
    paths: tuple[str, ...] = ()
    before: Mapping[str, str | None] = field(default_factory=dict)


class WorkingTree(Checkout):
    """A checkout with the files at hand, committed or not."""

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
