"""`gate db serve`: a read-only HTTP view of one database.

It serves a few answers for probes and people, so http.server's threads suffice. The configuration is read once at the
start: in a database image it never changes.
"""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import Any, cast

import msgspec

from gatehouse_db_manager import api
from gatehouse_db_manager.config.model import Configuration
from gatehouse_db_manager.database.address import Address
from gatehouse_db_manager.errors import DbManagerError

# Seconds. Probes ask every few seconds, scrapers every 15; planning for each would load the database.
MAX_AGE = 2.0
PATHS = ("/versions", "/runs", "/health", "/health/live", "/health/ready", "/metrics")
_VERSIONS = b"""
select schema, collection, version, digest, applied_at::text from dbm.collection_version
where schema = any(%s) order by schema, collection
"""
_RUNS = b"""
select r.id, r.schema, r.state, r.environment, r.fingerprint, r.started_at::text, r.ended_at::text, r.error,
    coalesce(jsonb_agg(jsonb_build_object('position', s.position, 'collection', s.collection, 'what', s.what,
        'state', s.state, 'attempts', s.attempts, 'started_at', s.started_at, 'ended_at', s.ended_at, 'error', s.error)
        order by s.position) filter (where s.run is not null), '[]')
from (select * from dbm.run where schema = any(%s) order by id desc limit 50) r left join dbm.step s on s.run = r.id
group by r.id, r.schema, r.state, r.environment, r.fingerprint, r.started_at, r.ended_at, r.error order by r.id desc
"""
_SUMMARY = b"""
select schema, state, count(*), extract(epoch from max(ended_at))::float8,
    (array_agg(extract(epoch from ended_at - started_at)::float8 order by id desc))[1]
from dbm.run where schema = any(%s) group by schema, state order by schema, state
"""


class HttpAnswer(msgspec.Struct, frozen=True):
    status: HTTPStatus
    content_type: str
    body: str


class Watcher:
    """Answers each path from the database; plans at most every `max_age` seconds."""

    def __init__(self, url: Address, configuration: Configuration, max_age: float = MAX_AGE) -> None:
        self._url = url
        self._configuration = configuration
        self._schemas = [schema.name for schema in configuration.schemas]
        self._max_age = max_age
        self._lock = threading.Lock()
        self._seen: tuple[float, api.DatabaseStatus] | None = None

    def answer(self, path: str) -> HttpAnswer:
        pages: dict[str, Callable[[], HttpAnswer]] = {
            "/versions": self._versions,
            "/runs": self._runs,
            "/health": self._health,
            "/health/ready": self._health,
            "/health/live": lambda: _json({"status": "live"}),
            "/metrics": self._metrics,
        }
        page = pages.get(path)
        if page is None:
            return _json({"error": f"Not found. Paths: {', '.join(PATHS)}."}, HTTPStatus.NOT_FOUND)
        try:
            return page()
        except DbManagerError as error:
            return _json({"status": "no database", "error": str(error)}, HTTPStatus.SERVICE_UNAVAILABLE)

    def _status(self) -> api.DatabaseStatus:
        with self._lock:
            if self._seen is None or time.monotonic() - self._seen[0] > self._max_age:
                self._seen = time.monotonic(), api.status(self._url, self._configuration)
            return self._seen[1]

    def _rows(self, query: bytes) -> list[Any]:
        with api.connect(self._url) as connection:
            connection.execute("set default_transaction_read_only = on")
            (known,) = connection.execute("select to_regclass('dbm.run') is not null").fetchone() or (False,)
            return connection.execute(query, [self._schemas]).fetchall() if known else []

    def _versions(self) -> HttpAnswer:
        names = ("schema", "collection", "version", "digest", "applied_at")
        return _json({"versions": [dict(zip(names, row, strict=True)) for row in self._rows(_VERSIONS)]})

    def _runs(self) -> HttpAnswer:
        names = ("id", "schema", "state", "environment", "fingerprint", "started_at", "ended_at", "error", "steps")
        return _json({"runs": [dict(zip(names, row, strict=True)) for row in self._rows(_RUNS)]})

    def _health(self) -> HttpAnswer:
        status = self._status()
        ready = not status.pending and not status.refusals
        found = {
            "status": "ready" if ready else "pending",
            "environment": status.environment,
            "pending": status.pending,
            "refusals": [str(problem) for problem in status.refusals],
        }
        return _json(found, HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE)

    def _metrics(self) -> HttpAnswer:
        try:
            lines = [*_gauge("gatehouse_db_up", "Whether the database can be reached", [({}, 1)]), *self._measured()]
        except DbManagerError:
            lines = list(_gauge("gatehouse_db_up", "Whether the database can be reached", [({}, 0)]))
        text = "\n".join(lines) + "\n"
        return HttpAnswer(HTTPStatus.OK, "text/plain; version=0.0.4; charset=utf-8", text)

    def _measured(self) -> Iterator[str]:
        status = self._status()
        pending = "Steps between the database and its configuration"
        yield from _gauge("gatehouse_db_pending_steps", pending, [({}, status.pending)])
        yield from _gauge("gatehouse_db_refusals", "Reasons to refuse an apply", [({}, len(status.refusals))])
        applied = [
            ({"schema": one.schema, "collection": one.collection, "version": one.applied}, 1)
            for one in status.collections
            if one.applied
        ]
        yield from _gauge("gatehouse_collection_version_info", "The applied version of each collection", applied)
        runs = self._rows(_SUMMARY)
        each = [({"schema": schema, "state": state}, count) for schema, state, count, _, _ in runs]
        yield from _gauge("gatehouse_db_runs", "Recorded runs by how they ended", each)
        done = [row for row in runs if row[1] == "done"]
        last = "When the last good run ended, in seconds since 1970"
        yield from _gauge("gatehouse_db_last_run_timestamp_seconds", last, [({"schema": r[0]}, r[3]) for r in done])
        took = "How long the last good run took"
        yield from _gauge("gatehouse_db_last_run_duration_seconds", took, [({"schema": r[0]}, r[4]) for r in done])


