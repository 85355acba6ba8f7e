"""`gate bench delivery`: how long the decision takes what a change affects, in this repository.

The peer is the plain way to the same digests: `uv export --package` for every member, before and after.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from harness import Figure, show, timed

from gatehouse_ci.affected.uv_lock import Lock
from gatehouse_release.testing.checkout import commit, copied, write

ROOT = Path(__file__).parents[2]
ROUNDS = 5
CODE = "services/person/gatehouse_person/person/routes.py"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="gate-bench-") as scratch:
        root = Path(scratch) / "gatehouse"
        git = copied(ROOT, root)
        text = (root / "uv.lock").read_text()
        members = Lock(text).members
        for member in members.values():
            write(root / member.folder / "pyproject.toml", (ROOT / member.folder / "pyproject.toml").read_text())
        commit(git, "Members")
        commit(git, "Another lock and some code", **{"uv.lock": f"{text}\n", CODE: "x = 1\n"})
        affected = [sys.executable, "-m", "gatehouse_local.gate", "--root", str(root), "affected", "--base", "HEAD~1"]
        code = min(timed(lambda: run(affected, root)) for _ in range(ROUNDS))
        everything = min(timed(lambda: run([*affected[:-2], "--all"], root)) for _ in range(ROUNDS))
        digests = min(timed(lambda: all_digests(text)) for _ in range(ROUNDS))
        peer = min(timed(lambda: all_exports(root, members)) for _ in range(ROUNDS))
    show(
        "Delivery: where we stand",
        [
            Figure("gate affected, code and lock changed", f"{code:.2f} s", "<= 2 s", code <= 2),
            Figure("gate affected --all", f"{everything:.2f} s", "<= 2 s", everything <= 2),
            Figure("resolved packages of all members", f"{digests:.2f} s", "", None),
            Figure("the same by uv export", f"{peer:.2f} s: {peer / digests:.1f} times", ">= 1", peer >= digests),
        ],
    )


def run(command: list[str], root: Path) -> None:
    subprocess.run(command, cwd=root, check=True, capture_output=True)


def all_digests(text: str) -> None:
    lock = Lock(text)
    for name in lock.members:
        lock.digest(name)


def all_exports(root: Path, members: Iterable[str]) -> None:
    for name in members:
        run(["uv", "export", "--quiet", "--frozen", "--offline", "--package", name], root)


if __name__ == "__main__":
    main()
