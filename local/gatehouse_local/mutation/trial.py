"""Tries tests on a module as it is, and on its mutants: each in a fork of a process that has imported all libraries.

The fork imports our own code itself, with the one module that is mutated. What a test's child processes import is never
mutated.
"""

import contextlib
import faulthandler
import importlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Collection, Generator, Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import msgspec

from gatehouse_local.mutation.mutants import Mutant, mutated

OUTPUT = Path(".gate/mutate/output.log")  # of the latest fork
TRIAL_SECONDS = 240.0  # a mutant that makes a test hang is noticed by that
PRELOADED_PREFIX = "gatehouse_"


class TestRun(msgspec.Struct):
    """One test of the unchanged code: its id, its seconds, and which of the watched files' lines it ran."""

    __test__ = False  # nothing for pytest to collect

    test: str
    seconds: float
    passed: bool
    lines: dict[str, list[int]]


class Baseline(msgspec.Struct):
    runs: list[TestRun]
    libraries: list[str]


def baseline(root: Path, files: Collection[str], arguments: Sequence[str]) -> Baseline:
    """Runs the tests on the unchanged code. Raises RuntimeError when pytest itself fails."""

    def run() -> Any:
        watch = _Watch(root, files)
        code = _pytest([*arguments], watch)
        return {"code": code, "runs": watch.runs, "libraries": _libraries()}

    answer = _forked(run, 3600)
    if answer is None or answer["code"] not in (0, 1):
        raise RuntimeError(f"The tests of the unchanged code don't run: see {OUTPUT}")
    return msgspec.convert(answer, Baseline)


def preload(libraries: Collection[str]) -> None:
    """Imports libraries here, so that no fork needs to. Never our own code."""
    for name in libraries:
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def dies(root: Path, mutant: Mutant, tests: Sequence[TestRun], arguments: Sequence[str] = ()) -> str:
    """The first test that fails on the mutant; "" when it survives. Quick tests first."""

    def run() -> Any:
        _mutate(root, mutant)
        chosen = _Chosen([one.test for one in tests])
        files = dict.fromkeys(one.test.partition("::")[0] for one in tests)
        code = _pytest([*files, "-x", *arguments], chosen)
        return {"code": code, "failed": chosen.failed}

    answer = _forked(run, TRIAL_SECONDS)
    if answer is None:
        return "it ended or hung"
    if answer["code"] in (0, 5):
        return ""
    return answer["failed"] or "it can't be imported"


def _forked(work: Callable[[], Any], seconds: float) -> Any:
    """What `work` returned in a fork; None when that died or took longer."""
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.setpgid(0, 0)
        _work(work, writer)
    os.close(writer)
    watchdog = threading.Timer(seconds, _kill, [child])
    watchdog.start()
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    watchdog.cancel()
    _kill(child)  # and whatever a test that was broken off left running
    os.waitpid(child, 0)
    return json.loads(text) if text else None


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _work(work: Callable[[], Any], writer: int) -> None:
    """In the fork: never returns. A fork has no watchdog thread for faulthandler to cancel."""
    vars(faulthandler)["cancel_dump_traceback_later"] = lambda: None
    os.set_inheritable(writer, False)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    output = os.open(OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    try:
        answer = json.dumps(work())
        with os.fdopen(writer, "w") as pipe:
            pipe.write(answer)
    except Exception:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _pytest(arguments: list[str], plugin: object) -> int:
    import pytest  # noqa: PLC0415 - `gate --help` doesn't need it

    options = ["-p", "no:cacheprovider", "-n0", "-o", "faulthandler_timeout=0", "--timeout", "120"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # our plugin is imported here already
    return int(pytest.main([*arguments, *options], plugins=[plugin, _EveryCase()]))


class _EveryCase:
    """A pytest plugin: of sampled tests every case, where our own plugin knows the option."""

    def pytest_configure(self, config: Any) -> None:
        if hasattr(config.option, "all_cases"):
            config.option.all_cases = True


def _mutate(root: Path, mutant: Mutant) -> None:
    file = str(root / mutant.file)
    code = compile(mutated(Path(file).read_text(encoding="utf-8"), mutant.number), file, "exec")
    usual = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, fullname: str) -> Any:
        return code if self.path == file else usual(self, fullname)

    SourceFileLoader.get_code = get_code  # ty: ignore[invalid-assignment] - only in the fork


class _Chosen:
    """A pytest plugin that runs these tests only, in this order as far as modules allow."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._order = {test: number for number, test in enumerate(tests)}
        self.failed = ""

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        chosen = [item for item in items if item.nodeid in self._order]
        first: dict[str, int] = {}
        for item in chosen:
            file = item.nodeid.partition("::")[0]
            first[file] = min(first.get(file, sys.maxsize), self._order[item.nodeid])
        items[:] = sorted(chosen, key=lambda item: (first[item.nodeid.partition("::")[0]], self._order[item.nodeid]))

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid


class _Watch:
    """A pytest plugin that notes which lines of these files each test runs, fixtures included."""

    def __init__(self, root: Path, files: Collection[str]) -> None:
        self._names = {str(root / file): file for file in files}
        self._lines: dict[str, set[int]] = {}
        self.runs: list[dict[str, Any]] = []
        self._passed = True

    def _trace(self, frame: Any, event: str, _argument: Any) -> Any:
        file = self._names.get(frame.f_code.co_filename)
        if file is None or event != "call":
            return None
        lines = self._lines.setdefault(file, set())

        def local(frame: Any, event: str, _argument: Any) -> Any:
            if event == "line":
                lines.add(frame.f_lineno)
            return local

        return local

    def pytest_runtest_protocol(self, item: Any, nextitem: Any) -> Any:
        from _pytest.runner import runtestprotocol  # noqa: PLC0415 - as pytest's own documentation does

        self._lines, self._passed, began = {}, True, time.monotonic()
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        with _traced(self._trace):
            runtestprotocol(item, nextitem=nextitem)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        lines = {file: sorted(numbers) for file, numbers in self._lines.items()}
        seconds = time.monotonic() - began
        self.runs.append({"test": item.nodeid, "seconds": seconds, "passed": self._passed, "lines": lines})
        return True

    def pytest_runtest_logreport(self, report: Any) -> None:
        self._passed &= not report.failed and not (report.skipped and report.when != "teardown")


@contextlib.contextmanager
def _traced(trace: Any) -> Generator[None]:
    threading.settrace(trace)
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(None)
        threading.settrace(None)


def _libraries() -> list[str]:
    return [
        name
        for name, module in list(sys.modules.items())
        if "site-packages" in (getattr(module, "__file__", None) or "") and not name.startswith(PRELOADED_PREFIX)
    ]
