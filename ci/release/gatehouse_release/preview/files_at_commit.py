"""The repository's files as they were at a commit, for what must be run or read as a whole: configuration, a service.

Each commit is laid out once, in a folder that goes at the end.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any

from gatehouse_release.git.checkout import Checkout
from gatehouse_release.git.files import archived, lay_out
from gatehouse_release.ports import PortFailed

# A service is started as far as its routes; 20 s are a minute's worth of a busy machine.
STARTS_WITHIN_SECONDS = 60
# Runs in a process of its own, on the commit's own code: assembles the service, and prints what it says of itself.
DOCUMENT = """
import importlib, json, sys
from pathlib import Path
from gatehouse_catalog import load_catalog
try:
    from gatehouse_chassis import ServiceContext
    from gatehouse_chassis.http.openapi import described
except ImportError:  # released before the chassis had packages
    from gatehouse_chassis import Service as ServiceContext
    from gatehouse_chassis.describe import described
root, name = Path(sys.argv[1]), sys.argv[2]
catalog = load_catalog(root)
entry = catalog[name]
surroundings = {other.address_variable: "http://127.0.0.1:9" for other in catalog}
surroundings |= {f"GATEHOUSE_SECRET_{key.upper()}": "0" * 43 for key, one in entry.settings.items() if one.secret}
service = ServiceContext.load(entry.folder, {"GATEHOUSE_ENVIRONMENT": "local", **surroundings})
app = importlib.import_module(f"{entry.package}.app").create(service)
sys.stdout.write(json.dumps(described(app)))
"""


class NotKnown(Exception):
    """Something of a commit can't be found out; the message is the section's note."""


# Where members of the workspace are.
MEMBERS = ("services/*/pyproject.toml", "*/pyproject.toml", "ci/*/pyproject.toml")
Documents = MutableMapping[tuple[str, str], dict[str, Any]]


class DocumentFolder(Documents):
    """OpenAPI documents by (commit, service), kept in a folder: whoever builds can prepare what a preview compares."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __getitem__(self, key: tuple[str, str]) -> dict[str, Any]:
        try:
            return json.loads(self._file(key).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise KeyError(key) from None

    def __setitem__(self, key: tuple[str, str], document: dict[str, Any]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        new = self._file(key).with_suffix(f".{os.getpid()}.new")
        new.write_text(json.dumps(document), encoding="utf-8")
        new.replace(self._file(key))

    def __delitem__(self, key: tuple[str, str]) -> None:
        self._file(key).unlink(missing_ok=True)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for file in sorted(self._folder.glob("*.json")):
            commit, _, service = file.stem.partition("-")
            yield commit, service

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _file(self, key: tuple[str, str]) -> Path:
        return self._folder / f"{key[0]}-{key[1]}.json"


class Files:
    """`documents` may be kept for the next time: what a commit says never changes."""

    def __init__(self, checkout: Checkout, documents: Documents) -> None:
        self._checkout = checkout
        self._stack = contextlib.ExitStack()
        self._folders: dict[str, Path] = {}
        self._documents = documents

    def __enter__(self) -> "Files":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def at(self, commit: str) -> Path:
        """All files of a commit. Raises NotKnown."""
        if not commit:
            raise NotKnown("the release doesn't say from which commit it was built")
        if commit not in self._folders:
            self._folders[commit] = self._laid_out(commit)
        return self._folders[commit]

    def toml(self, commit: str, service: str) -> dict[str, Any] | None:
        """A service's own service.toml at a commit; None where it had none yet. Raises NotKnown."""
        if not commit:
            raise NotKnown("the release doesn't say from which commit it was built")
        if self._checkout.commit(commit) is None:
            raise NotKnown(f"{commit[:12]} isn't known here. Fix: git fetch (a workflow: fetch-depth 0)")
        text = self._checkout.text(commit, f"services/{service}/service.toml")
        try:
            return tomllib.loads(text) if text is not None else None
        except tomllib.TOMLDecodeError as error:
            raise NotKnown(f"service.toml at {commit[:12]} can't be read: {error}") from error

    def document(self, commit: str, service: str) -> dict[str, Any]:
        """The OpenAPI document that the service gives at a commit: its own code, with today's libraries."""
        key = (commit, service)
        if key not in self._documents:
            self._documents[key] = self._document(self.at(commit), commit, service)
        return self._documents[key]

    def same(self, before: str, after: str, *paths: str) -> bool:
        """Whether nothing below these paths differs between two commits."""
        return not self._checkout.git("diff", "--name-only", before, after, "--", *paths)

    def _laid_out(self, commit: str) -> Path:
        try:
            content = archived(self._checkout, commit)
        except PortFailed as error:
            raise NotKnown(str(error)) from error
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="gate-preview-")))
        lay_out(content, folder)
        return folder

    def _document(self, root: Path, commit: str, service: str) -> dict[str, Any]:
        members = [file for pattern in MEMBERS for file in sorted(root.glob(pattern))]
        path = os.pathsep.join(str(member.parent) for member in members if member.parent.name != "platform")
        environ = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-c", DOCUMENT, str(root), service]
        try:
            done = subprocess.run(  # noqa: S603 - our own program
                command,
                cwd=root,
                env=environ,
                capture_output=True,
                text=True,
                check=False,
                timeout=STARTS_WITHIN_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise NotKnown(f"{service} at {commit[:12]} didn't say within {STARTS_WITHIN_SECONDS} s") from error
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise NotKnown(f"{service} at {commit[:12]} doesn't start with today's libraries: {last}")
        return json.loads(done.stdout)
