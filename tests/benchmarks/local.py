"""`gate bench local`: its figures of docs/figures.md, measured in a clean clone on ports of its own.

Wheels come from uv's cache (fill it by running once); the clone has the last commit, not what isn't committed yet.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import psutil
from harness import Figure, show, timed

ROOT = Path(__file__).parents[2]
OFFSET = 700
SERVICE, PORT = "person", 8402 + OFFSET
SAVED = f"services/{SERVICE}/gatehouse_{SERVICE}/person/routes.py"


def main() -> None:
    scratch = Path(tempfile.mkdtemp(prefix="gate-bench-"))
    clone = scratch / "gatehouse"
    try:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        show("Local: where we stand", measured(clone))
    finally:
        gate(clone, "down", check=False)
        shutil.rmtree(scratch, ignore_errors=True)


def measured(clone: Path) -> list[Figure]:
    up = ["up", "--detach", "--port-offset", str(OFFSET)]
    cold = timed(lambda: gate(clone, *up))
    memory = sum(map(alone, processes_of(clone))) / 2**20
    reset = min(float(re.findall(r"\(([\d.]+) s\)", gate(clone, "reset"))[-1]) for _ in range(3))
    reloaded = min(reload_seconds(clone) for _ in range(3))
    gate(clone, "down")
    warm = min(restarted(clone, up) for _ in range(3))
    gate(clone, "down")
    tested = min(watch_seconds(clone))
    return [
        Figure("cold ./local/up to all healthy with data", f"{cold:.1f} s", "<= 20 s", cold <= 20),
        Figure("warm ./local/up", f"{warm:.1f} s", "<= 6 s", warm <= 6),
        Figure("gate reset", f"{reset:.1f} s", "<= 1 s", reset <= 1),
        Figure(f"save to the tests' result ({SERVICE})", f"{tested:.1f} s", "<= 2 s", tested <= 2),
        Figure(f"save to the new code answering ({SERVICE})", f"{reloaded:.1f} s", "<= 2 s", reloaded <= 2),
        Figure("memory of the whole solution (PSS)", f"{memory:.0f} MiB", "<= 1024 MiB", memory <= 1024),
    ]


def gate(clone: Path, *words: str, check: bool = True) -> str:
    done = subprocess.run([clone / "local" / "gate", *words], capture_output=True, text=True, check=False)
    if check and done.returncode:
        sys.exit(f"gate {' '.join(words)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def restarted(clone: Path, up: list[str]) -> float:
    gate(clone, "down")
    return timed(lambda: gate(clone, *up))


def processes_of(clone: Path) -> list[psutil.Process]:
    """All processes that run in, or from, the clone."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = [process.info["cwd"] or "", *(process.info["cmdline"] or [])]
        if any(str(clone) in word for word in words):
            found.append(process)
    for process in list(found):  # PostgreSQL's children name neither
        found += [child for child in process.children(recursive=True) if child not in found]
    return found


def alone(process: psutil.Process) -> float:
    """The bytes of one process, without its children: they are counted themselves."""
    info = process.memory_full_info()
    return getattr(info, "pss", 0) or info.rss


def reload_seconds(clone: Path) -> float:
    """From a save until another process answers on the service's port."""
    before = started_at()
    file = clone / SAVED
    saved = time.time()
    file.write_text(file.read_text() + "\n")
    while started_at() == before:
        if time.time() - saved > 30:
            sys.exit(f"{SAVED} was saved, and {SERVICE} didn't reload in 30 s")
        time.sleep(0.02)
    return time.time() - saved


def started_at() -> str:
    """When the process that answers now was started, as its metrics say."""
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=5) as answer:
        line = re.search(r"^process_start_time_seconds (\S+)", answer.read().decode(), re.MULTILINE)
    return line[1] if line else ""


def watch_seconds(clone: Path) -> list[float]:
    """What `gate test --watch` says after each of three saves of one service's file."""
    watching = subprocess.Popen(
        [clone / "local" / "gate", "test", "--watch", SERVICE], stdout=subprocess.PIPE, text=True
    )
    assert watching.stdout
    results: list[float] = []
    patience = threading.Timer(120, watching.kill)
    patience.start()
    try:
        for line in watching.stdout:
            if match := re.search(r"([\d.]+) s after the save", line):
                results.append(float(match[1]))
            if len(results) == 3:
                return results
            if match or line.startswith("Watching"):
                os.utime(clone / SAVED)
        sys.exit("gate test --watch gave no three results in two minutes")
    finally:
        patience.cancel()
        watching.send_signal(2)
        watching.wait(20)


if __name__ == "__main__":
    main()
