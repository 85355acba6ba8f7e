"""The one page that is shown before a promotion, as structs: what it says, not how it comes to know it or looks.

Where something couldn't be found out, its section says so in `note`; nothing is left out silently.
"""

from datetime import datetime

import msgspec

from gatehouse_release.preview.openapi_diff import ApiDifference


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all sections."""


class Commit(Part, frozen=True, kw_only=True):
    """A commit on main, and the pull request that it names (#123)."""

    id: str
    subject: str
    by: str
    at: datetime
    pull_request: int | None = None
    mail: str = ""


class ReleaseMove(Part, frozen=True, kw_only=True):
    """One service: from which release to which, and how it got there. A tag is empty where it doesn't run."""

    service: str
    before: str
    after: str
    before_digest: str = ""
    after_digest: str = ""
    commits: tuple[Commit, ...] = ()
    note: str = ""
    # Its commits couldn't be found; the note says why.
    unknown: bool = False


class TestedRelease(Part, frozen=True, kw_only=True):
    """What came of a service's unit tests; `passed` is None where nobody ran them.

    `accepted_by`: who accepted its black-box run in their place, for this preview, and `why`.
    """

    service: str
    passed: bool | None
    summary: str = ""
    accepted_by: str = ""
    why: str = ""


class SettingDifference(Part, frozen=True, kw_only=True):
    """`what`: added, removed, changed, without a value, unknown (the target sets what the code doesn't know)."""

    service: str
    key: str
    what: str
    detail: str = ""
    secret: bool = False


class PlannedStep(Part, frozen=True, kw_only=True):
    """One step of db-manager's plan: what it locks, for how long at most, and what it puts at risk."""

    what: str
    why: str
    locks: str
    phase: str
    reversible: bool
    hazards: tuple[str, ...] = ()


class DatabasePreview(Part, frozen=True, kw_only=True):
    """`versions`: collection -> (before, after); before is empty for a new one. `refusals`: why it would not be."""

    service: str
    versions: dict[str, tuple[str, str]] = {}
    steps: tuple[PlannedStep, ...] = ()
    refusals: tuple[str, ...] = ()
    note: str = ""
    # db-manager's, of the plan; what in it needs approval.
    fingerprint: str = ""
    dangers: tuple[str, ...] = ()
    # It couldn't be planned; the note says why.
    unknown: bool = False


class Api(Part, frozen=True, kw_only=True):
    service: str
    differences: tuple[ApiDifference, ...] = ()
    note: str = ""

    @property
    def breaking(self) -> tuple[ApiDifference, ...]:
        return tuple(one for one in self.differences if one.breaking)


class Infrastructure(Part, frozen=True, kw_only=True):
    """What else the deployment changes: main's program and stack file against those of the last deployment."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    note: str = ""


class SourceHealth(Part, frozen=True, kw_only=True):
    """How the source environment does, by the records: when its present set was last seen working together."""

    environment: str
    seen_at: datetime | None = None
    by_record: str = ""
    black_box: str = ""
    note: str = ""


class WayBack(Part, frozen=True, kw_only=True):
    """Whether the release before can run on the schema that this one leaves behind, and why (not)."""

    service: str
    possible: bool
    why: str


class GroupRestart(Part, frozen=True, kw_only=True):
    """Services that share tasks: those that are promoted, and those that restart with them as they are."""

    group: str
    promoted: tuple[str, ...]
    siblings: tuple[str, ...]


class PreviewPage(Part, frozen=True, kw_only=True):
    environment: str
    source: str
    fingerprint: str
    moves: tuple[ReleaseMove, ...] = ()
    restarts: tuple[GroupRestart, ...] = ()
    tests: tuple[TestedRelease, ...] = ()
    settings: tuple[SettingDifference, ...] = ()
    databases: tuple[DatabasePreview, ...] = ()
    apis: tuple[Api, ...] = ()
    infrastructure: Infrastructure = Infrastructure()
    health: SourceHealth | None = None
    ways_back: tuple[WayBack, ...] = ()

    @property
    def can_be_rolled_back(self) -> bool:
        return all(way.possible for way in self.ways_back)
