"""The commands `gate stop`, `restart` and `debug`: one service of the running platform at a time."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click

from gatehouse_local.cli.up_commands import in_containers, location_of, root_option, state_option
from gatehouse_local.runner import control
from gatehouse_local.runner.control import RunnerClient
from gatehouse_local.runner.platform_specs import Location
from gatehouse_local.runner.port_conflicts import Trouble, bind

# Of the terminal, even where the runner has others.
OF_TERMINAL = ("TERM", "COLORTERM", "NO_COLOR", "PYTHONBREAKPOINT")
names_argument = click.argument("names", nargs=-1, required=True, metavar="SERVICE...")


def running(place: Location, command: str) -> RunnerClient:
    """A client of the runner. Raises Trouble if none runs, or the platform is in containers."""
    if in_containers(place):
        raise Trouble(
            f"gate {command} works on the embedded engine, and the platform runs in containers. "
            "Use docker compose -f local/compose.yaml instead."
        )
    address = control.find(place.state, wait=True)
    if address is None:
        raise Trouble("Nothing is running. Start: gate up")
    return RunnerClient(address)


@click.command()
@names_argument
@state_option
@root_option
def stop(names: tuple[str, ...], state: Path | None, root: Path | None) -> None:
    """Stop single services, such as person; the others keep running.

    Their ports are free then. `gate restart` or `gate up` starts them again.
    """
    stopped = running(location_of(root, state), "stop").ask("stop", names=list(names))
    click.echo(f"Stopped {', '.join(stopped)}. Start again: gate restart {' '.join(stopped)}")


@click.command()
@names_argument
@state_option
@root_option
def restart(names: tuple[str, ...], state: Path | None, root: Path | None) -> None:
    """Restart single services, such as person, without refusing a request.

    A service that was stopped starts again; `database` applies the database configuration once more.
    """
    client = running(location_of(root, state), "restart")
    began = time.monotonic()
    restarted = client.ask("restart", names=list(names))
    click.echo(f"Restarted {', '.join(restarted)} ({time.monotonic() - began:.1f} s).")


@click.command()
@click.argument("name", metavar="SERVICE")
@state_option
@root_option
def debug(name: str, state: Path | None, root: Path | None) -> None:
    """Run one service in this terminal, so that breakpoint() stops in it.

    It takes the service's place in the running platform: same port, settings and database. Stop it with Ctrl-C; then
    the runner starts it again.
    """
    place = location_of(root, state)
    client = running(place, "debug")
    how = client.ask("debug", name=name)
    click.echo(f"{name} runs here, at http://127.0.0.1:{how['port']}. Stop it with Ctrl-C.", err=True)
    try:
        code = run_in_terminal(name, how)
    finally:
        with contextlib.suppress(OSError):  # the terminal may be gone
            click.echo(f"Starting {name} in the background again ...", err=True)
        client.ask("restart", names=[name])
    sys.exit(0 if code == -signal.SIGINT else code)


def run_in_terminal(name: str, how: dict[str, Any]) -> int:
    """Runs the service in the foreground on its own port until it ends; its exit code, negative for a signal."""
    environment = {**os.environ, **how["environment"]}
    for key in OF_TERMINAL:
        environment.pop(key, None)
        if key in os.environ:
            environment[key] = os.environ[key]
    with bind({name: how["port"]})[name] as listener:
        environment["GATEHOUSE_LISTEN_FD"] = str(listener.fileno())
        process = subprocess.Popen(  # noqa: S603 - the runner's own command
            how["command"], env=environment, cwd=how["folder"], pass_fds=[listener.fileno()]
        )
        # Ctrl-C is for the service, which gets it from the terminal too; this process waits for its end.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: process.terminate())
        try:
            return process.wait()
        finally:
            signal.signal(signal.SIGINT, before)
