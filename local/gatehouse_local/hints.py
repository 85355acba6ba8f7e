"""Makes the commands that messages name ones that the reader can type.

Messages of all parts say `gate up` and `./local/up`. Whether `gate` is on the reader's PATH, and where the checkout is
seen from their folder, only the process knows that talks to them: it rewrites what it prints.
"""

import io
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path


def gate_here(root: Path, caller: Path, path: str | None = None) -> str:
    """How `gate` of the checkout `root` is called from the folder `caller`; quoted for a shell.

    `path` is searched like PATH (default: the environment's).
    """
    door = root / "local" / "gate"
    found = shutil.which("gate", path=path)
    if found and Path(found).resolve() in {door.resolve(), (root / ".venv" / "bin" / "gate").resolve()}:
        return "gate"
    if not door.is_file():
        return "gate"  # installed without a checkout, as in an image
    relative = os.path.relpath(door, caller)
    if not relative.startswith(".."):
        relative = f"./{relative}"
    return shlex.quote(min(relative, str(door), key=len))


class Hints:
    """Rewrites the commands in a text."""

    def __init__(self, gate: str, commands: Iterable[str]) -> None:
        self._gate = gate
        self._folder = "./local/" if gate == "gate" else gate.removesuffix("'").removesuffix("gate")
        self._quote = "'" if gate.endswith("'") else ""
        names = "|".join(sorted(map(re.escape, commands)))
        # After a colour's escape sequence, or anything that isn't part of a path or word.
        self._bare = re.compile(rf"(^|[^\w./-]|\x1b\[[\d;]*m)gate(?= (?:--debug |\[OPTIONS\]|(?:{names})\b))", re.M)
        self._doors = re.compile(r"(?<![\w./-])\./local/(up|test|gate)\b(?!/)")

    def rewrite(self, text: str) -> str:
        if "gate" not in text and "./local/" not in text:
            return text
        text = self._doors.sub(lambda match: f"{self._folder}{match[1]}{self._quote}", text)
        return self._bare.sub(lambda match: f"{match[1]}{self._gate}", text)


class _Rewriting(io.TextIOWrapper):
    """A text stream that rewrites what is written to it."""

    def __init__(self, stream: io.TextIOWrapper, hints: Hints) -> None:
        super().__init__(
            stream.buffer,
            encoding=stream.encoding,
            errors=stream.errors,
            line_buffering=stream.line_buffering,
            write_through=stream.write_through,
        )
        self._hints = hints

    def write(self, text: str, /) -> int:
        super().write(self._hints.rewrite(text))
        return len(text)


def install(root: Path, commands: Iterable[str]) -> None:
    """From now on, what this process prints names commands as the caller can type them."""
    hints = Hints(gate_here(root, Path.cwd()), commands)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if type(stream) is io.TextIOWrapper:  # a test's capture is left alone
            stream.flush()
            setattr(sys, name, _Rewriting(stream, hints))
