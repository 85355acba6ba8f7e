"""What services decided since a backup, done again in the database that is restored from it.

A restored database has roles that were revoked since, and keys that were withdrawn. Services that make such decisions
write each into their log, which no restore takes back, and read them from there: `python -m gatehouse_chassis recover`.
"""

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
from datetime import datetime
from itertools import islice
from pathlib import Path

from gatehouse_catalog import load_catalog
from gatehouse_local.runner.logs import previous
from gatehouse_local.runner.port_conflicts import Trouble


def recovering(root: Path) -> list[str]:
    """The services that make decisions which no restore may take back."""
    return [
        service.name
        for service in load_catalog(root)
        if service.database is not None and importlib.util.find_spec(f"{service.package}.recovery") is not None
    ]


def forgotten(root: Path, logs: Path, since: datetime) -> list[str]:
    """The services whose log doesn't reach back to `since`: two files are kept, and older lines are gone. What such a
    service took away between that moment and its log's first line would be open again after a restore.
    """
    return [name for name in recovering(root) if (begins := first_line(logs / f"{name}.log")) and begins > since]


def first_line(log: Path) -> datetime | None:
    """When the oldest line that was kept was written; None where none was removed, or none tells."""
    file = previous(log)
    if not file.is_file():
        return None
    with file.open("rb") as lines:
        for line in islice(lines, 100):
            with contextlib.suppress(ValueError, KeyError, TypeError):
                return datetime.fromisoformat(json.loads(line)["timestamp"])
    return None


def recover(root: Path, logs: Path, url: str) -> dict[str, int]:
    """Replays all services' logs in the database at `url`; returns how many of each were done again.

    Raises Trouble; then nothing of that service was replayed.
    """
    done: dict[str, int] = {}
    for name in recovering(root):
        log = logs / f"{name}.log"
        lines = b"".join(file.read_bytes() for file in (previous(log), log) if file.is_file())
        environment = {**os.environ, "GATEHOUSE_DATABASE_URL": url, "GATEHOUSE_ROOT": str(root)}
        command = [sys.executable, "-m", "gatehouse_chassis", "recover", name]
        ran = subprocess.run(command, cwd=root, env=environment, input=lines, capture_output=True, check=False)  # noqa: S603 - our own module
        if ran.returncode:
            said = ran.stderr.decode(errors="replace").strip().splitlines() or ["no reason"]
            raise Trouble(f"What {name} decided since the backup can't be done again: {said[-1]}")
        for what, count in json.loads(ran.stdout).items():
            done[what] = done.get(what, 0) + count
    return done


def in_words(done: dict[str, int]) -> str:
    """`2 roles revoked, 1 keys withdrawn`, or that there was nothing."""
    parts = [f"{count} {name.replace('_', ' ')}" for name, count in done.items() if count]
    return ", ".join(parts) or "nothing"
