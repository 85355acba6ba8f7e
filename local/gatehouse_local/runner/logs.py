"""Per-service logs: the last lines in memory, and size-bounded files in `.gate/logs`.

Not a logging library: it stores the bytes that a process prints, line by line.
"""

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

# Bytes of a file; with the previous one, twice that is kept: a day of a service that gets a request a second.
FILE_LIMIT = 16 * 1024 * 1024
LINE_LIMIT = 16 * 1024  # bytes; a longer line is cut, so that a runaway print can't fill the memory


class Lines:
    """Splits chunks of bytes into lines of text; an unfinished line waits for the next chunk."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[str]:
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > LINE_LIMIT:
            whole.append(self._rest)
            self._rest = b""
        return [_text(line) for line in whole]

    def end(self) -> list[str]:
        rest, self._rest = self._rest, b""
        return [_text(rest)] if rest else []


def _text(line: bytes) -> str:
    return line[:LINE_LIMIT].rstrip(b"\r").decode("utf-8", "replace")


class Log:
    """The log of one resource. If the disk is full, only the file stops, and `trouble` reports it once."""

    def __init__(self, path: Path | None, *, remembered: int = 200, limit: int = FILE_LIMIT) -> None:
        self._path, self._limit = path, limit
        self._recent: deque[str] = deque(maxlen=remembered)
        self._file = None
        self._size = 0
        self.trouble: str | None = None
        if path is not None:
            self._guarded(self._open)

    def write(self, lines: list[str]) -> None:
        self._recent.extend(lines)
        if self._file is not None and lines:
            self._guarded(lambda: self._append("".join(line + "\n" for line in lines).encode()))

    def begin(self) -> None:
        """A new process starts: `last` returns nothing from before."""
        self._recent.clear()

    def last(self, count: int) -> list[str]:
        return list(self._recent)[-count:]

    def close(self) -> None:
        if self._file is not None:
            self._guarded(self._file.close)
            self._file = None

    def _open(self) -> None:
        assert self._path is not None
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("ab", buffering=0)
        self._size = self._file.tell()

    def _append(self, data: bytes) -> None:
        assert self._file is not None
        assert self._path is not None
        if self._size and self._size + len(data) > self._limit:
            self._file.close()
            self._path.replace(previous(self._path))
            self._open()
        self._size += self._file.write(data)

    def _guarded(self, act) -> None:
        try:
            act()
        except OSError as error:
            self._file = None
            self.trouble = (
                f"{self._path} can't be written ({error.strerror}); the log continues in memory only. "
                "Free some space, then run `gate down` and `gate up`."
            )


def previous(path: Path) -> Path:
    """The file with the older half of a log."""
    return path.with_name(path.name + ".1")


def tail(path: Path, count: int) -> list[str]:
    """The last `count` lines of a log, oldest first; empty if it doesn't exist."""
    lines: list[str] = []
    for file in (path, previous(path)):
        if len(lines) < count and file.is_file():
            lines = file.read_text("utf-8", "replace").splitlines()[len(lines) - count :] + lines
    return lines[-count:] if count else []


def follow_files(paths: dict[str, Path], *, every: float = 0.1) -> Iterator[tuple[str, str]]:
    """(name, line) for each line added from now on, without end; follows rotated files and waits for missing ones."""
    position = {name: _end(path) for name, path in paths.items()}
    lines = {name: Lines() for name in paths}
    while True:
        quiet = True
        for name, path in paths.items():
            for line in _added(path, name, position, lines[name]):
                quiet = False
                yield name, line
        if quiet:
            time.sleep(every)


def _end(path: Path) -> tuple[int, int]:
    """(inode, size): where to continue reading."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return 0, 0
    return stat.st_ino, stat.st_size


def _added(path: Path, name: str, position: dict[str, tuple[int, int]], lines: Lines) -> list[str]:
    inode, size = _end(path)
    seen_inode, seen = position[name]
    if (inode, size) == (seen_inode, seen):
        return []
    added: list[str] = []
    if inode != seen_inode:
        older = previous(path)
        if seen_inode and _end(older)[0] == seen_inode:
            added += lines.feed(_read(older, seen))
        seen = 0
    data = _read(path, seen)
    position[name] = inode, seen + len(data)
    return added + lines.feed(data)


def _read(path: Path, start: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read()
    except FileNotFoundError:
        return b""
