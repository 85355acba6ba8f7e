"""What the benchmarks share: servers on one core, a bounded load from the other, CPU per request, memory, tables.

Machines are shared and noisy, so contestants take turns in one run and are compared by CPU time per request, which
noise touches less than time on the clock. Nothing here passes or fails; it prints where we stand.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
from rich.console import Console
from rich.table import Table

CONNECTIONS = 32
SECONDS = 4
ROUNDS = 3
LONGEST_START = 20  # seconds
SERVER_CORE, LOAD_CORE = 0, 1
console = Console()


@dataclass
class Contestant:
    """One way to serve the same request: `command` listens on GATEHOUSE_PORT, `path` is asked for with `headers`."""

    name: str
    command: Sequence[str]
    path: str
    environment: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    microseconds: list[float] = field(default_factory=list)
    throughput: list[float] = field(default_factory=list)

    @property
    def cost(self) -> float:
        """CPU microseconds of the server per request, median over the rounds."""
        return statistics.median(self.microseconds)

    @property
    def rate(self) -> float:
        """Requests per second, median over the rounds."""
        return statistics.median(self.throughput)


def ratio(slower: Contestant, faster: Contestant) -> float:
    """How many times the CPU per request of `faster` that of `slower` is: the median of the rounds' own ratios."""
    pairs = zip(slower.microseconds, faster.microseconds, strict=True)
    return statistics.median(one / other for one, other in pairs)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pinned(core: int | None) -> list[str]:
    """What to write before a command to keep it on one core; nothing where that can't be done."""
    can = core is not None and shutil.which("taskset") and (os.cpu_count() or 1) > 1
    return ["taskset", "-c", str(core)] if can else []


@contextlib.contextmanager
def server(
    contestant: Contestant, *, core: int | None = SERVER_CORE, port: int = 0
) -> Generator[tuple[psutil.Process, str, float]]:
    """The running server: its process, its address, and the seconds from start to the first good answer."""
    port = port or free_port()
    environment = {**os.environ, **contestant.environment, "GATEHOUSE_PORT": str(port)}
    started = time.perf_counter()
    process = subprocess.Popen(
        [*pinned(core), *contestant.command], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            if process.poll() is not None:
                sys.exit(
                    f"{contestant.name} didn't start:\n{(process.stderr.read() if process.stderr else b'').decode()}"
                )
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(url + contestant.path, headers=dict(contestant.headers)).status_code == 200:
                    break
            if time.perf_counter() - started > LONGEST_START:
                sys.exit(f"{contestant.name} didn't answer {contestant.path} with 200 in {LONGEST_START} s")
            time.sleep(0.01)
        yield psutil.Process(process.pid), url, time.perf_counter() - started
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def load(url: str, headers: Mapping[str, str], seconds: int = SECONDS) -> tuple[int, float]:
    """(requests answered with 2xx, seconds) of one bounded wrk run. Stops the benchmark when anything failed."""
    output = _wrk(url, headers, seconds)
    total = re.search(r"(\d+) requests in ([\d.]+)s", output)
    if total is None or failures(output):
        sys.exit(f"the load of {url} failed:\n{output}")
    return int(total[1]), float(total[2])


def under_load(url: str, headers: Mapping[str, str], seconds: int) -> tuple[int, int]:
    """(requests answered, requests failed) while something is done to the server."""
    output = _wrk(url, headers, seconds)
    total = re.search(r"(\d+) requests in", output)
    return int(total[1]) if total else 0, failures(output)


def failures(output: str) -> int:
    """What wrk counted: answers of 400 and above, connections refused or broken, and answers that never came."""
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
    return (int(bad[1]) if bad else 0) + (sum(map(int, broken.groups())) if broken else 0)


def _wrk(url: str, headers: Mapping[str, str], seconds: int) -> str:
    wrk = shutil.which("wrk")
    if not wrk:
        sys.exit("wrk isn't installed: apt-get install wrk (Debian), brew install wrk (macOS)")
    arguments = [argument for name, value in headers.items() for argument in ("-H", f"{name}: {value}")]
    command = [*pinned(LOAD_CORE), wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *arguments, url]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def compare(contestants: Sequence[Contestant], rounds: int = ROUNDS, seconds: int = SECONDS) -> None:
    """Fill each contestant's figures. All run at once, and take turns under load."""
    with contextlib.ExitStack() as running:
        servers = [(contestant, *running.enter_context(server(contestant))[:2]) for contestant in contestants]
        for contestant, _, url in servers:
            load(url + contestant.path, contestant.headers, 1)  # warm up
        for _ in range(rounds):
            for contestant, process, url in servers:
                before = sum(process.cpu_times()[:2])
                requests, duration = load(url + contestant.path, contestant.headers, seconds)
                spent = sum(process.cpu_times()[:2]) - before
                contestant.microseconds.append(spent / requests * 1_000_000)
                contestant.throughput.append(requests / duration)


def proportional_memory(process: psutil.Process) -> float:
    """MiB of a process and its children, shared pages divided among those who share them (PSS; RSS elsewhere)."""
    family = [process, *process.children(recursive=True)]
    total = 0
    for member in family:
        info = member.memory_full_info()
        total += getattr(info, "pss", 0) or info.rss
    return total / 2**20


@dataclass(frozen=True)
class Figure:
    """One line of the result: what was measured, the value, what to reach, and whether it is reached."""

    what: str
    value: str
    reach: str
    good: bool | None


def show(title: str, figures: Sequence[Figure]) -> None:
    """Prints the figures; the verdict is for people, the exit code stays 0."""
    table = Table(title=title, title_justify="left")
    for heading in ("what", "here, now", "to reach", ""):
        table.add_column(heading)
    for figure in figures:
        verdict = "" if figure.good is None else "[green]reached[/]" if figure.good else "[red]short[/]"
        table.add_row(figure.what, figure.value, figure.reach, verdict)
    console.print(table)


def timed(action: Callable[[], object]) -> float:
    """Seconds that `action` takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def root() -> Path:
    return Path(__file__).resolve().parents[2]
