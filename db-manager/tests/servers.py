"""Servers of a test's own: of another version than the one that all tests share, or on a disk of its own."""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest

from gatehouse_local.postgres_wheels import WHEELS, choose, installation
from gatehouse_local.runner.postgres import NAMESPACE, unprivileged
from gatehouse_local.testing.pytest_plugin import free_port

FOLDER = Path(__file__).with_name("servers")
_NPM = FOLDER / "node_modules"
_FALLBACK = choose(WHEELS[1:]).root
_APT = Path("/usr/lib/postgresql")
# Where each version may be; the fallback wheel has 16 too, npm what servers/package.json names.
PLACES = {
    15: [_NPM / "postgres-15" / "native" / "bin", _APT / "15" / "bin"],
    16: [_FALLBACK.with_name("pginstall") / "bin", _APT / "16" / "bin"],
    17: [_NPM / "postgres-17" / "native" / "bin", _APT / "17" / "bin"],
    18: [installation().root / "bin"],
}


def binaries(major: int) -> Path:
    """The folder with `postgres` and `initdb` of that version; skips the test where there is none, but not in CI."""
    for place in PLACES[major]:
        if (place / "postgres").exists():
            _link_libraries(place.parent)
            return place
    missing = f"PostgreSQL {major} isn't installed here. Fix: npm ci --prefix db-manager/tests/servers"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


def _link_libraries(folder: Path) -> None:
    """npm packages hold no links, so this one lists them. It has a script to make them, but we run no such scripts."""
    listed = folder.parent / "native" / "pg-symlinks.json"
    if listed.exists():
        for link in json.loads(listed.read_text()):
            source, target = (folder.parent / link[one] for one in ("source", "target"))
            with contextlib.suppress(FileExistsError):
                target.symlink_to(source.name)


@contextlib.contextmanager
def server(
    major: int, data: Path, log: Path, *, wal: Path | None = None, **settings: str
) -> Generator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A server with its data in `data`, and its log of changes in `wal`; they are made if they aren't there. Gives its
    administrator's address and its process."""
    place, before, port = binaries(major), unprivileged(data.parent), free_port()
    if before and before != NAMESPACE:
        pytest.skip("as root, this needs user namespaces")
    if not data.exists():
        make = [*before, place / "initdb", "-D", data, "--username=admin", "--auth=trust", "--no-sync"]
        make += ["--encoding=UTF8", "--locale=C", *(["--waldir", wal, "--wal-segsize=1"] if wal else [])]
        subprocess.run(make, check=True, capture_output=True)
    fixed = {"port": str(port), "fsync": "off", "listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
    words = [word for name, value in (fixed | settings).items() for word in ("-c", f"{name}={value}")]
    with (
        log.open("ab") as output,
        subprocess.Popen([*before, place / "postgres", "-D", data, *words], stderr=output) as process,
    ):
        try:
            yield ready(f"postgresql://admin@127.0.0.1:{port}/postgres", process), process
        finally:
            process.send_signal(signal.SIGQUIT)  # at once, as one without room for its log can't end in order


def ready(url: str, process: "subprocess.Popen[bytes]") -> str:
    """The address, once it answers."""
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            assert process.poll() is None, "the server has ended"
            continue
        return url
