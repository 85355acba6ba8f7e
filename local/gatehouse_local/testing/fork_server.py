"""Runs pytest in forks of a process that has already imported the libraries, on all cores: for `gate test --watch`.

A cold pytest takes a second to import its plugins and the services' libraries. Our own code is never imported here, so
each run sees the saved files. A run's tests are divided among the forks by how long they took last time.
"""

import contextlib
import faulthandler
import gc
import importlib
import json
import os
import select
import signal
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

NO_TESTS = 5  # pytest's exit code when it collected no test
ASSUMED_SECONDS = 0.02  # for a test that never ran
PARALLEL_FROM = 0.5  # seconds of tests below which another fork costs more than it saves


class ForkServer:
    """The process that forks. One run at a time: `start`, then `finished` until it returns the exit code, or `stop`."""

    def __init__(self) -> None:
        requests, self._to = os.pipe()
        self._from, answers = os.pipe()
        self.running: int | None = None
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._to)
            os.close(self._from)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            with (
                os.fdopen(requests) as lines,
                os.fdopen(answers, "w") as replies,
                tempfile.TemporaryDirectory() as folder,
            ):
                _Server(replies, Path(folder)).serve(lines)
            os._exit(0)
        os.close(requests)
        os.close(answers)
        self._answers = os.fdopen(self._from)

    def start(self, arguments: list[str], *, quiet: bool = False) -> None:
        """Starts a run of pytest; the previous one must have finished or been stopped."""
        os.write(self._to, (json.dumps({"arguments": arguments, "quiet": quiet}) + "\n").encode())
        self.running = int(self._answers.readline())

    def finished(self, wait: float = 0) -> int | None:
        """The exit code once the run has finished; None while it runs, or if there is none. `wait` in seconds."""
        if self.running is None or not select.select([self._answers], [], [], wait)[0]:
            return None
        self.running = None
        return int(self._answers.readline() or 1)

    def stop(self) -> None:
        """Kills the current run, with every process it started."""
        if self.running is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.running, signal.SIGKILL)
            self.finished(wait=10)

    def close(self) -> None:
        self.stop()
        os.close(self._to)
        self._answers.close()
        os.waitpid(self._pid, 0)


class _Server:
    """The loop of the forking process. Collects libraries and durations from each run for the next one."""

    def __init__(self, answers: IO[str], folder: Path) -> None:
        self._answers = answers
        self._folder = folder
        self._durations: dict[str, float] = {}

    def serve(self, requests: Iterable[str]) -> None:
        for line in requests:
            request = json.loads(line)
            shares = 1 if request["quiet"] else self._share_count(request["arguments"])
            children = self._fork(request, shares)
            self._reply(children[0][0])  # the leader of their process group
            for _, results in children:
                self._collect(results)
            codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child, _ in children]
            for number, code in enumerate(codes[1:], 1):
                self._print_output(self._folder / str(number), code)
            failures = [code for code in codes if code not in {0, NO_TESTS}]
            self._reply(failures[0] if failures else min(codes))

    def _share_count(self, arguments: list[str]) -> int:
        files = tuple(os.path.relpath(word) for word in arguments if Path(word).exists())
        known = sum(seconds for test, seconds in self._durations.items() if test.startswith(files))
        return 1 if 0 < known < PARALLEL_FROM else os.cpu_count() or 1

    def _fork(self, request: dict[str, Any], shares: int) -> list[tuple[int, int]]:
        """(process id, pipe with its results) of each child."""
        children: list[tuple[int, int]] = []
        gc.freeze()  # keeps the children's garbage collectors from touching shared memory
        for number in range(shares):
            results, results_end = os.pipe()
            child = os.fork()
            if child == 0:
                os.close(results)
                share = Share(number, shares, self._durations)
                output = os.devnull if request["quiet"] else str(self._folder / str(number)) if number else None
                _run(request["arguments"], share, output, results_end, leader=children[0][0] if children else 0)
            os.close(results_end)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.setpgid(child, children[0][0] if children else child)
            children.append((child, results))
        return children

    def _collect(self, results: int) -> None:
        with os.fdopen(results) as pipe:
            text = pipe.read()
        if text:
            known = json.loads(text)
            self._durations |= known["durations"]
            for name in known["libraries"]:
                if name not in sys.modules:
                    with contextlib.suppress(Exception):
                        importlib.import_module(name)

    def _reply(self, number: int) -> None:
        self._answers.write(f"{number}\n")
        self._answers.flush()

    def _print_output(self, output: Path, code: int) -> None:
        """Prints all output of a share that failed, else its last line, such as `12 passed in 0.8s`."""
        text = output.read_text(errors="replace").rstrip() if output.exists() else ""
        if code != NO_TESTS and text:
            sys.stdout.write((text.splitlines()[-1] if code == 0 else text) + "\n")
            sys.stdout.flush()


class Share:
    """A pytest plugin that runs one share of the collected tests: a contiguous slice, of equal total duration."""

    def __init__(self, number: int, shares: int, durations: dict[str, float]) -> None:
        self._number, self._shares, self._known = number, shares, durations
        self.durations: dict[str, float] = {}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        weights = [self._known.get(item.nodeid, ASSUMED_SECONDS) for item in items]
        total, before = sum(weights), 0.0
        chosen = []
        for item, weight in zip(items, weights, strict=True):
            if min(int((before + weight / 2) / total * self._shares), self._shares - 1) == self._number:
                chosen.append(item)
            before += weight
        items[:] = chosen

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.durations[report.nodeid] = self.durations.get(report.nodeid, 0.0) + report.duration


def _run(arguments: list[str], share: Share, output: str | None, results: int, *, leader: int) -> None:
    """In a child: runs its share of the tests and reports libraries and durations; never returns."""
    import pytest  # noqa: PLC0415 - the parent doesn't need it

    code = 1
    try:
        with contextlib.suppress(PermissionError, ProcessLookupError):
            os.setpgid(0, leader)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        if output is not None:
            target = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(target, 1)
            os.dup2(target, 2)
        # In our own tests this is a fork of pytest, which has armed faulthandler. A fork has no watchdog thread, and
        # cancelling it, as pytest does after a failure, would wait for that thread forever.
        vars(faulthandler)["cancel_dump_traceback_later"] = lambda: None
        code = int(pytest.main([*arguments, "-o", "faulthandler_timeout=0"], plugins=[share]))
        with os.fdopen(results, "w") as pipe:
            json.dump({"libraries": _libraries(), "durations": share.durations}, pipe)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _libraries() -> list[str]:
    return [
        name
        for name, module in list(sys.modules.items())
        if "site-packages" in (getattr(module, "__file__", None) or "") and not name.startswith(("gatehouse_", "__"))
    ]
