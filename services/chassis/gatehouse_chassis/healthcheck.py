"""The container health check: `python3 -S healthcheck.py` exits 0 when the service of this image is ready, else 1.

It imports nothing of Gatehouse, because the engine starts it every few seconds.
"""

import sys

if __name__ == "__main__":
    del sys.path[0]  # this folder: its `http` would hide Python's own

import http.client
import os
import tomllib
from pathlib import Path

TIMEOUT = 2.5  # seconds; the image's HEALTHCHECK allows 3


def port() -> int:
    given = os.environ.get("GATEHOUSE_PORT")
    if given:
        return int(given)
    entry = Path(os.environ["GATEHOUSE_ROOT"], "services", os.environ["GATEHOUSE_SERVICE"], "service.toml")
    return tomllib.loads(entry.read_text(encoding="utf-8"))["port"]


def main() -> int:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port(), timeout=TIMEOUT)
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        sys.stdout.write(answer.read().decode(errors="replace"))
    except OSError as error:
        sys.stdout.write(f"no answer: {error}")
        return 1
    return 0 if answer.status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main())
