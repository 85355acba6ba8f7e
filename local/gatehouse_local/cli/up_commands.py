"""The commands `gate up`, `down`, `status`, `logs` and `reset`: thin, over the runner and its control port."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import click
import msgspec

from gatehouse_catalog import find_root
from gatehouse_local.compose import CONTAINERS
from gatehouse_local.runner import control, view
from gatehouse_local.runner.control import PlatformReport, RunnerClient
from gatehouse_local.runner.platform_specs import DATABASE_STEP, GROUPS, OBSERVE, Location, selection
from gatehouse_local.runner.port_conflicts import Trouble, alive
from gatehouse_local.runner.state import ResourceHealth, ResourceState, hopeless

START_SECONDS = 180.0  # for all to be well; a cold start takes 20
FAILED = 1

root_option = click.option(
    "--root", type=click.Path(exists=True, file_okay=False, path_type=Path), help="The checkout."
)
state_option = click.option(
    "--state", type=click.Path(file_okay=False, path_type=Path), help="Where everything is kept; default: .gate in it."
)
offset_option = click.option(
    "--port-offset", type=click.IntRange(0, 50000), default=0, help="Added to every port, when something is started."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the state as JSON.")


def place_of(root: Path | None, state: Path | None, offset: int = 0) -> Location:
    checkout = find_root(root) if root else find_root()
    return Location(checkout, (state or checkout / ".gate").absolute(), offset)


@click.command()
@click.argument("what", nargs=-1, metavar="[db|api|all|SERVICE]...")
@click.option("--detach", "-d", is_flag=True, help="Return once all is healthy; it goes on in the background.")
@click.option(
    "--engine",
    type=click.Choice(["embedded", "compose"]),
    default="embedded",
    show_default=True,
    help="compose: in containers, by a Docker engine.",
)
@click.option("--observe", is_flag=True, help="Prometheus too: every service's metrics, objectives and alerts.")
@offset_option
@state_option
@root_option
@json_option
def up(
    *,
    what: tuple[str, ...],
    detach: bool,
    engine: str,
    observe: bool,
    port_offset: int,
    state: Path | None,
    root: Path | None,
    as_json: bool,
) -> None:
    """Run the institute on this machine: database, services, one address.

    db is the database alone, api every API, all (the default) the pages too; a service's name brings what it needs.
    A second `gate up` joins the first.
    """
    from gatehouse_local.runner import prometheus_process, runner  # noqa: PLC0415 - `gate status` and the like don't need it

    place = place_of(root, state, port_offset)
    if engine == "compose":
        from gatehouse_local.compose import docker_compose  # noqa: PLC0415 - the embedded engine doesn't need it

        sys.exit(docker_compose.up(place, what, detach=detach, observe=observe, as_json=as_json))
    if in_containers(place):
        raise Trouble("The platform runs in containers, on the same ports. Stop it first: gate down")
    _check_names(place, what)
    runner.preflight(place)
    if observe:
        prometheus_process.find()
        what = (*(what or ("all",)), OBSERVE)
    address = control.find(place.state, wait=True)
    if address is None and not detach:
        claim = control.claim(place.state)
        if claim is not None:
            from gatehouse_local.runner.foreground import run_in_foreground  # noqa: PLC0415 - as above

            sys.exit(run_in_foreground(place, selection(what), claim, as_json=as_json))
        address = control.find(place.state, wait=True)
    ours = address is None
    if address is None:
        address = _start_in_background(place, what)
    sys.exit(_join(place, address, what, ours=ours, as_json=as_json))


def in_containers(place: Location) -> bool:
    """Whether what was started last from here is in containers (docker_compose.py keeps that file)."""
    return (place.state / CONTAINERS).is_file()


def _check_names(place: Location, what: tuple[str, ...]) -> None:
    """Unknown names are told before anything starts, and so is a broken catalog."""
    from gatehouse_catalog import load_catalog  # noqa: PLC0415 - as above

    catalog = load_catalog(place.root)
    for name in what:
        if name not in GROUPS:
            catalog[name]


def _start_in_background(place: Location, what: tuple[str, ...]) -> control.Address:
    from gatehouse_local.runner.runner import Order  # noqa: PLC0415 - as above

    order = Order(str(place.root), str(place.state), place.offset, list(what))
    place.logs.mkdir(parents=True, exist_ok=True)
    ready, ready_end = os.pipe()
    with (place.logs / "runner.out").open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "gatehouse_local.runner.runner", msgspec.json.encode(order).decode()],
            cwd=place.root,
            env=os.environ | {"GATEHOUSE_READY_FD": str(ready_end)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[ready_end],
            start_new_session=True,
        )
    os.close(ready_end)
    with os.fdopen(ready) as words:
        said = words.read()
    if said != "ready":
        last = (place.logs / "runner.out").read_text(errors="replace").strip().splitlines()[-15:]
        process.wait()
        raise Trouble(said or "\n".join(["The runner ended at once. Its last words:", *last]))
    process.returncode = 0  # it outlives us on purpose; without this Python would warn of a running child
    address = control.find(place.state, wait=True)
    if address is None:
        raise Trouble("The runner ended at once. Its last words: gate logs runner")
    return address


def _join(place: Location, address: control.Address, what: tuple[str, ...], *, ours: bool, as_json: bool) -> int:
    client = RunnerClient(address)
    wanted = set(client.ask("start", wanted=list(what)))
    write = (lambda _text: None) if as_json else click.echo
    if not ours:
        write(f"Gatehouse runs already (process {address.pid}); joining it as it was started.")
    report, failing = _until_settled(client, wanted, write)
    if as_json:
        click.echo(_json(report))
    elif not failing:
        write(view.plain_table(report))
        write("")
        write(view.address_lines(report, frozenset(what)))
        write("\nStop it: gate down   Look at it: gate status, gate logs -f")
    if failing:
        _explain(report, failing)
        if ours:  # a command that fails leaves what was there as it was
            _stop(place, client)
            click.echo("Everything that was started is stopped again.", err=True)
        return FAILED
    return 0


def _until_settled(client: RunnerClient, wanted: set[str], write) -> tuple[PlatformReport, list[str]]:
    """Shows what happens until all of `wanted` is well, or some of it won't be: their names."""
    changes, notice, seen = view.ReportChanges(), 0, -1
    deadline = time.monotonic() + START_SECONDS
    while True:
        report = client.report(seen=seen, notice=notice)
        seen, notice = report.version, max(report.notices, default=notice)
        for line in changes.lines(report.resources):
            write(line)
        for text in report.notices.values():
            write(text.splitlines()[0])  # what a process printed last is shown at the end, if it stays so
        mine = [row for row in report.resources if row.name in wanted]
        failing = [row.name for row in mine if hopeless(row)]
        bad = [
            row.name for row in mine if row.state is not ResourceState.DONE and row.health is not ResourceHealth.HEALTHY
        ]
        if failing or not bad:
            return report, failing
        if time.monotonic() > deadline:
            return report, bad


