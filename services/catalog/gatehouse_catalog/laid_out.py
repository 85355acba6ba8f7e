"""What runs in a local environment that was deployed to: a file in its state folder, beside the runner's own.

The promotion core's local runtime writes it (gatehouse_release.adapters.rehearsal_runtime), and the local runner starts
each service from the files of the commit that its release was built from. Without the file the runner runs a checkout.
"""

import os
from pathlib import Path

import msgspec

from gatehouse_catalog.releases import Release
from gatehouse_catalog.structs import Strict

FILE = "releases.json"
# Where members of the workspace are; `platform` is for AWS, and no service imports it.
MEMBERS = ("services/*/pyproject.toml", "*/pyproject.toml", "ci/*/pyproject.toml")


def python_path(root: Path) -> str:
    """PYTHONPATH by which a checkout's own packages are found before those that are installed."""
    found = [file.parent for pattern in MEMBERS for file in sorted(root.glob(pattern))]
    return os.pathsep.join(str(folder) for folder in found if folder != root / "platform")


class LaidOutRelease(Strict, frozen=True, kw_only=True):
    """`code`: the folder with all files of the commit that the release was built from."""

    release: Release
    code: str

    @property
    def python_path(self) -> str:
        return python_path(Path(self.code))


class LaidOutEnvironment(Strict, frozen=True, kw_only=True):
    """Which release of each service runs. `approved_plans`: as the stack file has them, by service.

    `sleeps_after`: seconds without a request at its address, after which its platform stops.
    """

    environment: str
    revision: str
    services: dict[str, LaidOutRelease]
    approved_plans: dict[str, str] = msgspec.field(default_factory=dict)
    sleeps_after: float = 600.0

    @property
    def by_code(self) -> dict[str, list[str]]:
        """Services by the folder of their code."""
        found: dict[str, list[str]] = {}
        for name, one in sorted(self.services.items()):
            found.setdefault(one.code, []).append(name)
        return found


def laid_out_in(state: Path) -> LaidOutEnvironment | None:
    """What a state folder's environment runs; None where a checkout runs. Raises msgspec.DecodeError."""
    try:
        return msgspec.json.decode((state / FILE).read_bytes(), type=LaidOutEnvironment)
    except FileNotFoundError:
        return None


def lay_out_in(state: Path, environment: LaidOutEnvironment) -> None:
    """Writes the file whole: a reader sees this one or the one before."""
    state.mkdir(parents=True, exist_ok=True)
    new = state / f"{FILE}.new"
    new.write_bytes(msgspec.json.encode(environment))
    new.replace(state / FILE)
