"""What the promotion core speaks of: releases that move, records of why, who asks, what was observed, what was decided.

Structs only. A record is what stands in `stacks/releases/<environment>/<id>.yaml`; everything that is in force (holds,
freezes, sets that were seen working together) is derived from records, so nothing can disagree with the log.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Literal

import msgspec

from gatehouse_catalog.errors import Fixable
from gatehouse_catalog.releases import ENVIRONMENTS, Digest, Release
from gatehouse_catalog.structs import Strict

__all__ = ["ENVIRONMENTS", "Digest", "Release"]

Kind = Literal["promotion", "rollback", "verification", "hold", "lift", "veto", "freeze", "unfreeze", "acceptance"]
# `applying` is undecided: the next run settles it. proposed and approved wait for people.
RecordState = Literal["proposed", "approved", "applying", "verified", "failed", "reverted"]
Action = Literal[
    "promote", "approve", "apply", "verify", "rollback", "hold", "lift", "veto", "freeze", "unfreeze", "accept-tests"
]
# What a release to dev comes from; every other environment has the one before it as its source.
MERGE = "merge"


class Requester(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks. Roles come from stacks/policy.yaml (command line) or from identity (portal)."""

    name: str
    roles: frozenset[str] = frozenset()
    kind: Literal["person", "service"] = "person"


class ReleaseChange(Strict, frozen=True, kw_only=True, rename={"before": "from", "after": "to"}):
    """One service's release before and after. None: it doesn't run there (before its first, after its last one)."""

    before: Release | None
    after: Release | None


class Approval(Strict, frozen=True, kw_only=True, omit_defaults=True):
    by: str
    at: datetime
    fingerprint: str
    # Services whose unit tests didn't pass, as the approver saw.
    accepted_tests: tuple[str, ...] = ()


class RecordStep(Strict, frozen=True, kw_only=True):
    """A record's state from `at` on, by the clock of whoever wrote it.

    `order` counts the steps of an environment: clocks differ, and the order in which steps came is the commits'. Steps
    written before there was one have none, and come first.
    """

    state: RecordState
    at: datetime
    by: str
    why: str = ""
    order: int = 0


class BlackBox(Strict, frozen=True, kw_only=True):
    """What the black-box suite said of an environment."""

    passed: bool
    summary: str = ""


class ObservedSet(Strict, frozen=True, kw_only=True):
    """The whole set of an environment, every service of which was observed running as meant at the same time."""

    at: datetime
    releases: dict[str, Release]
    black_box: BlackBox | None = None

    @property
    def good(self) -> bool:
        return self.black_box is None or self.black_box.passed


