"""Embedded PostgreSQL: the server from a wheel, listening on loopback, with its data in the state folder.

This module prepares the data directory and builds the command; the runner keeps the process alive. The throwaway
servers of the tests use the same class.
"""

import contextlib
import functools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from gatehouse_local.postgres_wheels import PostgresError, binary, installation, major
from gatehouse_local.runner.port_conflicts import alive, who_listens
from gatehouse_local.runner.secrets import Secrets, write_private

ADMINISTRATOR = "gatehouse_admin"
DATABASE = "gatehouse"
HOST = "127.0.0.1"
NEEDED_DISK = 256 * 1024 * 1024  # a fresh data directory is 40 MB; the seed, its template and WAL come on top

# Small, for a laptop. What was acknowledged is on disk, as in AWS: killed four times under load with synchronous_commit
# off, 23 of 1,336 acknowledged writes were lost.
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
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
# A throwaway server may lose its data, so it never waits for the disk. Nothing is preloaded: keeping statements would
# cost each test's database 10 ms.
THROWAWAY = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "300",
    "autovacuum_naptime": "1h",
}


class RootRefused(PostgresError):
    """This process is root, PostgreSQL refuses to run as root, and no way to drop the privilege works here."""


class PortTaken(PostgresError):
    """Another program listens on the server's port."""


class OtherMajor(PostgresError):
    """The data directory was created by another major version of PostgreSQL."""


class DiskFull(PostgresError):
    """There is too little disk space to start."""


class PostgresNotReady(PostgresError):
    """The server wasn't ready in time, or refused the administrator's login."""


