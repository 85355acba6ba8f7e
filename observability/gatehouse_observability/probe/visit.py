"""The probe: reads the sign-in page, signs in, reads a list; the first step that fails ends the visit.

It changes nothing but the session that it makes where the environment has personas. It needs Python's standard library
and no other module: in AWS and in compose this file alone is run, by whatever image has a Python.

    python3 visit.py https://gatehouse.example.org --listen 9101
"""

import argparse
import http.client
import json
import os
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

PERSONA = "member"
CLIENT_ID, CLIENT_SECRET = "GATEHOUSE_PROBE_CLIENT_ID", "GATEHOUSE_PROBE_CLIENT_SECRET"
LIST = "/api/topics/paths?limit=1"
EVERY, SECONDS = 60.0, 10.0  # between visits; of a step at most
LONGEST = 2_000_000  # bytes of an answer
Answer = tuple[int, bytes]


@dataclass(frozen=True)
class ProbeStep:
    name: str
    milliseconds: float


@dataclass(frozen=True)
class ProbeOutcome:
    """`failed`: the step that failed and how, empty if all is well. `note`: what couldn't be tried here.
    `certificate_ends`: Unix seconds; None without TLS, or where no certificate was accepted.
    """

    url: str
    steps: list[ProbeStep]
    failed: str = ""
    note: str = ""
    certificate_ends: float | None = None

    @property
    def milliseconds(self) -> float:
        return round(sum(step.milliseconds for step in self.steps), 1)


class StepFailed(Exception):
    """What the platform answered instead."""


def visit(url: str, *, seconds: float = SECONDS) -> ProbeOutcome:
    """One visit to `url`, each step of at most `seconds`. Raises nothing: what goes wrong is in the outcome."""
    visitor = _Visitor(url.rstrip("/"), seconds)
    failed = ""
    for name, step in (
        ("read the sign-in page", visitor.sign_in_page),
        ("sign in", visitor.sign_in),
        ("read a list", visitor.read),
    ):
        failed = _timed(name, step, visitor)
        if failed:
            break
    return ProbeOutcome(visitor.url, visitor.steps, failed, visitor.note, visitor.certificate_ends)


def _timed(name: str, step: Callable[[], None], visitor: "_Visitor") -> str:
    began = time.monotonic()
    why = ""
    try:
        step()
    except StepFailed as error:
        why = str(error)
    except TimeoutError:
        why = f"no answer within {visitor.seconds:g} s"
    except socket.gaierror:
        why = f"{urlsplit(visitor.url).hostname} can't be resolved"
    except ssl.SSLError as error:
        why = f"the certificate isn't accepted: {error}"
    except (http.client.HTTPException, OSError) as error:
        why = str(error) or type(error).__name__
    visitor.steps.append(ProbeStep(name, round((time.monotonic() - began) * 1000, 1)))
    return f"{name}: {why}" if why else ""


