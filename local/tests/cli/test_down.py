"""`gate down` waits for a slow runner as long as its processes go on ending, and says which don't."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from gatehouse_local.cli import up_commands
from gatehouse_local.runner import control

# A runner whose processes end one after the other, each `pause` seconds after the one before; the last `stuck` never.
RUNNER = """
import asyncio, sys
from pathlib import Path
from gatehouse_local.runner import control
from gatehouse_local.runner.state import ResourceHealth, ResourceState, ResourceStatus

pause, stuck = float(sys.argv[2]), int(sys.argv[3])

def status(name):
    return ResourceStatus(name, "api", ResourceState.RUNNING, ResourceHealth.HEALTHY, 1, 1, 1.0, 0, None, None)

async def run():
    claim = control.claim(Path(sys.argv[1]))
    left, asked = ["portal", "ledger", "person", "postgres"], asyncio.Event()

    async def report(request):
        return control.PlatformReport(1, 1, "", None, None, [status(name) for name in left])

    async def down(request):
        asked.set()

    server = control.Server({"status": report, "down": down})
    claim.publish(await server.start())
    print("ready", flush=True)
    await asked.wait()
    while len(left) > stuck:
        await asyncio.sleep(pause)
        left.pop(0)
    if stuck:
        await asyncio.sleep(60)
    await server.close()
    claim.release()

asyncio.run(run())
"""


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Callable[[float, int], None]]:
    started: list[subprocess.Popen[str]] = []

    def start(pause: float, stuck: int) -> None:
        command = [sys.executable, "-c", RUNNER, str(tmp_path), str(pause), str(stuck)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout is not None
        assert started[-1].stdout.readline() == "ready\n"

    yield start
    for one in started:
        one.kill()
        one.communicate()


def test_it_waits_while_one_after_the_other_ends(
    runner: Callable[[float, int], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up_commands, "STANDSTILL_SECONDS", 0.6)
    runner(0.25, 0)
    began = time.monotonic()
    done = CliRunner().invoke(up_commands.down, ["--state", str(tmp_path)])
    assert (done.exit_code, control.find(tmp_path)) == (0, None), done.output
    assert time.monotonic() - began > up_commands.STANDSTILL_SECONDS


def test_it_says_what_does_not_end(
    runner: Callable[[float, int], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up_commands, "STANDSTILL_SECONDS", 0.2)
    runner(0.0, 1)
    done = CliRunner().invoke(up_commands.down, ["--state", str(tmp_path)])
    assert "postgres still run after 0.2 s" in str(done.exception)
