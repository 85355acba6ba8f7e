"""The commands `gate up`, `down`, `status`, `logs` and `reset`: thin wrappers around the runner's control port."""

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

START_SECONDS = 180.0  # until everything is healthy; a cold start takes 20
STANDSTILL_SECONDS = 60.0  # `gate down` gives up once nothing has ended for so long
FAILED = 1

root_option = click.option(
    "--root", type=click.Path(exists=True, file_okay=False, path_type=Path), help="The checkout."
)
state_option = click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="The state folder (default: .gate in the checkout).",
)
offset_option = click.option("--port-offset", type=click.IntRange(0, 50000), default=0, help="Added to every port.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print the status as JSON.")


def location_of(root: Path | None, state: Path | None, offset: int = 0) -> Location:
    checkout = find_root(root) if root else find_root()
    return Location(checkout, (state or checkout / ".gate").absolute(), offset)


@click.command()
@click.argument("what", nargs=-1, metavar="[db|api|all|SERVICE]...")
@click.option(
    "--detach", "-d", is_flag=True, help="Return once everything is healthy; it keeps running in the background."
)
@click.option(
    "--engine",
    type=click.Choice(["embedded", "compose"]),
    default="embedded",
    show_default=True,
    help="compose runs containers on a Docker engine.",
)
@click.option("--observe", is_flag=True, help="Run Prometheus too: metrics, objectives and alerts of every service.")
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

    db starts the database alone, api every API, all (the default) the portal too; a service's name starts it and what
    it needs. If Gatehouse is already running, the command joins it.
    """
    from gatehouse_local.runner import prometheus_process, runner  # noqa: PLC0415 - `gate status` doesn't need it

    place = location_of(root, state, port_offset)
    if engine == "compose":
        from gatehouse_local.compose import docker_compose  # noqa: PLC0415 - the embedded engine doesn't need it

        sys.exit(docker_compose.up(place, what, detach=detach, observe=observe, as_json=as_json))
    if in_containers(place):
        raise Trouble("The platform is running in containers, on the same ports. Stop it first: gate down")
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
    started_here = address is None
    if address is None:
        address = _start_in_background(place, what)
    sys.exit(_join(place, address, what, started_here=started_here, as_json=as_json))


def in_containers(place: Location) -> bool:
    """Whether the platform of this state folder was started in containers (docker_compose.py writes that file)."""
    return (place.state / CONTAINERS).is_file()


def _check_names(place: Location, what: tuple[str, ...]) -> None:
    """Refuses unknown names and an invalid catalog before anything starts."""
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
    with os.fdopen(ready) as pipe:
        answer = pipe.read()
    if answer != "ready":
        last = (place.logs / "runner.out").read_text(errors="replace").strip().splitlines()[-15:]
        process.wait()
        raise Trouble(answer or "\n".join(["The runner exited at once. Last output:", *last]))
    process.returncode = 0  # it outlives this command on purpose; else Python would warn of a running child
    address = control.find(place.state, wait=True)
    if address is None:
        raise Trouble("The runner exited at once. See: gate logs runner")
    return address


def _join(
    place: Location, address: control.Address, what: tuple[str, ...], *, started_here: bool, as_json: bool
) -> int:
    client = RunnerClient(address)
    wanted = set(client.ask("start", wanted=list(what)))
    write = (lambda _text: None) if as_json else click.echo
    if not started_here:
        write(f"Gatehouse is already running (process {address.pid}); joining it.")
    report, failing = _until_settled(client, wanted, write)
    if as_json:
        click.echo(_json(report))
    elif not failing:
        write(view.plain_table(report))
        write("")
        write(view.address_lines(report, frozenset(what)))
        write("\nStop: gate down   Status: gate status   Logs: gate logs -f")
    if failing:
        _explain(report, failing)
        if started_here:  # a command that fails leaves everything as it was
            _stop(place, client)
            click.echo("Stopped everything that was started.", err=True)
        return FAILED
    return 0


def _until_settled(client: RunnerClient, wanted: set[str], write) -> tuple[PlatformReport, list[str]]:
    """Prints progress until all of `wanted` is healthy or some won't be; returns the report and the names of those."""
    changes, notice, seen = view.ReportChanges(), 0, -1
    deadline = time.monotonic() + START_SECONDS
    while True:
        report = client.report(seen=seen, notice=notice)
        seen, notice = report.version, max(report.notices, default=notice)
        for line in changes.lines(report.resources):
            write(line)
        for text in report.notices.values():
            write(text.splitlines()[0])  # the process's last output is shown at the end if it stays down
        rows = [row for row in report.resources if row.name in wanted]
        failing = [row.name for row in rows if hopeless(row)]
        pending = [
            row.name for row in rows if row.state is not ResourceState.DONE and row.health is not ResourceHealth.HEALTHY
        ]
        if failing or not pending:
            return report, failing
        if time.monotonic() > deadline:
            return report, pending


