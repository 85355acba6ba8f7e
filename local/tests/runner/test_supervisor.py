import asyncio
import contextlib
import os
import signal
import socket
import sys

import psutil
import pytest

from gatehouse_local.runner import probe
from gatehouse_local.runner.process import Guardian
from gatehouse_local.runner.resource import Spec
from gatehouse_local.runner.state import ResourceState
from gatehouse_local.runner.supervisor import Supervisor


class World:
    """A supervisor with fake services, and what it told."""

    def __init__(self, folder, command, ports):
        self.folder, self.command, self.ports = folder, command, ports
        self.notices: list[str] = []
        self.lines: list[tuple[str, str]] = []
        self.listeners: dict[str, socket.socket] = {}
        self.supervisor = Supervisor(
            logs=folder / "logs",
            on_lines=lambda name, lines: self.lines.extend((name, line) for line in lines),
            on_notice=self.notices.append,
        )

    def service(self, name, *needs, **environment) -> Spec:
        [port] = self.ports(1)
        listener = socket.socket()
        listener.bind(("127.0.0.1", port))
        listener.listen(1024)
        self.listeners[name] = listener
        return Spec(
            name=name,
            kind="api",
            command=self.command,
            folder=self.folder,
            needs=needs,
            port=port,
            ready_path="/health/ready",
            environment={key: str(value) for key, value in environment.items()},
        )

    def task(self, name, code, *needs) -> Spec:
        return Spec(
            name=name, kind="task", command=(sys.executable, "-Sc", code), folder=self.folder, needs=needs, once=True
        )

    def start(self, *specs):
        self.supervisor.start(list(specs), self.listeners)

    async def until(self, condition, seconds=60):
        async with asyncio.timeout(seconds):
            async for _ in self.supervisor.changes():
                if condition():
                    return

    async def until_well(self, *names):
        await self.until(lambda: all(self.supervisor[name].well for name in names))

    async def ask(self, spec, path="/") -> str:
        return (await probe.get(spec.port, path)).body.decode()

    def state(self, name):
        return self.supervisor[name].state


async def eventually(condition, seconds=60):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
async def world(tmp_path, fake_command, free_ports):
    world = World(tmp_path, fake_command, free_ports)
    yield world
    await world.supervisor.stop()
    for listener in world.listeners.values():
        listener.close()


async def test_services_start_in_the_order_of_their_needs(world):
    world.start(
        world.service("portal", "person"),
        world.service("person", "database"),
        world.task("database", "print('applied')"),
    )
    await world.until_well("portal", "person", "database")
    assert [name for name, _ in world.lines] == ["database", "person", "portal"]


async def test_what_needs_a_failed_task_waits_and_the_last_lines_are_shown(world):
    world.start(
        world.service("person", "database"), world.task("database", "print('no such column'); raise SystemExit(2)")
    )
    await world.until(lambda: world.state("database") is ResourceState.FAILED)
    assert world.state("person") is ResourceState.WAITING
    assert world.notices == ["database failed: it exited with code 2\n    no such column"]


async def test_a_failed_task_runs_again_when_told(world):
    marker = world.folder / "fixed"
    world.start(
        world.task("database", f"import os, sys; sys.exit(not os.path.exists({str(marker)!r}))"),
        world.service("person", "database"),
    )
    await world.until(lambda: world.state("database") is ResourceState.FAILED)
    marker.touch()
    world.supervisor.reload("database")
    await world.until_well("database", "person")


async def test_a_crash_restarts_with_a_new_process_and_shows_the_last_lines(world):
    spec = world.service("person")
    world.start(spec)
    await world.until_well("person")
    before = world.supervisor["person"].pid
    with contextlib.suppress(probe.NoAnswer):
        await world.ask(spec, "/die")
    await world.until(lambda: world.supervisor["person"].restarts == 1 and world.supervisor["person"].well)
    assert world.supervisor["person"].pid != before
    assert world.notices[0].startswith("person is down: it exited with code 3\n    serving as")
    assert "asked to die" in world.notices[0]


async def test_a_service_that_cannot_start_is_tried_again_until_it_can(world):
    fault = world.folder / "fault"
    fault.touch()
    world.start(world.service("person", FAKE_CRASH=fault))
    await world.until(lambda: world.supervisor["person"].restarts >= 2)
    assert "last words: a line of code is wrong" in world.notices[0]
    fault.unlink()
    await world.until_well("person")


async def test_a_program_that_is_not_there_is_told(world):
    world.start(Spec(name="person", kind="api", command=("/nowhere/python",), folder=world.folder))
    await world.until(lambda: world.supervisor["person"].restarts >= 1)
    assert world.notices[0] == "person: /nowhere/python can't be started: No such file or directory"


async def test_a_service_that_loses_its_readiness_is_seen(world, monkeypatch):
    monkeypatch.setattr("gatehouse_local.runner.resource.HEALTH_SECONDS", 0.05)
    away = world.folder / "away"
    world.start(world.service("person", FAKE_UNREADY=away))
    await world.until_well("person")
    away.touch()
    await world.until(lambda: world.supervisor["person"].last_error == "not ready: told so")
    away.unlink()
    await world.until_well("person")


