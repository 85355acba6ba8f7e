"""`gate up --engine compose`: the platform in containers, with Docker Compose and local/compose.yaml.

Starts, inspects and stops containers through Compose and the engine; compose_file.py defines them. `compose.json` in
the state folder records that the platform runs in containers, so `gate status`, `logs` and `down` find it.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from gatehouse_catalog import Catalog, load_catalog
from gatehouse_ci.images import build, docker
from gatehouse_local.compose import CONTAINERS, compose_file
from gatehouse_local.runner import control, port_conflicts, view
from gatehouse_local.runner.control import PlatformReport
from gatehouse_local.runner.platform_specs import Location
from gatehouse_local.runner.port_conflicts import Trouble
from gatehouse_local.runner.secrets import write_private
from gatehouse_local.runner.state import ResourceHealth, ResourceState, ResourceStatus

START_SECONDS = 300.0  # until everything is healthy, images built; 6 services take 40 on two cores
MOST_RESTARTS = 5  # while it starts; the engine restarts what ends with an error for ever
POLL_SECONDS = 0.5
LAST_LINES = 15
_DATABASE_TASK = "-database"


class StartedProfiles(msgspec.Struct, frozen=True):
    """The content of compose.json: which profiles were started."""

    profiles: list[str]


def file_of(state: Path) -> Path:
    return state / CONTAINERS


def started(state: Path) -> StartedProfiles | None:
    """The profiles started in containers from this state folder; None if none were."""
    try:
        return msgspec.json.decode(file_of(state).read_bytes(), type=StartedProfiles)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


class Compose:
    """Docker Compose on this checkout's file. Raises NoEngine or Trouble if the engine or Compose is missing."""

    def __init__(self, place: Location) -> None:
        self.place = place
        self.engine = docker.find()
        self.catalog: Catalog = load_catalog(place.root)
        self._program = _program()

    def command(self, *words: str, profiles: Iterable[str] | None = None) -> list[str]:
        """Compose's command line, for all profiles by default."""
        chosen = sorted(
            [*compose_file.profiles_of(self.catalog), compose_file.OBSERVABILITY] if profiles is None else profiles
        )
        named = [word for name in chosen for word in ("--profile", name)]
        return [*self._program, "--file", str(self.place.root / compose_file.FILE), *named, *words]

    def ask(self, *words: str, why: str, profiles: Iterable[str] | None = None) -> str:
        """The output of a Compose command. Raises Trouble, beginning with `why`."""
        done = subprocess.run(  # noqa: S603 - Compose's own command
            self.command(*words, profiles=profiles), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Trouble(f"{why}:\n{docker.last(done.stderr or done.stdout)}")
        return done.stdout

    def build(self, profiles: Iterable[str], report: Callable[[str], None]) -> None:
        """Builds the images that the profiles start from the checkout."""
        containers = compose_file.document(self.catalog)["services"]
        wanted = {name for name, container in containers.items() if set(container["profiles"]) & set(profiles)}
        images = [image for image in build.images_of(self.catalog) if image.name in wanted]
        # By its tag: a stand-in, where no registry can be reached, has no digest.
        base = build.base_of(self.place.root).partition("@")[0]
        build.build(self.engine, self.place.root, images, base=base, measure=False, report=report)
        if compose_file.SECRETS in wanted:
            self.ask("build", compose_file.SECRETS, why="The image of the edge can't be built")

    def rows(self) -> list[ResourceStatus]:
        """The state of each container, as `gate status` shows it."""
        ids = self.ask("ps", "--all", "--quiet", why="Compose can't list its containers").split()
        if not ids:
            return []
        containers = json.loads(self.engine.ask("inspect", *ids, why="The engine can't inspect the containers"))
        order = {name: position for position, name in enumerate(compose_file.document(self.catalog)["services"])}
        rows = [row_of(container, self.catalog) for container in containers]
        return sorted(rows, key=lambda row: order.get(row.name, len(order)))

    def report(self) -> PlatformReport:
        rows = self.rows()
        edge = any(row.name == compose_file.EDGE for row in rows)
        return PlatformReport(0, 0, str(self.place.state), self.place.public_url if edge else None, None, rows)

    def last_lines(self, name: str) -> list[str]:
        output = self.ask("logs", "--no-color", "--tail", str(LAST_LINES), name, why=f"{name} has no log")
        return [line for line in output.splitlines() if "|" in line]

    def down(self) -> None:
        self.ask("down", "--remove-orphans", why="Compose can't stop the platform")
        file_of(self.place.state).unlink(missing_ok=True)

    def write_url_file(self) -> str:
        """Writes the administrator's connection string for `gate db`, as the embedded engine does, and returns it."""
        password = self.ask(
            "exec",
            "-T",
            compose_file.POSTGRES,
            "cat",
            f"{compose_file.PLACE}/password",
            why="The database's password can't be read",
        )
        where = f"127.0.0.1:{self.place.postgres_port}/{compose_file.DATABASE}"
        url = f"postgresql://{compose_file.ADMINISTRATOR}:{password.strip()}@{where}"
        write_private(self.place.state / "postgres.url", url + "\n")
        return url


def _program() -> list[str]:
    program = shutil.which("docker")
    if program:
        plugin = subprocess.run([program, "compose", "version"], capture_output=True, check=False)  # noqa: S603
        if plugin.returncode == 0:
            return [program, "compose"]
    old = shutil.which("docker-compose")
    if old:
        return [old]
    raise Trouble(
        "There is a Docker engine but no Docker Compose. Fix: install it (Debian, Ubuntu: apt-get install "
        "docker-compose), or run without containers: ./local/up"
    )


def row_of(container: dict[str, Any], catalog: Catalog) -> ResourceStatus:
    """One container, as the engine's `inspect` describes it, as a row of `gate status`."""
    name = container["Config"]["Labels"]["com.docker.compose.service"]
    state, health = _condition(container["State"], task=_is_task(name))
    port = _port(container)
    running = container["State"]["Status"] == "running"
    began = datetime.fromisoformat(container["State"]["StartedAt"][:19]).replace(tzinfo=UTC)
    code = container["State"]["ExitCode"]
    return ResourceStatus(
        name=name,
        kind=_kind(name, catalog),
        state=state,
        health=health,
        port=port,
        pid=container["State"]["Pid"] or None,
        uptime_seconds=(datetime.now(UTC) - began).total_seconds() if running else None,
        restarts=container["RestartCount"],
        url=f"http://localhost:{port}" if port and name != compose_file.POSTGRES else None,
        last_error=f"ended with code {code}" if state is ResourceState.FAILED else None,
    )


def _is_task(name: str) -> bool:
    return name == compose_file.SECRETS or name.endswith(_DATABASE_TASK)


def _kind(name: str, catalog: Catalog) -> str:
    if name in catalog:
        return catalog[name].kind
    own = {compose_file.POSTGRES: "database", compose_file.EDGE: "edge"}
    return "task" if _is_task(name) else own.get(name, "metrics")


def _condition(state: dict[str, Any], *, task: bool) -> tuple[ResourceState, ResourceHealth]:
    match state["Status"]:
        case "running" if task:
            return ResourceState.STARTING, ResourceHealth.UNKNOWN
        case "running":
            health = (state.get("Health") or {}).get("Status", "healthy")
            known = {"healthy": ResourceHealth.HEALTHY, "unhealthy": ResourceHealth.UNHEALTHY}.get(
                health, ResourceHealth.UNKNOWN
            )
            return (ResourceState.STARTING if known is ResourceHealth.UNKNOWN else ResourceState.RUNNING), known
        case "exited" | "dead":
            done = task and state["ExitCode"] == 0
            return (
                (ResourceState.DONE, ResourceHealth.HEALTHY)
                if done
                else (ResourceState.FAILED, ResourceHealth.UNHEALTHY)
            )
        case "restarting":
            return ResourceState.RESTARTING, ResourceHealth.UNHEALTHY
        case _:
            return ResourceState.WAITING, ResourceHealth.UNKNOWN


def _port(container: dict[str, Any]) -> int | None:
    published = (container.get("HostConfig") or {}).get("PortBindings") or {}
    return next((int(bound[0]["HostPort"]) for bound in published.values() if bound), None)


def up(place: Location, what: tuple[str, ...], *, detach: bool, observe: bool, as_json: bool) -> int:
    """Builds and starts the profiles, waits until everything is healthy, and returns the exit code."""
    if place.offset:
        raise Trouble("--port-offset works with the embedded engine only: the ports in compose.yaml are fixed.")
    if control.find(place.state, wait=True) is not None:
        raise Trouble("The embedded engine is already running, on the same ports. Stop it first: gate down")
    running = Compose(place)
    profiles = sorted({*(what or ("all",)), *([compose_file.OBSERVABILITY] if observe else [])})
    _check_profiles(running.catalog, profiles)
    say = (lambda _line: None) if as_json else click.echo
    fresh = not running.rows()
    if fresh:
        for listener in port_conflicts.bind(_ports(running.catalog, profiles)).values():
            listener.close()
    running.build(profiles, say)
    place.state.mkdir(parents=True, exist_ok=True)
    before = started(place.state)
    profiles = sorted({*profiles, *(before.profiles if before and not fresh else [])})
    file_of(place.state).write_bytes(msgspec.json.encode(StartedProfiles(profiles)))
    command = running.command("up", "--detach", "--no-build", profiles=profiles)
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - Compose's own command
    report, failing = _until_settled(running, say)
    if done.returncode or failing:
        _explain(running, failing, done.stderr if done.returncode else "")
        if fresh:  # a command that fails leaves everything as it was
            running.down()
            click.echo("Stopped everything that was started.", err=True)
        return 1
    report = msgspec.structs.replace(report, database_url=running.write_url_file() if _has_database(report) else None)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report)).decode())
    else:
        click.echo(f"{view.plain_table(report)}\n\n{view.address_lines(report, frozenset(what))}")
        click.echo("\nStop: gate down   Status: gate status   Logs: gate logs -f")
    return 0 if detach or as_json else _print_logs(running)


