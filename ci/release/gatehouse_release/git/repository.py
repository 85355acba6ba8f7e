"""The repository port: the real git against a remote, in a private bare clone. It never touches anybody's checkout.

One commit a push, on top of the head that was read; a rejected push is told to the caller, who decides anew. Nothing is
forced. A crash may leave lock files in the clone: the next run, which has the clone for itself, clears them.
"""

import fcntl
import os
import random
import re
import subprocess
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from gatehouse_release.model import Requester
from gatehouse_release.ports import Moved, PortFailed, Tree
from gatehouse_release.records import one_line
from gatehouse_release.state import removed_releases

# Read of every revision: what stack files, policy and records say, and which services there are.
FOLDERS = ("stacks", "services")
COMMIT = re.compile(r"^[0-9a-f]{7,64}$")
HEAD = "refs/gatehouse/head"
NEXT = "refs/gatehouse/next"
# A remote that refuses though its main stands still: a race inside it, or a rule. The former passes.
TRIES = 8
FIRST_PAUSE_SECONDS = 0.02
FINAL = ("protected branch", "GH006", "GH013", "Permission denied", "Authentication failed", "not found")
TIMEOUT_SECONDS = 120
# Set by git for its hooks, and meant for the checkout that the hook runs in.
OTHERS = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"}


