"""Lines of several logs in order of time, and the lines of one request through all services.

A line's time is the `timestamp` of a service's JSON, or the one that PostgreSQL begins a line with. A line without one
(a traceback, a print) keeps its place behind the line before it.
"""

import heapq
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from gatehouse_local.runner.logs import previous

NamedLine = tuple[str, str]
"""The log's name and the line."""

_TIME = re.compile(r'"timestamp":"([^"]{19,35})"|^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) UTC')
_TRACE = re.compile(rb'"trace_id":"([0-9a-f]{32})"')
_HEX = re.compile(r"[0-9a-f]{8,32}")
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
    contents = {name: _whole(path) for name, path in paths.items()}
    traces = _traces(contents.values(), identifier)
    found = {name: _lines_with(data, traces) for name, data in contents.items()}
    return list(in_order(found))


def _traces(contents: Iterable[bytes], identifier: str) -> set[bytes]:
    """The trace ids of all lines that have the identifier as their request id or trace id."""
    digits = identifier.strip().lower().replace("-", "")
    if not _HEX.fullmatch(digits):
        raise NoRequestId(f"{identifier!r} is no request id or trace id: give 8 to 32 hexadecimal digits of one.")
    request = "-".join(filter(None, (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])))
    starts = [f'"trace_id":"{digits}'.encode(), f'"request_id":"{request}'.encode()]
    lines = (line for data in contents for start in starts for line in _raw_lines_with(data, start))
    return {match[1] for line in lines if (match := _TRACE.search(line))}


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