async def test_a_reload_swaps_the_process_and_refuses_no_request(world):
    text = world.folder / "text"
    text.write_text("old")
    spec = world.service("person", FAKE_FILE=text, FAKE_DELAY=0.01)
    world.start(spec)
    await world.until_well("person")
    old = world.supervisor["person"].pid
    answers: list[str] = []
    stop = asyncio.Event()

    async def visit():
        while not stop.is_set():
            answers.append(await world.ask(spec))

    visitors = [asyncio.create_task(visit()) for _ in range(4)]
    text.write_text("new")
    world.supervisor.reload("person")
    await world.until(lambda: world.supervisor["person"].pid not in (old, None))
    await eventually(lambda: not psutil.pid_exists(old))
    stop.set()
    await asyncio.gather(*visitors)
    assert {answer.split()[1] for answer in answers} <= {"old", "new"}
    assert (await world.ask(spec)).endswith("new")
    assert world.supervisor["person"].restarts == 0


async def test_a_broken_save_keeps_the_old_process(world):
    fault = world.folder / "fault"
    spec = world.service("person", FAKE_CRASH=fault)
    world.start(spec)
    await world.until_well("person")
    old = world.supervisor["person"].pid
    fault.touch()
    world.supervisor.reload("person")
    await world.until(lambda: world.supervisor["person"].last_error is not None)
    assert world.supervisor["person"].well
    assert (await world.ask(spec)).split()[0] == str(old)
    assert "the old process keeps running\n" in world.notices[-1]
    assert "last words: a line of code is wrong" in world.notices[-1]
    fault.unlink()
    world.supervisor.reload("person")
    await world.until(lambda: world.supervisor["person"].pid != old)
    assert world.supervisor["person"].last_error is None


async def test_a_save_during_the_pause_after_a_crash_ends_the_pause(world):
    fault = world.folder / "fault"
    fault.touch()
    world.start(world.service("person", FAKE_CRASH=fault))
    await world.until(lambda: world.supervisor["person"].restarts >= 3)
    fault.unlink()
    world.supervisor.reload("person")
    await world.until_well("person")


async def test_many_saves_never_leave_more_than_one_process(world):
    spec = world.service("person")
    world.start(spec)
    await world.until_well("person")
    for _ in range(5):
        world.supervisor.reload("person")
        await world.until(lambda: world.state("person") is ResourceState.RELOADING)
    await world.until(lambda: world.state("person") is ResourceState.RUNNING)
    await eventually(lambda: len(children_running(world.command)) == 1)


def children_running(command) -> list[int]:
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended while we looked
            found += [child.pid] if child.cmdline()[:3] == list(command) else []
    return found


async def test_more_services_can_be_started_later(world):
    world.start(world.service("identity"))
    await world.until_well("identity")
    world.start(world.service("person", "identity"))
    await world.until_well("person")


async def test_stopping_leaves_nothing_and_stops_who_is_needed_last(world):
    world.start(world.service("identity"), world.service("person", "identity"))
    await world.until_well("identity", "person")
    pids = [resource.pid for resource in world.supervisor.resources]
    stopped: list[str] = []

    async def look_on():
        async for resources in world.supervisor.changes():
            stopped.extend(r.name for r in resources if r.state is ResourceState.STOPPED and r.name not in stopped)
            if len(stopped) == 2:
                return

    onlooker = asyncio.create_task(look_on())
    await world.supervisor.stop()
    await onlooker
    assert stopped == ["person", "identity"]
    assert not any(psutil.pid_exists(pid) for pid in pids)


async def test_stopping_in_the_middle_of_starting_is_orderly(world):
    world.start(world.service("identity"), world.service("person", "identity"), world.service("portal", "person"))
    await world.until_well("identity")
    await world.supervisor.stop()
    assert {resource.state for resource in world.supervisor.resources} == {ResourceState.STOPPED}
    assert world.notices == []
    assert children_running(world.command) == []


async def test_a_process_deaf_to_its_signal_is_killed(world):
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )
    spec = Spec(
        name="deaf",
        kind="api",
        command=(sys.executable, "-Sc", code),
        folder=world.folder,
        ready_line="deaf",
        stop_seconds=0.1,
    )
    world.start(spec)
    await world.until_well("deaf")
    pid = world.supervisor["deaf"].pid
    await world.supervisor.stop()
    assert not psutil.pid_exists(pid)


async def test_what_a_process_leaves_behind_ends_with_it(world):
    code = (
        "import subprocess, sys, time; p = subprocess.Popen(['sleep', '600']); print('pid', p.pid, flush=True); "
        "time.sleep(600)"
    )
    world.start(
        Spec(
            name="parent",
            kind="api",
            command=(sys.executable, "-Sc", code),
            folder=world.folder,
            ready_line="pid",
        )
    )
    await world.until_well("parent")
    grandchild = int(world.lines[0][1].split()[1])
    os.kill(world.supervisor["parent"].pid, signal.SIGKILL)
    await world.until(lambda: world.supervisor["parent"].restarts == 1)
    await eventually(lambda: gone(grandchild))


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_a_killed_guardian_is_replaced(tmp_path, fake_command, free_ports):
    guardian = Guardian()
    first = guardian.pid
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    guardian.add(os.getpid(), signal.SIGCONT)
    guardian.remove(os.getpid())
    assert guardian.pid != first
    guardian.dismiss()
    assert not psutil.pid_exists(guardian.pid)