class _Visitor:
    def __init__(self, url: str, seconds: float) -> None:
        self.url, self.seconds = url, seconds
        self.steps: list[ProbeStep] = []
        self.note = ""
        self.certificate_ends: float | None = None
        self._token = ""

    def sign_in_page(self) -> None:
        status, body = self._ask("GET", "/sign-in")
        if status != 200 or b"<html" not in body.lower():
            raise StepFailed(_said("GET /sign-in", status, body))

    def sign_in(self) -> None:
        """As the service client in the environment; else as a persona, where there are any; else not at all."""
        if os.environ.get(CLIENT_ID):
            named = {"client_id": os.environ[CLIENT_ID], "client_secret": os.environ.get(CLIENT_SECRET, "")}
            wanted = {"grant_type": "client_credentials", "audience": LIST.split("/")[2]}
            self._get_token("/api/identity/token", 200, {**wanted, **named})
            return
        status, body = self._ask("GET", "/api/identity/sign-in/options")
        if status != 200:
            raise StepFailed(_said("GET /api/identity/sign-in/options", status, body))
        if _content(body).get("personas"):
            self._get_token(f"/api/identity/personas/{PERSONA}/sessions", 201, None)
        else:
            self.note = f"not signed in: there are no personas here, and {CLIENT_ID} isn't set"

    def _get_token(self, path: str, wanted: int, body: dict[str, str] | None) -> None:
        status, answer = self._ask("POST", path, body=body)
        self._token = str(_content(answer).get("access_token", ""))
        if status != wanted or not self._token:
            raise StepFailed(_said(f"POST {path}", status, answer))

    def read(self) -> None:
        """As a stranger it has to be refused: that too shows that the service answers."""
        status, body = self._ask("GET", LIST)
        wanted = (200, "items") if self._token else (401, "type")
        if status != wanted[0] or wanted[1] not in _content(body):
            raise StepFailed(_said(f"GET {LIST}", status, body))

    def _ask(self, method: str, path: str, body: dict[str, str] | None = None) -> Answer:
        """On a connection of its own, as a member who comes now. No redirect is followed."""
        ends = time.monotonic() + self.seconds
        headers = {"User-Agent": "gatehouse-probe"} | (
            {"Authorization": f"Bearer {self._token}"} if self._token else {}
        )
        content = None
        if body is not None:
            content = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        connection = self._connection()
        try:
            connection.request(method, urlsplit(self.url).path + path, body=content, headers=headers)
            self._note_certificate(connection.sock)
            response = connection.getresponse()
            return response.status, _until(response, ends)
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        return kind(parts.hostname or "", parts.port, timeout=self.seconds)

    def _note_certificate(self, connected: Any) -> None:
        if isinstance(connected, ssl.SSLSocket) and (certificate := connected.getpeercert()):
            self.certificate_ends = float(ssl.cert_time_to_seconds(str(certificate["notAfter"])))


def _until(response: http.client.HTTPResponse, ends: float) -> bytes:
    """The body. A socket's own limit is for each part of it; so a slow one would never end."""
    found = b""
    while part := response.read1(65536):
        found += part
        if time.monotonic() > ends:
            raise TimeoutError
        if len(found) > LONGEST:
            raise StepFailed(f"the answer is longer than {LONGEST:,} bytes")
    return found


def _content(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _said(request: str, status: int, body: bytes) -> str:
    """With the detail of problem details, if it has any."""
    detail = str(_content(body).get("detail") or "")
    return f"{request} answered {status}{f': {detail}' if detail else ''}"


def exposition(outcome: ProbeOutcome) -> str:
    """The metrics of one visit, in Prometheus' text format."""
    gauges = [
        ("success", "Whether the last visit from outside succeeded", float(not outcome.failed)),
        ("seconds", "How long the last visit took", outcome.milliseconds / 1000),
    ]
    if outcome.certificate_ends is not None:
        gauges.append(("certificate_expiry_seconds", "When the certificate ends", outcome.certificate_ends))
    address = urlsplit(outcome.url).netloc
    return "".join(
        f"# HELP gatehouse_probe_{name} {words}\n# TYPE gatehouse_probe_{name} gauge\n"
        f'gatehouse_probe_{name}{{address="{address}"}} {value:.12g}\n'
        for name, words, value in gauges
    )


class ProbeExporter:
    """Visits `url` every `every` seconds and serves /metrics on a port, from `start` to `stop`. Raises OSError."""

    def __init__(self, url: str, *, host: str, port: int, every: float = EVERY, seconds: float = SECONDS) -> None:
        self._url, self._every, self._seconds = url, every, seconds
        self._text = ""
        self._over = threading.Event()
        exporter = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(exporter._text.encode())

            def log_message(self, format: str, *args: Any) -> None:
                """Not every scrape is worth a line."""

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        threading.Thread(target=self._keep_visiting, daemon=True).start()

    def stop(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def _keep_visiting(self) -> None:
        failed = ""
        while True:
            outcome = visit(self._url, seconds=self._seconds)
            self._text = exposition(outcome)
            if outcome.failed != failed:  # in the log: since when, and how
                line = json.dumps({"event": "visit", "url": self._url, "failed": outcome.failed})
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()
            failed = outcome.failed
            if self._over.wait(self._every):
                return


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--listen", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--every", type=float, default=EVERY)
    options = parser.parse_args()
    ProbeExporter(options.url, host=options.host, port=options.listen, every=options.every).start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
