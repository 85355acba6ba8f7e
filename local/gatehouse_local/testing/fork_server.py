"""Runs pytest in forks of a process that has the libraries imported already, on all cores: for `gate test --watch`.

A cold pytest spends a second on importing its plugins and what the services stand on. Our own code is never imported
here, so each run sees what was saved. The tests of a run are shared out by how long they took the last time.
"""

import contextlib
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

NOTHING = 5  # pytest's exit code for having found no test
UNKNOWN = 0.02  # seconds that a test takes which never ran
WORTH_SHARING = 0.5  # seconds of tests below which another fork costs more than it brings


class Warm:
    """The warm process. One run at a time: `start`, then `finished` until it gives the exit code, or `stop`."""

    def __init__(self) -> None:
        requests, self._to = os.pipe()
        self._from, answers = os.pipe()
        self.running: int | None = None
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._to)
            os.close(self._from)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            with os.fdopen(requests) as lines, os.fdopen(answers, "w") as said, tempfile.TemporaryDirectory() as folder:
                _Server(said, Path(folder)).serve(lines)
            os._exit(0)
        os.close(requests)
        os.close(answers)
        self._answers = os.fdopen(self._from)

    def start(self, arguments: list[str], *, quiet: bool = False) -> None:
        """Begins a run of pytest; the one before must have ended or been stopped."""
        os.write(self._to, (json.dumps({"arguments": arguments, "quiet": quiet}) + "\n").encode())
        self.running = int(self._answers.readline())

    def finished(self, wait: float = 0) -> int | None:
        """The exit code once the run is over; None while it runs or when there is none."""
        if self.running is None or not select.select([self._answers], [], [], wait)[0]:
            return None
        self.running = None
        return int(self._answers.readline() or 1)

    def stop(self) -> None:
        """Ends the run that is going on, with everything it started."""
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
    """What goes on in the warm process: forks, waits, and learns libraries and durations for the next run."""

    def __init__(self, answers: IO[str], folder: Path) -> None:
        self._answers = answers
        self._folder = folder
        self._durations: dict[str, float] = {}

    def serve(self, requests: Iterable[str]) -> None:
        for line in requests:
            request = json.loads(line)
            shares = 1 if request["quiet"] else self._worth_sharing(request["arguments"])
            children = self._fork(request, shares)
            self._say(children[0][0])  # the leader of their process group
            for _, learned in children:
                self._learn(learned)
            codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child, _ in children]
            for number, code in enumerate(codes[1:], 1):
                self._show(self._folder / str(number), code)
            wrong = [code for code in codes if code not in {0, NOTHING}]
            self._say(wrong[0] if wrong else min(codes))

    def _worth_sharing(self, arguments: list[str]) -> int:
        files = tuple(os.path.relpath(word) for word in arguments if Path(word).exists())
        known = sum(seconds for test, seconds in self._durations.items() if test.startswith(files))
        return 1 if 0 < known < WORTH_SHARING else os.cpu_count() or 1

    def _fork(self, request: dict[str, Any], shares: int) -> list[tuple[int, int]]:
        """(process, the pipe it tells what it learned) of each child."""
        children: list[tuple[int, int]] = []
        gc.freeze()  # what all children share needs no look from their garbage collectors
        for number in range(shares):
            learned, tells = os.pipe()
            child = os.fork()
            if child == 0:
                os.close(learned)
                share = Share(number, shares, self._durations)
                output = os.devnull if request["quiet"] else str(self._folder / str(number)) if number else None
                _run(request["arguments"], share, output, tells, leader=children[0][0] if children else 0)
            os.close(tells)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.setpgid(child, children[0][0] if children else child)
            children.append((child, learned))
        return children

    def _learn(self, learned: int) -> None:
        with os.fdopen(learned) as told:
            text = told.read()
        if text:
            known = json.loads(text)
            self._durations |= known["durations"]
            for name in known["libraries"]:
                if name not in sys.modules:
                    with contextlib.suppress(Exception):
                        importlib.import_module(name)

    def _say(self, number: int) -> None:
        self._answers.write(f"{number}\n")
        self._answers.flush()

    def _show(self, output: Path, code: int) -> None:
        """All that a share said when it failed; else its last line, such as `12 passed in 0.8s`."""
        text = output.read_text(errors="replace").rstrip() if output.exists() else ""
        if code != NOTHING and text:
            sys.stdout.write((text.splitlines()[-1] if code == 0 else text) + "\n")
            sys.stdout.flush()


class Share:
    """A plugin of pytest: of the tests collected, runs those between two points of the time that all took before."""

    def __init__(self, number: int, shares: int, durations: dict[str, float]) -> None:
        self._number, self._shares, self._known = number, shares, durations
        self.durations: dict[str, float] = {}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        weights = [self._known.get(item.nodeid, UNKNOWN) for item in items]
        total, before = sum(weights), 0.0
        mine = []
        for item, weight in zip(items, weights, strict=True):
            if min(int((before + weight / 2) / total * self._shares), self._shares - 1) == self._number:
                mine.append(item)
            before += weight
        items[:] = mine

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.durations[report.nodeid] = self.durations.get(report.nodeid, 0.0) + report.duration


def _run(arguments: list[str], share: Share, output: str | None, tells: int, *, leader: int) -> None:
    """In a child: its share of the tests, then what the next run may know; never returns."""
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
        code = int(pytest.main(arguments, plugins=[share]))
        with os.fdopen(tells, "w") as told:
            json.dump({"libraries": _libraries(), "durations": share.durations}, told)
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
