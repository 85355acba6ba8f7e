"""Where a platform on this machine answers, for commands that use one: `gate load`, `gate test blackbox`."""

import contextlib
import socket
from pathlib import Path

from gatehouse_local.ports import EDGE_PORT
from gatehouse_local.runner import control


def url_here(root: Path) -> str | None:
    """The address of the platform that this checkout runs; else of any at the usual port; else None."""
    if address := control.find(root / ".gate"):
        with contextlib.suppress(Exception):  # it may be stopping
            if url := control.RunnerClient(address).report().url:
                return url
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return f"http://localhost:{EDGE_PORT}" if probe.connect_ex(("127.0.0.1", EDGE_PORT)) == 0 else None