def _check_profiles(catalog: Catalog, profiles: Iterable[str]) -> None:
    known = {*compose_file.profiles_of(catalog), compose_file.OBSERVABILITY}
    for name in profiles:
        if name not in known:
            raise Trouble(f"{compose_file.FILE} has no profile {name}. Known: {', '.join(sorted(known))}")


def _ports(catalog: Catalog, profiles: Iterable[str]) -> dict[str, int]:
    containers = compose_file.document(catalog)["services"]
    return {
        name: int(published.split(":")[1])
        for name, container in containers.items()
        if set(container["profiles"]) & set(profiles)
        for published in container.get("ports", [])
    }


def _has_database(report: PlatformReport) -> bool:
    return any(row.name == compose_file.POSTGRES for row in report.resources)


def _until_settled(running: Compose, say: Callable[[str], None]) -> tuple[PlatformReport, list[str]]:
    """Prints progress until everything is healthy or something failed; returns the report and the names that failed."""
    changes, deadline = view.ReportChanges(), time.monotonic() + START_SECONDS
    while True:
        report = running.report()
        for line in changes.lines(report.resources):
            say(line)
        failing = [
            row.name for row in report.resources if row.state is ResourceState.FAILED or row.restarts >= MOST_RESTARTS
        ]
        pending = [row.name for row in report.resources if row.health is not ResourceHealth.HEALTHY]
        if failing or not pending:
            return report, failing
        if time.monotonic() > deadline:
            return report, pending
        time.sleep(POLL_SECONDS)