class Record(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """One file below stacks/releases/<environment>/. Which fields are used follows from `kind`."""

    id: str
    kind: Kind
    environment: str
    by: str
    at: datetime
    reason: str = ""
    # promotion, rollback, verification
    state: RecordState | None = None
    source: str = ""
    services: dict[str, ReleaseChange] = msgspec.field(default_factory=dict)
    fingerprint: str = ""
    approvals: tuple[Approval, ...] = ()
    history: tuple[RecordStep, ...] = ()
    seen: ObservedSet | None = None
    # The rules that break-glass overruled. Not empty: this was an emergency.
    break_glass: tuple[str, ...] = ()
    # hold: this service; with `digest` only that release of it, and with `commit`, from which that release was built,
    # its lineage: every release built from a commit that contains this one
    service: str = ""
    digest: str = ""
    commit: str = ""
    # promotion: by service, the fingerprints that its db-manager task is given as approved, separated by spaces
    approved_plans: dict[str, str] = msgspec.field(default_factory=dict)
    # promotion: services of the build that were left out, and the hold that kept each out
    left_out: dict[str, str] = msgspec.field(default_factory=dict)
    # promotion, rollback: groups of services that restarted together, and who in them was verified again
    restarted: dict[str, list[str]] = msgspec.field(default_factory=dict)
    # promotion: by service whose unit tests didn't pass, the acceptance of its black-box run
    accepted_tests: dict[str, str] = msgspec.field(default_factory=dict)
    # acceptance: `service` and `digest` name the release, `fingerprint` the preview that the reviewer looked at
    # lift: the hold or veto that ends; acceptance: the record whose black-box run is accepted; veto: the proposal;
    # unfreeze: the freeze; rollback: the record whose set came back; a hold that a rollback put: that rollback
    about: str = ""
    # freeze: from when (default: at once) to when (default: until an unfreeze)
    since: datetime | None = None
    until: datetime | None = None

    @property
    def path(self) -> str:
        return f"stacks/releases/{self.environment}/{self.id}.yaml"


class PromotionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants. `promote` to `environment`; the source follows from the policy's edge."""

    action: Action
    environment: str
    # promote, rollback: chosen services; hold: the services held. Empty with `domain`: that domain's.
    services: tuple[str, ...] = ()
    domain: str = ""
    # promote to dev: what was built from the merge. Services that left the catalog are taken away with it.
    releases: dict[str, Release] = {}
    # promote to dev: services that stay as they are, because a hold keeps the change out
    left_out: frozenset[str] = frozenset()
    # approve, apply, veto: the proposal; lift: the hold or veto; unfreeze: the freeze; rollback: the record to go
    # back to (empty: the set that was verified before the present one)
    record: str = ""
    # hold: only this release
    digest: str = ""
    # promote, rollback, approve: the preview's, as it was shown to the actor
    fingerprint: str = ""
    reason: str = ""
    since: datetime | None = None
    until: datetime | None = None
    break_glass: bool = False
    # Chosen once per run, so that a push whose answer got lost isn't done twice (see records.new_key).
    key: str = ""
    # promote: fingerprints of db-manager's plans whose dangerous steps are approved
    approved_plans: tuple[str, ...] = ()
    # accept-tests: the one service; approve, and break-glass where others approve: those that were seen to fail theirs
    accepted_tests: tuple[str, ...] = ()


class RegistryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What the registry has of one release."""

    image: bool
    database: bool = True
    # Where the release's tag points now; None: no such tag (retention may have taken it; the digest counts).
    tag_digest: str | None = None
    # Why it isn't proven that our build made both images; empty: it is, or nobody asks.
    unattested: str = ""


class RunningService(msgspec.Struct, frozen=True, kw_only=True):
    """What really runs of a service: ECS's view, and what every task's /version answered."""

    task_definition: str
    # The one that Pulumi wrote last; another one runs when the breaker rolled back, or somebody deployed by hand.
    meant_task_definition: str
    # The image digest in the running task definition.
    digest: str
    # GATEHOUSE_IMAGE_DIGEST as each task's /version gives it; empty: no task answered.
    answered: tuple[str, ...] = ()
    rolled_back: bool = False
    # The group of the stack file whose task it runs in, and the other services of it; empty: a task of its own.
    group: str = ""
    siblings: tuple[str, ...] = ()
    # Where it was rolled back: the services of the group whose containers ended, or whose images changed.
    culprits: tuple[str, ...] = ()


class DangerousPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a service's schema that needs approval: db-manager's fingerprint of it, and each danger."""

    service: str
    fingerprint: str
    dangers: tuple[str, ...]


class DecisionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the ports observed before a decision. By service; a service that isn't there wasn't asked about."""

    found: dict[str, RegistryEntry] = {}
    # In the source environment; None: ECS doesn't know the service.
    running: dict[str, RunningService | None] = {}
    # (service, hold): the release that comes in was built from a commit that contains the held one.
    descends: frozenset[tuple[str, str]] = frozenset()
    # Of the preview as recomputed now; None: no preview was needed, or none could be made.
    fingerprint: str | None = None
    # What that preview knows of reasons why not.
    problems: "tuple[Reason, ...]" = ()
    # What it knows of schema changes that db-manager carries out only if somebody approved them.
    plans: "tuple[DangerousPlan, ...]" = ()
    # By service, who wrote the commits that come: mail addresses and GitHub logins.
    authors: Mapping[str, frozenset[str]] = MappingProxyType({})
    # Ports that aren't configured here, with what to do; a rule that needs them refuses with this.
    missing: tuple[str, ...] = ()


class DeploymentObservation(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen after a deployment, in the whole environment."""

    running: dict[str, RunningService | None] = {}
    black_box: BlackBox | None = None
    # Why the deployment itself failed; empty: it ended well.
    deploy_failed: str = ""


class Reason(Fixable, frozen=True, kw_only=True):
    """Why not: the rule's name (stable, for scripts), what is the case, and what to do."""

    rule: str
    message: str
    fix: str = ""
    # Break-glass went past it; it stands in the record.
    overruled: bool = False
    # It keeps nobody from proposing, and will keep everybody from applying as long as it lasts.
    later: bool = False
    # It keeps one service out of a build; the rest goes without it.
    left_out: bool = False

    def __str__(self) -> str:
        return f"{self.rule}: {self.message}" + (f" {self.fix}" if self.fix else "")


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a request: if allowed, the edits that carry it out (one commit), and the record among them."""

    allowed: bool
    reasons: tuple[Reason, ...] = ()
    # Path -> new text; None removes the file. Empty though allowed: it is done already.
    edits: dict[str, str | None] = {}
    record: Record | None = None
    message: str = ""


class ReleaseNote(msgspec.Struct, frozen=True, kw_only=True):
    """A commit, by its subject, and the services that it came to."""

    text: str
    commit: str
    by: str
    services: tuple[str, ...]
    pull_request: int | None = None