class GitRepository:
    """`remote` is whatever git can push to; `work` is the clone's folder, which is made when it isn't there.

    `extra` gives what goes into git's environment: how to sign in, with a token that may be another one later.
    """

    def __init__(
        self, remote: str, work: Path, branch: str = "main", *, extra: Callable[[], Mapping[str, str]] = dict
    ) -> None:
        self.extra = extra
        self.remote = remote
        self.work = work
        self.branch = branch
        self._last: tuple[str, Tree] = ("", {})
        self._texts: dict[str, str] = {}  # by blob: a blob never changes

    def read(self) -> tuple[str, Tree]:
        with self._alone() as lock:
            head = self._fetch(lock)
            if head != self._last[0]:
                self._last = head, self._tree(head, lock)
            return self._last

    def contains(self, commit: str, other: str) -> bool | None:
        """Knows the commits of main, and what they were made from."""
        with self._alone() as lock:
            words = ("merge-base", "--is-ancestor", "--end-of-options", other, commit)
            return {0: True, 1: False}.get(self._git(*words, lock=lock, check=False).returncode)

    @contextmanager
    def turn(self, what: str) -> Generator[None]:
        self.work.mkdir(parents=True, exist_ok=True)
        with (self.work / f"{what}.turn").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def tree(self, revision: str) -> Tree:
        """The texts at a revision that was fetched before."""
        with self._alone() as lock:
            return self._tree(revision, lock)

    def push(self, revision: str, edits: Mapping[str, str | None], message: str, actor: Requester) -> str:
        with self._alone() as lock:
            self._refuse_moved(revision, self._fetch(lock))  # a tenth of what a push that fails costs
            commit = self._commit(revision, edits, message, actor, lock)
            for attempt in range(TRIES):
                target = f"{commit}:refs/heads/{self.branch}"
                pushed = self._git("push", "--quiet", "--no-verify", self.remote, target, lock=lock, check=False)
                if pushed.returncode == 0:
                    return commit
                # Whatever it said: what counts is where main is now. The answer to a push that arrived may be lost.
                head = self._fetch(lock)
                if head != revision and self._contains(head, commit, lock):
                    return commit
                self._refuse_moved(revision, head)
                if any(word in _text(pushed.stderr) for word in FINAL):
                    break
                time.sleep(random.uniform(0, FIRST_PAUSE_SECONDS * 2**attempt))  # noqa: S311 - jitter
            said = one_line(_text(pushed.stderr))
            raise PortFailed(f"{self.remote} refuses a push to {self.branch}: {said[:400]} Nothing was changed.")

    @contextmanager
    def _alone(self) -> Generator[int]:
        """The clone for this process alone. Children inherit the lock, so that it outlives us as long as they do."""
        self.work.mkdir(parents=True, exist_ok=True)
        with (self.work / "gatehouse.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            lock = file.fileno()
            if not (self.work / "gatehouse.ready").exists():
                self._git("init", "--quiet", "--bare", ".", lock=lock)
                (self.work / "gatehouse.ready").touch()
            for stale in (*self.work.glob("*.lock"), *(self.work / "refs").rglob("*.lock")):
                if stale.name != "gatehouse.lock":
                    stale.unlink(missing_ok=True)
            yield lock

    def _fetch(self, lock: int) -> str:
        source = f"+refs/heads/{self.branch}:{HEAD}"
        self._git("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", self.remote, source, lock=lock)
        return (self.work / HEAD).read_text().strip()

    def _refuse_moved(self, revision: str, head: str) -> None:
        if head != revision:
            raise Moved(f"main went on from {revision[:12]} to {head[:12]}")

    def _contains(self, head: str, commit: str, lock: int) -> bool:
        return self._git("merge-base", "--is-ancestor", commit, head, lock=lock, check=False).returncode == 0

    def _tree(self, revision: str, lock: int) -> Tree:
        listed = _text(self._git("ls-tree", "-r", "-z", revision, *FOLDERS, lock=lock).stdout)
        blobs = {}
        for line in filter(None, listed.split("\0")):
            kind, path = line.split("\t", 1)
            if path.startswith("stacks/") or path.endswith("/service.toml"):
                blobs[path] = kind.split()[2]
        self._load({blob for blob in blobs.values() if blob not in self._texts}, lock)
        texts = {path: self._texts[blob] for path, blob in blobs.items()}
        return texts | self._removed(texts, lock)

    def _removed(self, texts: Tree, lock: int) -> dict[str, str]:
        """The service.toml of released services that have left the catalog, as their release's commit has it."""
        found = {}
        for path, release in removed_releases(texts):
            place = f"{release.commit}:services/{path.split('/')[2]}/service.toml"
            if COMMIT.match(release.commit):
                shown = self._git("cat-file", "blob", place, lock=lock, check=False)
                found |= {path: _text(shown.stdout)} if shown.returncode == 0 else {}
        return found

    def _load(self, blobs: set[str], lock: int) -> None:
        if not blobs:
            return
        asked = "".join(f"{blob}\n" for blob in blobs).encode()
        answer = self._git("cat-file", "--batch", lock=lock, given=asked).stdout
        place = 0
        while place < len(answer):
            head_end = answer.index(b"\n", place)
            blob, _, size = answer[place:head_end].decode().split()
            end = head_end + 1 + int(size)
            self._texts[blob] = answer[head_end + 1 : end].decode("utf-8", "replace")
            place = end + 1

    def _commit(self, revision: str, edits: Mapping[str, str | None], message: str, actor: Requester, lock: int) -> str:
        """A commit with these edits on `revision`, in the clone. fast-import: one process, no index, no work tree."""
        name = one_line(actor.name).translate({ord(sign): None for sign in "<>"})
        mail = name if "@" in name else f"{name.replace(' ', '.')}@users.noreply.github.com"
        who = f"{name} <{mail}> {int(time.time())} +0000"
        lines = [f"commit {NEXT}", "mark :1", f"author {who}", f"committer {who}"]
        stream = "\n".join(lines).encode() + b"\n" + _data(message) + f"from {revision}\n".encode()
        for path, text in sorted(edits.items()):
            stream += f"D {path}\n".encode() if text is None else f"M 100644 inline {path}\n".encode() + _data(text)
        stream += b"\nget-mark :1\ndone\n"
        made = self._git("fast-import", "--quiet", "--force", "--done", lock=lock, given=stream)
        return _text(made.stdout).strip()

    def _git(
        self, *arguments: str, lock: int, given: bytes | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[bytes]:
        environment = {name: value for name, value in os.environ.items() if name not in OTHERS}
        environment |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **self.extra()}
        try:
            done = subprocess.run(  # noqa: S603 - git, with our own arguments
                ["git", *arguments],  # noqa: S607 - the git of the PATH is meant
                cwd=self.work,
                input=given if given is not None else b"",
                capture_output=True,
                env=environment,
                pass_fds=(lock,),
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
        except (subprocess.TimeoutExpired, FileNotFoundError) as error:
            raise PortFailed(f"git {arguments[0]} at {self.remote}: {error}") from None
        if check and done.returncode:
            said = one_line(_text(done.stderr))
            raise PortFailed(f"git {arguments[0]} at {self.remote} ended with {done.returncode}: {said[:400]}")
        return done


def _data(text: str) -> bytes:
    raw = text.encode()
    return f"data {len(raw)}\n".encode() + raw + b"\n"


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
