"""A tiny service for the tests of the runner: stands on the inherited socket, says when it is ready, ends on SIGTERM.

Behaviour comes from the environment: FAKE_FILE (its content is the answer), FAKE_CRASH (a file whose presence makes
it die at the start), FAKE_DELAY (seconds each answer takes). `/die` makes it die, `/health/ready` answers 503 while the
file FAKE_UNREADY is there.
"""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def setting(name: str) -> Path | None:
    value = os.environ.get(name)
    return Path(value) if value else None


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/die":
            sys.stdout.write("asked to die" + "\n")
            sys.stdout.flush()
            os._exit(3)
        unready = setting("FAKE_UNREADY")
        if self.path == "/health/ready":
            away = unready is not None and unready.exists()
            return self.answer(503 if away else 200, b'{"detail": "told so"}' if away else b"{}")
        if self.path == "/count":
            size = 200_000
            return self.answer(200, b"x" * size)
        time.sleep(float(os.environ.get("FAKE_DELAY", "0")))
        return self.answer(200, f"{os.getpid()} {TEXT}".encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(200, body)

    do_PUT = do_POST

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Seen-Host", self.headers.get("Host", ""))
        self.send_header("X-Seen-For", self.headers.get("X-Forwarded-For", ""))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 1024


crash = setting("FAKE_CRASH")
if crash is not None and crash.exists():
    sys.stdout.write("last words: a line of code is wrong" + "\n")
    sys.stdout.flush()
    sys.exit(1)
text = setting("FAKE_FILE")
TEXT = text.read_text() if text else ""

if "GATEHOUSE_LISTEN_FD" in os.environ:
    server = Server(("127.0.0.1", 0), Answers, bind_and_activate=False)
    server.socket = socket.socket(fileno=int(os.environ["GATEHOUSE_LISTEN_FD"]))
    server.socket.setblocking(False)
else:
    server = Server(("127.0.0.1", int(os.environ["GATEHOUSE_PORT"])), Answers)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
sys.stdout.write(f"serving as {os.getpid()}" + "\n")
sys.stdout.flush()
if "GATEHOUSE_READY_FD" in os.environ:
    with contextlib.suppress(OSError):
        os.write(int(os.environ["GATEHOUSE_READY_FD"]), b"ready\n")
server.serve_forever(poll_interval=0.02)
server.server_close()