def _explain(report: PlatformReport, failing: list[str]) -> None:
    for row in report.resources:
        if row.name in failing:
            click.echo(f"Error: {row.name} isn't healthy: {row.last_error or row.state}", err=True)
            for line in report.last_lines.get(row.name, []):
                click.echo(f"    {line}", err=True)
    if DATABASE_STEP in failing:
        click.echo("To begin anew with the test data (what is in the database is lost): gate reset", err=True)
    click.echo(f"More: gate logs {' '.join(failing)}", err=True)


@click.command()
@state_option
@root_option
def down(state: Path | None, root: Path | None) -> None:
    """Stop everything; the data stays."""
    place = place_of(root, state)
    if in_containers(place):
        from gatehouse_local.compose import docker_compose  # noqa: PLC0415 - as above

        docker_compose.down(place)
        return
    address = control.find(place.state, wait=True)
    if address is None:
        control.file_of(place.state).unlink(missing_ok=True)
        click.echo("Nothing is running.")
        return
    _stop(place, RunnerClient(address))
    click.echo("Gatehouse is down. The data stays: gate up brings it back.")


def _stop(place: Location, client: RunnerClient) -> None:
    address = control.find(place.state)
    client.ask("down")
    client.close()
    deadline = time.monotonic() + 30
    while control.find(place.state) is not None or (address and _lives(address.pid)):
        if time.monotonic() > deadline:
            raise Trouble(
                f"The runner (process {address.pid if address else '?'}) doesn't end. Its words: gate logs runner"
            )
        time.sleep(0.02)


