"""Asking other tasks from within one: a process, as ECS would start it, and a server that it asks."""

import http.server
import json
import subprocess
import sys
import threading
from typing import Any

from gatehouse_chassis.ask import MARK


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/version" else 503)
        self.end_headers()
        self.wfile.write(b'{"image_digest": "sha256:1"}')

    def log_message(self, format: str, *args: Any) -> None:
        pass


def test_it_prints_what_each_address_answers_and_nothing_where_none_does():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here = f"http://127.0.0.1:{server.server_port}"
        addresses = [f"{here}/version", f"{here}/other", "http://127.0.0.1:1/version"]
        command = [sys.executable, "-m", "gatehouse_chassis", "ask", *addresses]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        server.shutdown()
    (line,) = done.stdout.splitlines()
    assert line.startswith(MARK)
    assert json.loads(line.removeprefix(MARK)) == {
        addresses[0]: '{"image_digest": "sha256:1"}',
        addresses[1]: None,
        addresses[2]: None,
    }