def _explain(report: PlatformReport, failing: list[str]) -> None:
    for row in report.resources:
        if row.name in failing:
            click.echo(f"Error: {row.name} isn't healthy: {row.last_error or row.state}", err=True)
            for line in report.last_lines.get(row.name, []):
                click.echo(f"    {line}", err=True)
    if DATABASE_STEP in failing:
        click.echo("To start over with the test data (the database's content is lost): gate reset", err=True)
    click.echo(f"More: gate logs {' '.join(failing)}", err=True)


@click.command()
@state_option
@root_option
def down(state: Path | None, root: Path | None) -> None:
    """Stop everything; the data is kept."""
    place = location_of(root, state)
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
    click.echo("Gatehouse is stopped. Its data is kept. Start again: gate up")


def _stop(place: Location, client: RunnerClient) -> None:
    """Waits as long as one process after the other ends, however slow the machine. Raises Trouble once none does."""
    address = control.find(place.state)
    client.ask("down")
    left, patient_until = _left(client), time.monotonic() + STANDSTILL_SECONDS
    while control.find(place.state) is not None or (address and _lives(address.pid)):
        before, left = left, _left(client)
        if left != before:
            patient_until = time.monotonic() + STANDSTILL_SECONDS
        elif time.monotonic() > patient_until:
            runner = f"The runner (process {address.pid if address else '?'})"
            what = f"{', '.join(left)} still run" if left else "it doesn't exit"
            raise Trouble(f"{runner} doesn't stop: {what} after {STANDSTILL_SECONDS:g} s. See: gate logs runner")
        time.sleep(0.05)
    client.close()


def _left(client: RunnerClient) -> list[str]:
    """The resources that still have a process, as long as the runner says so."""
    with contextlib.suppress(Trouble):
        return [one.name for one in client.report().resources if one.pid is not None]
    return []


def _lives(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):  # a runner started by this command would stay as a zombie
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    return alive(pid)


@click.command()
@state_option
@root_option
@json_option
def status(state: Path | None, root: Path | None, as_json: bool) -> None:
    """Show what is running: state, health, port, uptime, restarts."""
    place = location_of(root, state)
    if in_containers(place):
        from gatehouse_local.compose import docker_compose  # noqa: PLC0415 - as above

        docker_compose.status(place, as_json=as_json)
        return
    address = control.find(place.state, wait=True)
    if address is None:
        if as_json:
            click.echo(_json(PlatformReport(0, 0, str(place.state), None, None)))
        else:
            click.echo("Nothing is running. Start: gate up")
        return
    report = RunnerClient(address).report()
    if as_json:
        click.echo(_json(report))
    elif sys.stdout.isatty():
        from rich.console import Console  # noqa: PLC0415 - 60 ms that a pipe doesn't need

        console = Console()
        console.print(view.table(report, console.width))
    else:
        click.echo(view.plain_table(report))