def _lives(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):  # the runner of this very command would stay as a zombie
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    return alive(pid)


@click.command()
@state_option
@root_option
@json_option
def status(state: Path | None, root: Path | None, as_json: bool) -> None:
    """Show what runs: state, health, port, uptime, restarts."""
    place = place_of(root, state)
    if in_containers(place):
        from gatehouse_local.compose import docker_compose  # noqa: PLC0415 - as above

        docker_compose.status(place, as_json=as_json)
        return
    address = control.find(place.state, wait=True)
    if address is None:
        if as_json:
            click.echo(_json(PlatformReport(0, 0, str(place.state), None, None)))
        else:
            click.echo("Nothing is running. Start it: gate up")
        return
    report = RunnerClient(address).report()
    if as_json:
        click.echo(_json(report))
    elif sys.stdout.isatty():
        from rich.console import Console  # noqa: PLC0415 - 60 ms that a pipe doesn't need

        Console().print(view.table(report))
    else:
        click.echo(view.plain_table(report))


def _json(report: PlatformReport) -> str:
    return msgspec.json.format(msgspec.json.encode(report)).decode()


@click.command()
@click.argument("names", nargs=-1, metavar="[SERVICE]...")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes.")
@click.option("-n", "count", type=click.IntRange(0), default=40, show_default=True, help="Lines of each at first.")
@state_option
@root_option
def logs(names: tuple[str, ...], follow: bool, count: int, state: Path | None, root: Path | None) -> None:
    """Show what services print, of all or of those named (postgres, database, edge and runner as well)."""
    from gatehouse_local.runner import logs as kept  # noqa: PLC0415 - the command has the same name

    place = place_of(root, state)
    if in_containers(place):
        from gatehouse_local.compose import docker_compose  # noqa: PLC0415 - as above

        sys.exit(docker_compose.logs(place, names, follow=follow, count=count))
    folder = place.logs
    there = {path.stem: path for path in sorted(folder.glob("*.log"))}
    unknown = [name for name in names if name not in there]
    if unknown and not follow:
        raise Trouble(f"There is no log of {', '.join(unknown)} in {folder}. There are: {', '.join(there) or 'none'}.")
    paths = {name: folder / f"{name}.log" for name in (names or there)}
    width = max(map(len, paths), default=0) if len(paths) > 1 else 0
    following = kept.follow(paths) if follow else None
    for name, path in paths.items():
        for line in kept.tail(path, count):
            click.echo(_prefixed(name, line, width))
    try:
        for name, line in following or ():
            click.echo(_prefixed(name, line, width))
    except KeyboardInterrupt:
        pass


def _prefixed(name: str, line: str, width: int) -> str:
    shown = view.readable(line) if sys.stdout.isatty() else line
    return f"{name:<{width}} | {shown}" if width else shown


@click.command()
@offset_option
@state_option
@root_option
def reset(port_offset: int, state: Path | None, root: Path | None) -> None:
    """Put the test data back, in under a second; services keep running.

    When nothing runs, the database is started for it and stopped again.
    """
    place = place_of(root, state, port_offset)
    if in_containers(place):
        raise Trouble("With containers: gate down, docker compose -f local/compose.yaml down --volumes, and up again")
    address = control.find(place.state, wait=True)
    ours = address is None
    if address is None:
        address = _start_in_background(place, ("db",))
    client = RunnerClient(address)
    began = time.monotonic()
    try:
        said = client.ask("reset")
    finally:
        if ours:
            _stop(place, client)
    click.echo(f"{said} ({time.monotonic() - began:.1f} s)")
