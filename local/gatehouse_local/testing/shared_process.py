"""Processes that a test run starts once and all its workers share: a throwaway PostgreSQL, a whole platform.

A keeper process starts the shared process and stops it when the last user is gone. Each user holds a shared lock on a
file; the kernel releases it however the user ends, so even a killed test run leaves nothing behind.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import IO, Any

from gatehouse_local.ports import EDGE_PORT, POSTGRES_PORT

Facts = dict[str, Any]


class KeeperFailed(Exception):
    """The shared process failed to start; the message has its last output."""


def free_port() -> int:
    """A loopback port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def shared(folder: Path, kind: str, *, timeout: float = 60, last: bool = True) -> Generator[Facts]:
    """Joins the shared process of this `kind` in `folder`, starting it for the first user; yields how to reach it.

    At the end, the last user waits until everything is stopped. Pass last=False if this user can't be the last.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _using(folder / f"{kind}.users"):
        facts = folder / f"{kind}.json"
        with (folder / f"{kind}.starting").open("w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            if not facts.exists():
                _start(folder, kind, timeout)
        yield json.loads(facts.read_text())
    if last:
        _await_end(folder, kind)


def _await_end(folder: Path, kind: str) -> None:
    """Waits for the keeper if this was the last user, so that nothing is left when the test run ends."""
    users, keeper = folder / f"{kind}.users", folder / f"{kind}.keeper"
    ending = time.monotonic() + 0.2  # the keeper removes this file at once if that was the last user
    while users.exists():
        if time.monotonic() > ending:
            return
        time.sleep(0.01)
    deadline = time.monotonic() + 20
    while keeper.exists() and time.monotonic() < deadline:
        time.sleep(0.02)


@contextlib.contextmanager
def _using(lock: Path) -> Generator[None]:
    while True:
        with lock.open("a") as held:
            fcntl.flock(held, fcntl.LOCK_SH)
            # A keeper that was just ending removed the file that was locked: try again with the next one.
            if _same(held, lock):
                yield
                return


def _same(held: IO[str], lock: Path) -> bool:
    try:
        return os.fstat(held.fileno()).st_ino == lock.stat().st_ino
    except FileNotFoundError:
        return False


def _start(folder: Path, kind: str, timeout: float) -> None:
    log, failed = folder / f"{kind}.keeper.log", folder / f"{kind}.failed"
    if failed.exists():  # another worker tried in this run; trying again would fail the same way
        raise KeeperFailed(failed.read_text())
    with log.open("w") as output:
        keeper = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "gatehouse_local.testing.shared_process", kind, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for the test run; the keeper notices its end by the lock
        )
    deadline = time.monotonic() + timeout
    while not (folder / f"{kind}.json").exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            keeper.terminate()
            keeper.wait()
            failed.write_text(f"The {kind} for the tests didn't start. Last output:\n{_tail(log)}")
            raise KeeperFailed(failed.read_text())
        time.sleep(0.02)
    # It outlives this worker on purpose if others still use it; else Python would warn of a running child.
    keeper.returncode = 0


def _tail(log: Path, lines: int = 40) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


@contextlib.contextmanager
def _postgres(folder: Path) -> Generator[Facts]:
    from gatehouse_local.runner.postgres import Embedded  # noqa: PLC0415 - only in the keeper's process

    server = Embedded(folder / "postgres-state", free_port(), throwaway=True)
    server.prepare()
    command, environment = server.command()
    process = subprocess.Popen(command, env=environment)  # noqa: S603 - our own command
    try:
        server.wait_ready(still_running=lambda: process.poll() is None)
        yield {"url": server.maintenance_url, "process": process.pid}
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait()
        shutil.rmtree(server.state, ignore_errors=True)


@contextlib.contextmanager
def _platform(folder: Path) -> Generator[Facts]:
    from gatehouse_catalog import find_root, load_catalog  # noqa: PLC0415 - only in the keeper's process

    root = find_root()
    catalog = load_catalog(root)
    services = {service.name: service.port for service in catalog}
    offset = free_offset({EDGE_PORT, POSTGRES_PORT, *services.values()})
    state = folder / "platform-state"
    gate = [sys.executable, "-m", "gatehouse_local.gate"]
    where = ["--state", str(state)]
    try:
        up = [*gate, "up", "--detach", "--port-offset", str(offset), *where]
        if subprocess.run(up, cwd=root, check=False).returncode:  # noqa: S603 - our own command
            sys.exit(1)  # it has printed why
        yield {
            "url": f"http://localhost:{EDGE_PORT + offset}",
            "services": {name: f"http://127.0.0.1:{port + offset}" for name, port in services.items()},
            "database_url": (state / "postgres.url").read_text().strip(),
            "state": str(state),
        }
    finally:
        subprocess.run([*gate, "down", *where], cwd=root, check=False)  # noqa: S603
        shutil.rmtree(state / "postgres", ignore_errors=True)  # keeps the logs, which show why a test failed


def free_offset(ports: set[int]) -> int:
    """A port offset for which all these ports are free now."""
    for offset in range(1000 + 100 * (os.getpid() % 200), 50000, 100):
        with contextlib.ExitStack() as probes, contextlib.suppress(OSError):
            for port in ports:
                probes.enter_context(socket.socket()).bind(("127.0.0.1", port + offset))
            return offset
    raise KeeperFailed("This machine has no free range of ports for the tests. Fix: stop some servers")


KINDS: dict[str, Callable[[Path], contextlib.AbstractContextManager[Facts]]] = {
    "postgres": _postgres,
    "platform": _platform,
}


def _keep(kind: str, folder: Path) -> None:
    # SIGTERM raises an exception here, so that what was started is stopped as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    facts, users, running = folder / f"{kind}.json", folder / f"{kind}.users", folder / f"{kind}.keeper"
    running.touch()
    try:
        _serve(kind, folder, facts, users)
    finally:
        running.unlink(missing_ok=True)


def _serve(kind: str, folder: Path, facts: Path, users: Path) -> None:
    with KINDS[kind](folder) as known, users.open("a") as lock:
        new = facts.with_suffix(".new")
        new.write_text(json.dumps(known))
        new.replace(facts)
        fcntl.flock(lock, fcntl.LOCK_EX)  # granted when the last user is gone
        facts.unlink()
        users.unlink()


if __name__ == "__main__":
    _keep(sys.argv[1], Path(sys.argv[2]))
