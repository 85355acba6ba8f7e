"""What the promotion core needs of the world, as protocols: git, image registry, runtime, preview, black box, clock.

Real ones stand in repository.py, registry.py, ecs.py, previewer.py and black_box.py; tests have some in memory. A port
that isn't configured raises NotConfigured when it is used first, and nothing is pretended.
"""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from gatehouse_release.model import (
    BlackBox,
    DangerousPlan,
    Reason,
    ReleaseChange,
    ReleaseNote,
    Requester,
    RunningService,
)
from gatehouse_release.notices import Notice

# Path below the repository's root -> text, at one revision: everything below stacks/, and services/*/service.toml.
Tree = Mapping[str, str]


class NotConfigured(Exception):
    """A port can't be had here: what is missing, and how to give it."""

    def __init__(self, what: str, fix: str) -> None:
        self.what, self.fix = what, fix
        super().__init__(f"{what} {fix}")


class PortFailed(Exception):
    """A port didn't answer, or not in a way to be trusted. Nothing was decided by it; trying again is safe."""


class Moved(Exception):
    """The push was rejected because main went on: read again, decide again."""


class DeployFailed(Exception):
    """The deployment ended without success; the text says why."""


class ReleaseRepository(Protocol):
    def read(self) -> tuple[str, Tree]:
        """The head of main as the remote has it now (it fetches): revision and tree."""
        ...

    def push(self, revision: str, edits: Mapping[str, str | None], message: str, actor: Requester) -> str:
        """Commits the edits on top of `revision` and pushes; the new revision. Never forces.

        Raises Moved when the remote's main isn't `revision` any more; then nothing has changed there.
        """
        ...

    def contains(self, commit: str, other: str) -> bool | None:
        """Whether the history of `commit` contains `other`, or is just that; None when one of them isn't known."""
        ...

    def turn(self, what: str) -> AbstractContextManager[None]:
        """One after another of those on this machine who do the same. It saves work; nothing's truth hangs on it."""
        ...


class Registry(Protocol):
    """`image` is the short name: `person`, `person-database`. The port knows the registry and the repository's name."""

    def digest(self, image: str, reference: str) -> str | None:
        """The digest of the index that a tag or digest refers to; None when the registry doesn't have it."""
        ...

    def tag(self, image: str, digest: str, tag: str) -> None:
        """Points a tag (`dev`, `test`, ...) at a digest that is there already."""
        ...

    def annotations(self, image: str, digest: str) -> Mapping[str, str]: ...
    def unattested(self, image: str, digest: str) -> str:
        """Why it isn't proven that this repository's build made the image; empty: it is. May raise NotConfigured."""
        ...


class Runtime(Protocol):
    def deploy(self, environment: str, revision: str) -> None:
        """Makes `environment` what main's stack file says, at `revision` or later; returns when it is done.

        Idempotent. Deployments of one environment never overlap, and none goes back to an older revision: take the
        environment's lock first, then fetch main, then deploy. Raises DeployFailed.
        """
        ...

    def running(self, environment: str, service: str) -> RunningService | None:
        """What runs of a service; None when there is no such service in the environment."""
        ...


class Preview(Protocol):
    """The one page."""

    @property
    def fingerprint(self) -> str:
        """Covers what would be done (changes, configuration, plans), not passing health."""
        ...

    @property
    def problems(self) -> tuple[Reason, ...]:
        """What it knows and a rule must know: values that are missing, refused schema steps, no way back, holes."""
        ...

    @property
    def plans(self) -> tuple[DangerousPlan, ...]:
        """Schema changes that need approval."""
        ...

    @property
    def authors(self) -> Mapping[str, frozenset[str]]:
        """By service, who wrote the commits that come: mail addresses and GitHub logins."""
        ...

    def to_builtins(self) -> dict[str, Any]:
        """For --json and for the portal."""
        ...

    def __rich__(self) -> Any:
        """For the terminal."""
        ...


class Previews(Protocol):
    def preview(self, revision: str, source: str, environment: str, changes: Mapping[str, ReleaseChange]) -> Preview:
        """What these changes would do to `environment`, as main is at `revision`.

        The revision itself doesn't enter the fingerprint: an unrelated commit makes no preview stale.
        """
        ...

    def notes(self, revision: str, changes: Mapping[str, ReleaseChange]) -> tuple[ReleaseNote, ...]:
        """The commits that these changes bring, each once."""
        ...


class BlackBoxSuite(Protocol):
    def run(self, environment: str, changed: Collection[str] = ()) -> BlackBox:
        """What it says of `environment`. `changed`: services that it hasn't seen there as they are now; what meets
        none of them, itself or through a service that calls them, may be left out if the summary says so. Empty: all.
        """
        ...


class Notices(Protocol):
    def tell(self, notice: Notice) -> None:
        """Hands it to where people read such things. Raises PortFailed."""
        ...


class Clock(Protocol):
    def now(self) -> datetime:
        """With a time zone."""
        ...


class Ports(Protocol):
    """All of them; wiring.py makes the real ones, each when it is used first."""

    @property
    def repository(self) -> ReleaseRepository: ...
    @property
    def registry(self) -> Registry: ...
    @property
    def runtime(self) -> Runtime: ...
    @property
    def previews(self) -> Previews: ...
    @property
    def black_box(self) -> BlackBoxSuite: ...
    @property
    def notices(self) -> Notices: ...
    @property
    def clock(self) -> Clock: ...