def _json(report: PlatformReport) -> str:
    return msgspec.json.format(msgspec.json.encode(report)).decode()


@click.command()
@click.argument("names", nargs=-1, metavar="[SERVICE]...")
@click.option("--follow", "-f", is_flag=True, help="Keep printing new lines.")
@click.option("-n", "count", type=click.IntRange(0), default=40, show_default=True, help="Lines to show per service.")
@click.option("--trace", metavar="ID", help="Show one request through all services: a request id or a trace id.")
@state_option
@root_option
def logs(
    names: tuple[str, ...], follow: bool, count: int, trace: str | None, state: Path | None, root: Path | None
) -> None:
    """Show the logs of all services, or of those named (also postgres, database, edge, runner), in order of time."""
    from gatehouse_local.cli.log_order import NoRequestId, in_order, of_request  # noqa: PLC0415 - as above
    from gatehouse_local.runner.logs import follow_files, tail  # noqa: PLC0415 - as above

    if trace is not None and follow:
        raise click.UsageError("--trace shows what was logged; it can't --follow.")
    place = location_of(root, state)
    if in_containers(place):
        from gatehouse_local.compose import docker_compose  # noqa: PLC0415 - as above

        if trace is not None:
            raise Trouble("--trace reads the runner's logs. Containers: docker compose logs | grep ID")
        sys.exit(docker_compose.logs(place, names, follow=follow, count=count))
    folder = place.logs
    existing = {path.stem: path for path in sorted(folder.glob("*.log"))}
    unknown = [name for name in names if name not in existing]
    if unknown and not follow:
        raise Trouble(f"{folder} has no log of {', '.join(unknown)}. Known: {', '.join(existing) or 'none'}.")
    paths = {name: folder / f"{name}.log" for name in (names or existing)}
    width = max(map(len, paths), default=0) if len(paths) > 1 else 0
    if trace is not None:
        try:
            lines = of_request(paths, trace)
        except NoRequestId as error:
            raise click.BadParameter(str(error), param_hint="--trace") from None
        if not lines:
            raise Trouble(f"No line of {', '.join(paths) or 'any service'} belongs to {trace}. Logs: {folder}")
        for name, line in lines:
            click.echo(_prefixed(name, line, width))
        return
    following = follow_files(paths) if follow else None
    for name, line in in_order({name: tail(path, count) for name, path in paths.items()}):
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
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option("--backup/--no-backup", default=None, help="Back the database up first (asked on a terminal).")
def reset(*, port_offset: int, state: Path | None, root: Path | None, yes: bool, backup: bool | None) -> None:
    """Restore the test data in under a second; services keep running.

    Everything entered since then is lost, so it asks first on a terminal, and offers a backup. If nothing is running,
    the database is started for the reset and stopped afterwards. Containers are removed with their data and started
    again, without a backup.
    """
    place = location_of(root, state, port_offset)
    contained = in_containers(place)
    if contained and backup:
        raise Trouble("The platform runs in containers, and gate db backup works on the embedded engine only.")
    if sys.stdin.isatty() and not yes:
        click.confirm("Everything entered since the test data was loaded is deleted for good. Go on?", abort=True)
        if backup is None and not contained:
            backup = click.confirm("Back it up first? `gate db restore` brings it back.", default=True)
    if contained:
        from gatehouse_local.compose import docker_compose  # noqa: PLC0415 - as above

        sys.exit(docker_compose.reset(place))
    address = control.find(place.state, wait=True)
    started_here = address is None
    if address is None:
        address = _start_in_background(place, ("db",))
    client = RunnerClient(address)
    began = time.monotonic()
    try:
        if backup:
            from gatehouse_local.cli.database_commands import make_backup  # noqa: PLC0415 - it imports this module

            make_backup(place, client.ask("settled database"))
        message = client.ask("reset")
    finally:
        if started_here:
            _stop(place, client)
    click.echo(f"{message} ({time.monotonic() - began:.1f} s)")
