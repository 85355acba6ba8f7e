"""Lines of several logs in order of time, and the lines of one request through all services.

A line's time is the `timestamp` of a service's JSON, or the one that PostgreSQL begins a line with. A line without one
(a traceback, a print) keeps its place behind the line before it.
"""

import heapq
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from gatehouse_local.runner.logs import previous

NamedLine = tuple[str, str]
"""The log's name and the line."""

_TIME = re.compile(r'"timestamp":"([^"]{19,35})"|^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) UTC')
_TRACE = re.compile(rb'"trace_id":"([0-9a-f]{32})"')
_HEX = re.compile(r"[0-9a-f]{8,32}")
# Around the time at which an id was made: clocks of one machine agree, and a request ends within a minute, but who
# follows an event comes later with its trace.
EARLIER, LATER = timedelta(minutes=1), timedelta(minutes=30)
EPOCH, EPOCH_ENDS = 1_577_836_800, 4_102_444_800  # 2020 and 2100, in Unix seconds
PART = 64 * 1024  # bytes that are read rather than halved
_EARLIEST = datetime.min.replace(tzinfo=UTC)


class NoRequestId(ValueError):
    """The text can't be a request id or a trace id."""


def in_order(logs: Mapping[str, Iterable[str]]) -> Iterator[NamedLine]:
    """The lines of all logs by time; each log's own lines stay in their order."""
    for _, name, line in heapq.merge(
        *(_timed(name, lines) for name, lines in logs.items()), key=lambda entry: entry[0]
    ):
        yield name, line


def of_request(paths: Mapping[str, Path], identifier: str) -> list[NamedLine]:
    """The lines of a request in all logs, by time.

    Args:
        paths: Log files by name; the older half of each is searched too.
        identifier: A request id (an error page and `X-Request-Id` show it) or a trace id, or its first 8 characters or
            more. A request id also finds the calls that the request led to, as they have its trace id.

    Raises:
        NoRequestId: The identifier isn't hexadecimal digits and dashes, or is too short.
    """
    digits = _digits(identifier)
    made = _made_at(digits)
    if made is not None:
        near = _found({name: _between(path, made - EARLIER, made + LATER) for name, path in paths.items()}, digits)
        if near:
            return near
    if len(digits) == 32:  # one log after the other, which is twice as quick: mostly it is a trace id
        traced = list(in_order({name: _lines_with(_whole(path), {digits.encode()}) for name, path in paths.items()}))
        if traced:
            return traced
    return _found({name: _whole(path) for name, path in paths.items()}, digits)


def _found(contents: Mapping[str, bytes], digits: str) -> list[NamedLine]:
    traces = _traces(contents.values(), digits)
    found = {name: _lines_with(data, traces) for name, data in contents.items()}
    return list(in_order(found))


def _digits(identifier: str) -> str:
    digits = identifier.strip().lower().replace("-", "")
    if not _HEX.fullmatch(digits):
        raise NoRequestId(f"{identifier!r} is no request id or trace id: give 8 to 32 hexadecimal digits of one.")
    return digits


def _made_at(digits: str) -> datetime | None:
    """When an id of ours was made: it begins with the milliseconds (UUIDv7). None for a caller's, or part of one."""
    if len(digits) < 13 or digits[12] != "7":
        return None
    made = int(digits[:12], 16) / 1000
    return datetime.fromtimestamp(made, UTC) if EPOCH < made < EPOCH_ENDS else None


def _traces(contents: Iterable[bytes], digits: str) -> set[bytes]:
    """The trace ids of all lines that have the identifier as their request id or trace id."""
    request = "-".join(filter(None, (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])))
    starts = [f'"trace_id":"{digits}'.encode(), f'"request_id":"{request}'.encode()]
    found = set()
    for data in contents:
        for start in starts:
            for line in _raw_lines_with(data, start):
                if match := _TRACE.search(line):
                    found.add(match[1])
                    if len(digits) == 32:  # a whole id has one trace, and a day of logs is long
                        return found
    return found


def _lines_with(data: bytes, traces: set[bytes]) -> list[str]:
    places = {place: line for trace in traces for place, line in _places(data, b'"trace_id":"%s"' % trace)}
    return [places[place].decode("utf-8", "replace") for place in sorted(places)]


def _raw_lines_with(data: bytes, text: bytes) -> Iterator[bytes]:
    return (line for _, line in _places(data, text))


def _places(data: bytes, text: bytes) -> Iterator[tuple[int, bytes]]:
    """Where each line with the text begins, and the line."""
    at = data.find(text)
    while at >= 0:
        begin = data.rfind(b"\n", 0, at) + 1
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        yield begin, data[begin:end]
        at = data.find(text, end)


def _between(path: Path, start: datetime, end: datetime) -> bytes:
    """The lines of that time, found by halving: a log is in order of time."""
    parts = []
    for file in (previous(path), path):
        if file.is_file():
            with file.open("rb") as log:
                first, last = _place(log, start)[0], _place(log, end)[1]
                log.seek(last)
                log.readline()  # to the end of that line
                last = log.tell()
                log.seek(first)
                parts.append(log.read(last - first))
    return b"".join(parts)


def _place(log: BinaryIO, at: datetime) -> tuple[int, int]:
    """Between which places the first line that isn't earlier begins."""
    low, high = 0, log.seek(0, 2)
    while high - low > PART:
        middle = (low + high) // 2
        log.seek(middle)
        log.readline()  # the rest of a line
        begins, time = log.tell(), None
        while time is None and log.tell() < high and (line := log.readline()):
            time = _time(line.decode("utf-8", "replace"))
        if time is None or time >= at:
            high = middle
        else:
            low = begins
    return low, high


def _whole(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in (previous(path), path) if file.is_file())


def _timed(name: str, lines: Iterable[str]) -> Iterator[tuple[datetime, str, str]]:
    latest = _EARLIEST
    for line in lines:
        latest = max(latest, _time(line) or latest)
        yield latest, name, line


def _time(line: str) -> datetime | None:
    if (match := _TIME.search(line)) is None:
        return None
    try:
        time = datetime.fromisoformat(match[1] or match[2])
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
