"""The database's configuration where a branch left main. Dev has applied it: a version's content must not change.

`gate check` compares with it, as an environment would refuse the change only after the merge.
"""

import contextlib
import tempfile
from collections.abc import Generator
from pathlib import Path

from gatehouse_ci.affected.working_tree import WorkingTree
from gatehouse_release.git.files import archived, lay_out

# What `gate db check` reads of a checkout.
READ = ("services", "db-manager")


@contextlib.contextmanager
def landed_database(checkout: WorkingTree, base: str | None) -> Generator[Path | None]:
    """A folder with what the commit `base` says of the database, removed at the end; None without a commit."""
    if base is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="gate-landed-") as scratch:
        there = [name for name in READ if checkout.git("ls-tree", base, name)]
        if there:
            lay_out(archived(checkout, base, *there), Path(scratch))
        yield Path(scratch)