class InitFailed(PostgresError):
    """initdb failed; its partial output is removed."""


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
        """The administrator's connection string to the empty database `postgres`, to create and drop others from."""
        return self.url("postgres")

    def write_url_file(self) -> Path:
        """Writes `admin_url` to `<state>/postgres.url`, readable by its owner only, for tools and scripts."""
        write_private(self.url_file, self.admin_url + "\n")
        return self.url_file

    def prepare(self) -> None:
        """Creates the data directory if it is missing, clears a stale lock, and checks that the port is free.

        Raises the PostgresError that applies. If killed, it leaves no partial data directory: initdb works under a
        temporary name.
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
        """The command that runs the server in the foreground, and its complete environment.

        SIGINT is a fast, clean shutdown, SIGQUIT an immediate one. The command execs, so the process id stays the same.
        """
        own = THROWAWAY if self.throwaway else installation().extension_settings()
        settings = SETTINGS | own | {"port": str(self.port)}
        arguments = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [*unprivileged(self.state), str(binary("postgres")), "-D", str(self.data), *arguments], _environment()

    def wait_ready(self, timeout: float = 30, *, still_running: Callable[[], bool] = lambda: True) -> None:
        """Waits until the administrator can connect, and creates the platform's database if it is missing.

        `timeout` is in seconds; `still_running` returns False once the process has died, which ends the wait.
        """
        import psycopg  # noqa: PLC0415 - 60 ms that `gate --help` doesn't need

        deadline = time.monotonic() + timeout
        while not self._accepts():
            if not still_running() or time.monotonic() > deadline:
                raise PostgresNotReady(
                    f"PostgreSQL on {HOST}:{self.port} wasn't ready in time. See: gate logs postgres"
                )
            time.sleep(0.02)
        try:
            with psycopg.connect(self.maintenance_url, connect_timeout=5, autocommit=True) as connection:
                exists = connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone()
                if not exists:
                    connection.execute(f'create database "{DATABASE}"')
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise PostgresNotReady(
                    f"{self.data}: the administrator's password of {self.state / 'secrets.toml'} isn't the one it "
                    f"was created with. Restore that file, or delete {self.data} (local data is lost)."
                ) from error
            raise PostgresNotReady(
                f"PostgreSQL on {HOST}:{self.port} refused the login: {_first_line(error)}"
            ) from error

    def _accepts(self) -> bool:
        """Whether the server's lock file says `ready`. Unlike connecting, reading it leaves no error in the log."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready" and _serves(int(lines[0]), self.data)

    def running(self) -> int | None:
        """The process id of the server running on this data directory, whoever started it; else None."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        return pid if _serves(pid, self.data) else None

    def stop_leftover(self, timeout: float = 10) -> int | None:
        """Stops a server that an earlier runner left on this data directory; returns its process id, or None."""
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
        raise PostgresError(f"PostgreSQL (process {pid}) on {self.data} doesn't stop. Fix: kill -9 {pid}")

    def _check_disk(self) -> None:
        free = shutil.disk_usage(self.state).free
        if free < NEEDED_DISK:
            raise DiskFull(
                f"{self.state}: {free // 2**20} MB are free on this disk, PostgreSQL needs {NEEDED_DISK // 2**20} MB. "
                "Free some space and try again."
            )

    def _check_major(self) -> None:
        try:
            version = (self.data / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            if self.data.exists():
                raise PostgresError(
                    f"{self.data} isn't a PostgreSQL data directory (it has no PG_VERSION). Fix: move it away"
                ) from None
            return
        if version != str(major()):
            raise OtherMajor(
                f"{self.data} was created by PostgreSQL {version}, this is {major()}. Save what you need "
                f"with {version}'s pg_dump, then delete the folder: the next `gate up` creates and seeds a new one."
            )

    def _clear_stale_lock(self) -> None:
        running = self.running()
        if running is not None:
            raise PortTaken(
                f"PostgreSQL is already running on {self.data} (process {running}). Fix: gate down, or kill {running}"
            )
        # PostgreSQL would refuse to start if another process of this user now has the id in that file.
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _initialize(self) -> None:
        new = self.state / f"postgres.new-{os.getpid()}"
        password = self.state / f".initdb-{os.getpid()}"
        write_private(password, self._password + "\n")
        _chown_to_other_user(password)
        if not _in_namespace():
            new.mkdir(mode=0o700)
            _chown_to_other_user(new)
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


NAMESPACE = ["unshare", "-U", "--map-user=1", "--map-group=1"]


def unprivileged(folder: Path) -> list[str]:
    """The command prefix that drops root; empty if this process isn't root.

    A user namespace that maps root to user 1 keeps the files' owner, so it works even below root's home. Where user
    namespaces are forbidden, the user `postgres` or `nobody` must be able to reach `folder`. Raises RootRefused if
    neither works.
    """
    if os.geteuid() != 0:
        return []
    if _in_namespace():
        return NAMESPACE
    prefix = _as_other_user()
    reach = [*prefix, "test", "-x", str(folder), "-a", "-x", str(binary("postgres"))]
    if not prefix or not _works(reach):
        raise RootRefused(
            "PostgreSQL refuses to run as root, user namespaces are forbidden here, and no other user can reach "
            f"{folder}. Fix: run as an ordinary user, or put the checkout where every user can enter (such as /srv), "
            "or allow user namespaces: sysctl user.max_user_namespaces=10000"
        )
    return prefix


def _as_other_user() -> list[str]:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return []


@functools.cache
def _in_namespace() -> bool:
    return os.geteuid() != 0 or _works([*NAMESPACE, "true"])


def _chown_to_other_user(path: Path) -> None:
    """Gives a file to the other user, where user namespaces don't work."""
    if not _in_namespace():
        user = next(int(part.partition("=")[2]) for part in _as_other_user() if part.startswith("--reuid="))
        os.chown(path, user, -1)


def _works(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 - our own command
    except OSError:
        return False


def check_port(port: int) -> None:
    """Raises PortTaken, naming the program that listens there if this user is allowed to see it."""
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
    """Sends PostgreSQL's SSLRequest: a server answers with one byte, S or N."""
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=0.5) as connection:
        connection.sendall(b"\x00\x00\x00\x08\x04\xd2\x16\x2f")
        connection.settimeout(0.5)
        return connection.recv(16) in (b"S", b"N")
    return False


def _serves(pid: int, data: Path) -> bool:
    """Whether the process is a server on `data`: PostgreSQL's working directory is its data directory."""
    import psutil  # noqa: PLC0415 - 20 ms that `gate --help` doesn't need

    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).resolve() == data.resolve()
    except (psutil.Error, OSError):
        return False


def _environment() -> dict[str, str]:
    """A minimal environment: PGDATA, PGPORT and the like of a developer's shell would override our settings."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0]
