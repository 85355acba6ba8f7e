"""A copy of a checkout's files, for tests that change them or run from another folder."""

import shutil
import subprocess
from pathlib import Path


def copy_working_tree(root: Path, folder: Path) -> None:
    """Copies the files of the checkout `root`, with what isn't committed yet and without what git ignores."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)  # noqa: S603 - git's, our words
    for name in filter(None, listed.stdout.split("\0")):
        if (root / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, folder / name)
