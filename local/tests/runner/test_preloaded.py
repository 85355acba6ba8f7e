"""Services as forks of a preloaded process: real processes, and a module of the test's own that they share."""

import asyncio
import ctypes
import os
import signal
import sys
from pathlib import Path

import pytest

from gatehouse_local.runner.preloaded import PR_SET_CHILD_SUBREAPER, PreloadedProcess
from gatehouse_local.runner.resource import Spec
from gatehouse_local.runner.state import ResourceState
from gatehouse_local.runner.supervisor import Supervisor

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="subreapers are Linux's")

PROGRAM = """
import os, sys, time
already = "shared_by_all" in sys.modules
import shared_by_all
print("says", shared_by_all.VALUE, already, sys.argv[1:], os.environ.get("WORD"), os.getcwd(), os.getppid(), flush=True)
print("to standard error", file=sys.stderr)
if os.environ.get("STAY"):
    time.sleep(600)
sys.exit(int(os.environ.get("CODE", "0")))
"""


class Forked:
    """A supervisor whose tasks are forks, and the lines that they printed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: dict[str, list[str]] = {}
        self.shared = folder / "shared_by_all.py"
        self.save("first")
        (folder / "program.py").write_text(PROGRAM)
        self.preloaded = PreloadedProcess("shared_by_all", folder)
        self.supervisor = Supervisor(
            preloaded=self.preloaded, on_lines=lambda name, lines: self.lines.setdefault(name, []).extend(lines)
        )

    def save(self, value: str, code: str = "") -> None:
        """Another content; another time too, however coarse the file system's clock is."""
        before = self.shared.stat().st_mtime_ns if self.shared.exists() else 0
        self.shared.write_text(f"VALUE = {value!r}\n{code}")
        saved = max(self.shared.stat().st_mtime_ns - 10**10, before + 10**9)  # long before what imports it
        os.utime(self.shared, ns=(saved, saved))

    async def run(self, name: str, *, until=ResourceState.DONE, **environment: str) -> list[str]:
        """Runs the program once, and returns what it printed."""
        stays = "STAY" in environment
        spec = Spec(
            name=name,
            kind="task",
            command=(sys.executable, "-m", "program", name),
            folder=self.folder,
            environment={"PYTHONUNBUFFERED": "1", **environment},
            once=not stays,
            ready_line="says" if stays else None,
            forked=True,
        )
        self.supervisor.start([spec])
        async with asyncio.timeout(60):
            async for _ in self.supervisor.changes():
                if self.supervisor[name].state is until:
                    return self.lines[name]
        raise AssertionError(name)


@pytest.fixture
async def forked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    forked = Forked(tmp_path)
    yield forked
    await forked.supervisor.stop()
    forked.preloaded.close()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


async def test_a_fork_is_a_child_of_the_runner_with_arguments_environment_folder_and_output_of_its_own(forked: Forked):
    lines = await forked.run("one", WORD="here")
    assert lines == [f"says first True ['one'] here {forked.folder} {os.getpid()}", "to standard error"]
    assert " None " in (await forked.run("two"))[0]


async def test_a_forks_exit_code_is_the_runners_to_know(forked: Forked):
    await forked.run("one", CODE="3", until=ResourceState.FAILED)
    assert "it exited with code 3" in (forked.supervisor["one"].last_error or "")


async def test_what_was_saved_since_is_imported_anew(forked: Forked):
    await forked.run("one")
    forked.save("second")
    assert "says second True" in (await forked.run("two"))[0]


async def test_without_a_preloaded_process_a_program_starts_by_itself_and_says_what_is_wrong(forked: Forked):
    forked.save("broken", "raise RuntimeError('a line of code is wrong')")
    lines = await forked.run("one", until=ResourceState.FAILED)
    assert lines[-1] == "RuntimeError: a line of code is wrong"
    forked.save("repaired")
    assert "says repaired True" in (await forked.run("two"))[0]


async def test_a_fork_outlives_the_preloaded_process_and_shows_its_own_command(forked: Forked):
    await forked.run("one", STAY="1", until=ResourceState.RUNNING)
    pid = forked.supervisor["one"].pid
    assert pid is not None
    assert f"{sys.executable}\0-m\0program\0one\0" in Path(f"/proc/{pid}/cmdline").read_text()
    assert forked.preloaded.pid is not None
    os.kill(forked.preloaded.pid, signal.SIGKILL)
    assert "says first True" in (await forked.run("two"))[0]  # of another preloaded process
    assert forked.supervisor["one"].pid == pid
    assert forked.supervisor["one"].well


async def test_a_fork_that_the_runner_never_noted_runs_nothing(forked: Forked):
    assert await forked.preloaded.fresh()
    with (forked.folder / "output").open("wb") as output:
        started = forked.preloaded.fork(
            ["program"],
            environment={},
            folder=forked.folder,
            stop_signal=signal.SIGTERM,
            output=output.fileno(),
            inherited={},
        )
        assert started is not None
        pid, go = started
        os.close(go)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    assert (forked.folder / "output").read_bytes() == b""