def serve(watcher: Watcher, host: str, port: int, ready: Callable[[str], None] = lambda _: None) -> None:
    """Serves until SIGTERM or SIGINT. Calls `ready` with the address once it listens."""
    with server(watcher, host, port) as listening:

        def stop(_number: int, _frame: FrameType | None) -> None:
            # shutdown() waits for serve_forever(), which runs in this thread.
            threading.Thread(target=listening.shutdown).start()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        ready(f"http://{host}:{listening.server_address[1]}")
        listening.serve_forever(poll_interval=0.1)


def server(watcher: Watcher, host: str, port: int) -> ThreadingHTTPServer:
    """A server that listens but doesn't answer yet; port 0 picks a free one."""

    class HttpHandler(BaseHTTPRequestHandler):
        server_version = "gatehouse-db-manager"
        timeout = 10

        def do_GET(self) -> None:
            self._send(watcher.answer(self.path.partition("?")[0]))

        do_HEAD = do_GET

        def _refuse(self) -> None:
            self._send(_json({"error": "Read-only: use GET."}, HTTPStatus.METHOD_NOT_ALLOWED))

        do_POST = do_PUT = do_PATCH = do_DELETE = _refuse

        def _send(self, answer: HttpAnswer) -> None:
            body = answer.body.encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:
                self.send_header("Allow", "GET, HEAD")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Probes every few seconds aren't worth a line."""

    return ThreadingHTTPServer((host, port), cast(Any, HttpHandler))


def _json(value: object, status: HTTPStatus = HTTPStatus.OK) -> HttpAnswer:
    return HttpAnswer(status, "application/json", json.dumps(value, indent=2, default=str) + "\n")


def _gauge(name: str, about: str, samples: Sequence[tuple[dict[str, str], float]]) -> Iterator[str]:
    yield f"# HELP {name} {about}."
    yield f"# TYPE {name} gauge"
    for labels, value in samples:
        listed = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        yield f"{name}{'{' + listed + '}' if listed else ''} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
