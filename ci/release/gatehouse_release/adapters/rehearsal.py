"""The rehearsal of a checkout: where its remote, environments and settings are, and its clock.

`gate rehearse` (gatehouse_ci.rehearsal) makes it. The promotion core doesn't know it: wiring.py hands it other ports.
"""

import fcntl
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from gatehouse_catalog.releases import ENVIRONMENTS
from gatehouse_catalog.structs import Strict
from gatehouse_release.git.checkout import Checkout
from gatehouse_release.git.files import archived, lay_out

FOLDER = Path(".gate") / "rehearsal"
EDGE_PORT = 8400  # as the catalog's LOCAL_PORTS has it
# `off` lets `gate promote` mean the remote and AWS although the checkout has a rehearsal; `on` is for making one.
SWITCH = "GATEHOUSE_REHEARSAL"


class RehearsalSettings(Strict, frozen=True, kw_only=True):
    """The content of rehearsal.json. `seeded`: both first releases are in, so that it can be used."""

    offsets: dict[str, int]
    seeded: bool = False
    ahead_seconds: float = 0.0


class Rehearsal:
    """The folder of a rehearsal, below its checkout."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / FOLDER
        self.remote = self.folder / "main.git"
        self.builder = self.folder / "builder"  # a clone with a working tree: builds and tests run there
        self.work = self.folder / "promote.git"
        self.registry = self.folder / "registry.json"
        self.documents = self.folder / "documents"  # OpenAPI documents, by commit and service

    def environment(self, name: str) -> Path:
        return self.folder / "environments" / name

    def checkout(self, name: str) -> Path:
        return self.environment(name) / "checkout"

    def state(self, name: str) -> Path:
        return self.environment(name) / "state"

    @property
    def settings(self) -> RehearsalSettings:
        """Raises FileNotFoundError where there is no rehearsal."""
        return msgspec.json.decode((self.folder / "rehearsal.json").read_bytes(), type=RehearsalSettings)

    @settings.setter
    def settings(self, settings: RehearsalSettings) -> None:
        write_whole(self.folder / "rehearsal.json", msgspec.json.encode(settings))

    def url(self, environment: str) -> str:
        return f"http://localhost:{EDGE_PORT + self.settings.offsets[environment]}"

    def files_of(self, commit: str) -> Path:
        """All files of a commit of main; laid out once for all environments. Raises PortFailed."""
        folder = self.folder / "commits" / commit
        if not folder.is_dir():
            with self.alone("commits"):
                if not folder.is_dir():
                    new = folder.with_name(f"{commit}.new-{os.getpid()}")
                    lay_out(archived(Checkout(self.remote), commit), new)
                    new.rename(folder)
        return folder

    @contextmanager
    def alone(self, what: str) -> Generator[None]:
        """One after another of those who do the same here; ends with the process, however that ends."""
        locks = self.folder / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        with (locks / what).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


class RehearsalClock:
    """The system's clock, and what was skipped. It never goes back: records stand in the order of their times."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._rehearsal.settings.ahead_seconds)

    def skip_to(self, moment: datetime) -> None:
        with self._rehearsal.alone("clock"):
            settings = self._rehearsal.settings
            ahead = settings.ahead_seconds + max(0.0, (moment - self.now()).total_seconds())
            self._rehearsal.settings = msgspec.structs.replace(settings, ahead_seconds=ahead)


def rehearsal_of(root: Path, environ: Mapping[str, str]) -> Rehearsal | None:
    """The checkout's rehearsal, once it is seeded; None in a workflow, or where it is switched off."""
    if environ.get(SWITCH) == "off" or environ.get("GITHUB_ACTIONS") == "true":
        return None
    rehearsal = Rehearsal(root)
    try:
        return rehearsal if rehearsal.settings.seeded or environ.get(SWITCH) == "on" else None
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def outside(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a command: nothing that is meant for the service that runs it, as the portal does."""
    kept = {key: value for key, value in environ.items() if not key.startswith("GATEHOUSE_")}
    kept.pop("PYTHONPATH", None)
    return {**kept, SWITCH: "off"}


def offsets_from(first: int) -> dict[str, int]:
    """A hundred ports for each environment."""
    return {name: first + 100 * place for place, name in enumerate(ENVIRONMENTS)}


def write_whole(file: Path, content: bytes) -> None:
    """A reader sees the content before or after, never a part."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.new-{os.getpid()}")
    new.write_bytes(content)
    new.replace(file)