def _explain(running: Compose, failing: list[str], errors: str) -> None:
    if errors and not failing:
        click.echo(f"Error: Compose can't start the platform:\n{docker.last(errors)}", err=True)
    for name in failing:
        click.echo(f"Error: {name} isn't healthy. Last output:", err=True)
        for line in running.last_lines(name):
            click.echo(f"    {line}", err=True)


def _print_logs(running: Compose) -> int:
    """Prints the containers' logs until Ctrl-C, then stops them."""
    try:
        subprocess.run(running.command("logs", "--follow", "--tail", "0"), check=False)  # noqa: S603 - as above
    except KeyboardInterrupt:
        click.echo("Stopping ...")
    running.down()
    return 0


def down(place: Location) -> None:
    Compose(place).down()
    click.echo(
        "Gatehouse is stopped and its containers are removed. Its data is kept. Start again: gate up --engine compose"
    )


def reset(place: Location) -> int:
    """Removes the containers with their data, starts the same profiles again, and returns the exit code."""
    running, before = Compose(place), started(place.state)
    running.ask("down", "--volumes", "--remove-orphans", why="Compose can't remove the platform's data")
    file_of(place.state).unlink(missing_ok=True)
    return up(place, tuple(before.profiles if before else ()), detach=True, observe=False, as_json=False)


def status(place: Location, *, as_json: bool) -> None:
    report = Compose(place).report()
    text = msgspec.json.format(msgspec.json.encode(report)).decode() if as_json else view.plain_table(report)
    click.echo(text)


def logs(place: Location, names: tuple[str, ...], *, follow: bool, count: int) -> int:
    words = ["logs", "--tail", str(count), *(["--follow"] if follow else []), *names]
    try:
        return subprocess.run(Compose(place).command(*words), stdout=sys.stdout, check=False).returncode  # noqa: S603
    except KeyboardInterrupt:
        return 0
