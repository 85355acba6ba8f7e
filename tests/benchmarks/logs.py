"""`gate bench logs`: `gate logs --trace` over a day of six services' logs, beside reading their bytes once.

A day is a line a second in each service, 150 MB in all. The whole command is timed, from its start to its end.
"""

import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from harness import Figure, show, timed

ROOT = Path(__file__).parents[2]
SERVICES = ("edge", "identity", "topics", "curriculum", "portal", "person")
SECONDS = 86_400
TURNS = 5
READ = "import pathlib, sys; [path.read_bytes() for path in pathlib.Path(sys.argv[1]).glob('*.log')]"


def identifier(at: datetime, drawn: random.Random, *, ours: bool) -> str:
    """A trace id: ours begins with its time and is a UUIDv7, a caller's is any."""
    digits = f"{int(at.timestamp() * 1000):012x}7{drawn.getrandbits(76):019x}"
    return digits if ours else f"{drawn.getrandbits(128):032x}"


def write(folder: Path) -> tuple[str, str]:
    """The logs, and two ids that each has a line of: one of ours, and one that a caller sent."""
    begins = datetime(2026, 11, 29, tzinfo=UTC)
    wanted = {SECONDS * 2 // 3: True, SECONDS // 2: False}
    found: dict[bool, str] = {}
    for service in SERVICES:
        drawn = random.Random(7)
        with (folder / f"{service}.log").open("w") as log:
            for second in range(SECONDS):
                at = begins + timedelta(seconds=second)
                trace = identifier(at, drawn, ours=wanted.get(second, True))
                if second in wanted:
                    found[wanted[second]] = trace
                fields = {
                    "method": "GET",
                    "route": "/api/topics/resources/{id:uuid}",
                    "status": 200,
                    "milliseconds": 4.2,
                    "client": "127.0.0.1",
                    "event": "request",
                    "request_id": str(UUID(trace)),
                    "trace_id": trace,
                    "level": "info",
                    "timestamp": f"{at:%Y-%m-%dT%H:%M:%S.%f}Z",
                    "service": service,
                }
                log.write(json.dumps(fields, separators=(",", ":")) + "\n")
    return found[True], found[False]


def shown(state: Path, trace: str) -> None:
    command = [ROOT / "local" / "gate", "logs", "--trace", trace, "--state", str(state)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == len(SERVICES), done.stdout


def main() -> None:
    state = Path(tempfile.mkdtemp(prefix="gate-bench-logs-"))
    try:
        (state / "logs").mkdir()
        ours, callers = write(state / "logs")
        read, near, far = [], [], []
        for _ in range(TURNS):
            read.append(timed(lambda: subprocess.run([sys.executable, "-c", READ, state / "logs"], check=True)))
            near.append(timed(lambda: shown(state, ours)))
            far.append(timed(lambda: shown(state, callers)))
        bytes_read, quick, slow = map(statistics.median, (read, near, far))
        show(
            "Logs: one request, of a day of six services",
            [
                Figure("an id of ours: only its time is read", f"{quick:.2f} s", "<= 1 s", quick <= 1),
                Figure("a caller's id: all is read", f"{slow:.2f} s", "<= 1 s", slow <= 1),
                Figure("all / reading the bytes once", f"{slow / bytes_read:.1f}", "", None),
            ],
        )
    finally:
        shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    main()
