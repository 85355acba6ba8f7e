"""What can prevent `gate up`: taken ports, a full disk, an old Python. Each is one sentence with its fix."""

import errno
import os
import shlex
import shutil
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

LEAST_PYTHON = (3, 11)
LEAST_FREE = 200 * 1024 * 1024  # bytes: a day of logs; the database checks for its own (postgres.py)
BACKLOG = 2048


class Trouble(Exception):
    """`gate up` can't continue; the message says why and how to fix it."""


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> None:
    if version < LEAST_PYTHON:
        running, least = ".".join(map(str, version)), ".".join(map(str, LEAST_PYTHON))
        raise Trouble(f"This is Python {running}; Gatehouse needs {least} or later. Fix: UV_PYTHON={least} ./local/up")


def check_disk(folder: Path, least: int = LEAST_FREE) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise cannot_write(folder, error) from None
    if free < least:
        raise Trouble(
            f"{folder}: {free // 2**20} MB are free on this disk, {least // 2**20} MB are needed. "
            "Free some space, or put the state elsewhere: gate up --state FOLDER"
        )


def cannot_write(path: Path, error: OSError) -> Trouble:
    """Names the file of the error if it has one, else `path`."""
    where = error.filename or path
    if error.errno == errno.ENOSPC:
        return Trouble(f"{where} can't be written: the disk is full. Free some space and try again.")
    return Trouble(f"{where} can't be used: {error.strerror or error}. Fix that, or use another folder: --state FOLDER")


def bind(ports: Mapping[str, int], *, host: str = "127.0.0.1") -> dict[str, socket.socket]:
    """A listening socket for each name. Raises Trouble about the first taken port, and then binds none."""
    bound: dict[str, socket.socket] = {}
    try:
        for name, port in ports.items():
            bound[name] = _listen(host, port)
    except OSError as error:
        for listener in bound.values():
            listener.close()
        if error.errno == errno.EADDRINUSE:
            raise Trouble(taken(name, port)) from None
        raise Trouble(
            f"Port {port} for {name} can't be used: {error.strerror}. Use other ports: gate up --port-offset 100"
        ) from None
    return bound


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def taken(name: str, port: int) -> str:
    holder = who_listens(port)
    by = f" by {holder}" if holder else ""
    return f"Port {port}, which {name} needs, is taken{by}. Stop it, or use other ports: gate up --port-offset 100"


def who_listens(port: int) -> str | None:
    """The command and process id that listen on the port; None if this user isn't allowed to see them."""
    import psutil  # noqa: PLC0415 - 20 ms, for a message only

    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                command = shlex.join(psutil.Process(connection.pid).cmdline())
                return f"`{command[:100]}` (process {connection.pid})"
    except (psutil.Error, OSError):
        pass
    return None


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
