"""What services decided since a backup, done again in the database that is restored from it.

A restored database has roles that were revoked since, and keys that were withdrawn. Services that make such decisions
write each into their log, which no restore takes back, and read them from there: `python -m gatehouse_chassis recover`.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

from gatehouse_catalog import load_catalog
from gatehouse_local.runner.logs import previous
from gatehouse_local.runner.port_conflicts import Trouble


def recover(root: Path, logs: Path, url: str) -> dict[str, int]:
    """Replays all services' logs in the database at `url`; returns how many of each were done again.

    Raises Trouble; then nothing of that service was replayed.
    """
    done: dict[str, int] = {}
    for service in load_catalog(root):
        if service.database is None or importlib.util.find_spec(f"{service.package}.recovery") is None:
            continue
        log = logs / f"{service.name}.log"
        lines = b"".join(file.read_bytes() for file in (previous(log), log) if file.is_file())
        environment = {**os.environ, "GATEHOUSE_DATABASE_URL": url, "GATEHOUSE_ROOT": str(root)}
        command = [sys.executable, "-m", "gatehouse_chassis", "recover", service.name]
        ran = subprocess.run(command, cwd=root, env=environment, input=lines, capture_output=True, check=False)  # noqa: S603 - our own module
        if ran.returncode:
            said = ran.stderr.decode(errors="replace").strip().splitlines() or ["no reason"]
            raise Trouble(f"What {service.name} decided since the backup can't be done again: {said[-1]}")
        for name, count in json.loads(ran.stdout).items():
            done[name] = done.get(name, 0) + count
    return done


def in_words(done: dict[str, int]) -> str:
    """`2 roles revoked, 1 keys withdrawn`, or that there was nothing."""
    parts = [f"{count} {name.replace('_', ' ')}" for name, count in done.items() if count]
    return ", ".join(parts) or "nothing"
