"""Carries decisions out: gather facts, decide, push the intent, deploy, observe, push the outcome.

Every step may be the last one before a crash: what was begun stands in the record, and the next run, whoever's it is,
settles it by looking at what really runs. Who loses a push reads again and decides again; nothing is forced.
"""

import contextlib
import random
import time
from collections.abc import Callable, Collection
from datetime import timedelta

import msgspec

from gatehouse_catalog.releases import Release
from gatehouse_release import decisions, lineage, outcomes, rules
from gatehouse_release.case import CHANGES_NOTHING, Case, resolve, without
from gatehouse_release.change_set import ChangeSet, change_set_of
from gatehouse_release.model import (
    BlackBox,
    Decision,
    DecisionFacts,
    DeploymentObservation,
    PromotionRequest,
    Record,
    RegistryEntry,
    Requester,
)
from gatehouse_release.notices import notice_of
from gatehouse_release.ports import DeployFailed, Moved, NotConfigured, PortFailed, Ports, Preview
from gatehouse_release.records import new_key
from gatehouse_release.rules import not_as_meant
from gatehouse_release.state import RepositoryState, read_state

Report = Callable[[str], None]
PATIENCE = timedelta(minutes=5)
# A push that fifty others outran comes through in far fewer.
ATTEMPTS = 200
# About what an attempt takes, so that the machines that compete don't do it in step.
PAUSE_SECONDS = 0.2


class PromotionOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a request. `record` as it stands at the end: verified, failed, reverted, proposed, ..."""

    decision: Decision
    record: Record | None = None
    revision: str = ""

    @property
    def ok(self) -> bool:
        failed = self.record is not None and self.record.state in ("failed", "reverted")
        return self.decision.allowed and not failed

    @property
    def suite_failed(self) -> str:
        """What the black-box suite said when it failed on the set that this record saw; else empty."""
        seen = self.record.seen if self.record else None
        return seen.black_box.summary if seen and seen.black_box and not seen.black_box.passed else ""


class Promoter:
    """`report` is told each step in words. `patience`: how long a deployed service may take to answer as meant."""

    def __init__(self, ports: Ports, report: Report = lambda line: None, patience: timedelta = PATIENCE) -> None:
        self.ports = ports
        self.report = report
        self.patience = patience

    def state(self) -> RepositoryState:
        return read_state(*self.ports.repository.read())

    def explain(self, request: PromotionRequest, actor: Requester) -> Decision:
        """What `run` would decide now. Writes nothing."""
        return self._decide(self._resolve(self.state(), request, actor))

    def refused_at_once(self, request: PromotionRequest, actor: Requester) -> Decision | None:
        """The refusal that needs no preview: who asks may not, whatever it would do. None: look at the preview."""
        resolved = self._resolve(self.state(), request, actor)
        if not isinstance(resolved, Case):
            return None if resolved.allowed else resolved
        asked = rules.AT_ONCE if request.action == "approve" else rules.AT_ONCE[:1]
        reasons = tuple(reason for rule in asked for reason in rule(resolved))
        return Decision(allowed=False, reasons=reasons) if reasons else None

    def preview(self, request: PromotionRequest) -> Preview:
        """The one page. Raises Impossible when there is nothing that could be shown."""
        state = self.state()
        held = lineage.left_out(state, request, self.ports.repository.contains)
        move = change_set_of(state, without(request, held))
        return self.ports.previews.preview(state.revision, move.source, move.environment, move.changes)

    def run(self, request: PromotionRequest, actor: Requester) -> PromotionOutcome:
        """Decides the request and carries it out to its end. Raises PortFailed when a port doesn't answer."""
        request = msgspec.structs.replace(request, key=request.key or new_key())
        if request.action == "verify":
            return self._verify(request, actor)
        decision, revision = self._decided(request, actor)
        record = decision.record
        if not decision.allowed or record is None:
            return PromotionOutcome(decision=decision, revision=revision)
        if record.state in ("applying", "failed"):
            state = self.settle(record.environment, actor)
            record, revision = state.records[record.id], state.revision
        return PromotionOutcome(decision=decision, record=record, revision=revision)

    def resume(self, actor: Requester, environments: tuple[str, ...] = ()) -> list[Record]:
        """Settles what was begun anywhere and is undecided; the records as they are then.

        Puts the environments' own tags right as well, in case a run ended before it did.
        """
        state = self.state()
        ids = [one.id for name in environments or state.releases for one in outcomes.unsettled(state, name)]
        for environment in environments or state.releases:
            self.settle(environment, actor)
        after = self.state() if ids else state
        return [after.records[one] for one in ids]

    def _decided(self, request: PromotionRequest, actor: Requester) -> tuple[Decision, str]:
        """Decides on the head, and pushes; on the next head when somebody was faster."""
        for attempt in range(ATTEMPTS):
            with self._turn(attempt):
                state = self.state()
                resolved = self._resolve(state, request, actor)
                in_the_way = outcomes.in_the_way(state, request, resolved)
                if not in_the_way:
                    decision = self._decide(resolved)
                    if not decision.allowed or not decision.edits:
                        return decision, state.revision
                    if revision := self._push(state, decision.edits, decision.message, actor):
                        self._tell(state, decision.record)
                        return decision, revision
            self._wait_or_settle(in_the_way, actor)
        raise PortFailed(f"main moved on {ATTEMPTS} times; nothing of this request was written. Try again.")

    def _resolve(self, state: RepositoryState, request: PromotionRequest, actor: Requester) -> Case | Decision:
        held = lineage.left_out(state, request, self.ports.repository.contains)
        return resolve(state, request, actor, self.ports.clock.now(), held)

    def _decide(self, resolved: Case | Decision) -> Decision:
        return decisions.decide(resolved.with_facts(self.facts(resolved))) if isinstance(resolved, Case) else resolved

    def _turn(self, attempt: int) -> contextlib.AbstractContextManager[None]:
        """The first attempt hopes for the best; then those of one machine take turns, and only machines compete."""
        return self.ports.repository.turn("push") if attempt else contextlib.nullcontext()

    def _wait_or_settle(self, in_the_way: list[Record], actor: Requester) -> None:
        """Settles what was begun and stands in the way; else a push was lost: not all should try again at once."""
        for environment in {record.environment for record in in_the_way}:
            self.settle(environment, actor)
        if not in_the_way:
            time.sleep(random.uniform(0, PAUSE_SECONDS))  # noqa: S311 - jitter

    def _push(self, state: RepositoryState, edits: dict[str, str | None], message: str, actor: Requester) -> str | None:
        """The new revision; None when main went on meanwhile."""
        try:
            revision = self.ports.repository.push(state.revision, edits, message, actor)
        except Moved as moved:
            self.report(f"{moved}: deciding again")
            return None
        self.report(message.splitlines()[0])
        return revision

    def _tell(self, state: RepositoryState, record: Record | None) -> None:
        """Those whom a record concerns. It is written by then: nothing hangs on whether they hear of it."""
        if record is None or (notice := notice_of(state, record)) is None:
            return
        try:
            self.ports.notices.tell(notice)
        except PortFailed as error:
            self.report(f"nobody was told: {error}")

    def facts(self, case: Case) -> DecisionFacts:
        """What the ports know of the case. A port that isn't configured is reported, not skipped."""
        if case.request.action in CHANGES_NOTHING:
            return DecisionFacts()
        move, edge = case.move, case.edge
        missing: list[str] = []
        descends = lineage.lineage(case.state, move.environment, move.releases, self.ports.repository.contains)
        found, running, fingerprint, problems, plans, authors = {}, {}, None, (), (), {}
        try:
            if case.request.action != "accept-tests":  # which asks for no image
                found = self._found(move, attested=case.state.policy.attestations == "required")
        except NotConfigured as error:
            missing.append(str(error))
        try:
            writes_later = case.request.action in ("approve", "accept-tests")
            if "running" in edge.needs and move.kind == "promotion" and not writes_later:
                running = {name: self.ports.runtime.running(move.source, name) for name in move.releases}
            if decisions.writes(case):
                with contextlib.suppress(PortFailed):  # before its first deployment an environment isn't there
                    self.ports.runtime.running(move.environment, next(iter(move.changes)))
        except NotConfigured as error:
            missing.append(str(error))
        try:
            page = self.ports.previews.preview(case.state.revision, move.source, move.environment, move.changes)
            fingerprint, problems, plans = page.fingerprint, page.problems, page.plans
            authors = page.authors if case.request.action == "accept-tests" else {}
        except NotConfigured as error:
            missing.append(str(error))
        return DecisionFacts(
            found=found,
            running=running,
            descends=descends,
            fingerprint=fingerprint,
            problems=problems,
            plans=plans,
            authors=authors,
            missing=tuple(missing),
        )

    def _found(self, move: ChangeSet, *, attested: bool) -> dict[str, RegistryEntry]:
        registry = self.ports.registry

        def unattested(name: str, release: Release) -> str:
            images = ((name, release.digest), (f"{name}-database", release.database_digest))
            asked = (registry.unattested(image, digest) for image, digest in images if digest and attested)
            return next(filter(None, asked), "")

        return {
            name: RegistryEntry(
                image=registry.digest(name, release.digest) == release.digest,
                database=release.database_digest is None
                or registry.digest(f"{name}-database", release.database_digest) == release.database_digest,
                tag_digest=registry.digest(name, release.tag),
                unattested=unattested(name, release),
            )
            for name, release in move.releases.items()
        }

    def settle(self, environment: str, actor: Requester) -> RepositoryState:
        """Deploys what main says, looks at what runs, and writes the outcome of all that was begun there."""
        # Who waited for another that settles finds it done.
        with self.ports.repository.turn(f"settle-{environment}"):
            state = self._settled(environment, actor)
            self._tag(state, environment)
        return state

    def _settled(self, environment: str, actor: Requester) -> RepositoryState:
        tried: set[tuple[str, str | None]] = set()
        while True:
            state = self.state()
            pending = outcomes.unsettled(state, environment)
            new = {(record.id, record.state) for record in pending} - tried
            if not new:
                return state
            tried |= new
            observed = self._deploy(state, environment, pending)
            ids = [record.id for record in pending]
            if self._write_outcomes(environment, ids, observed, actor):
                after = self.state()
                for one in ids:
                    self._tell(after, after.records[one])

    def _deploy(self, state: RepositoryState, environment: str, pending: list[Record]) -> DeploymentObservation:
        self.report(f"deploying {environment} as main says at {state.revision[:12]}")
        why = ""
        try:
            self.ports.runtime.deploy(environment, state.revision)
        except DeployFailed as error:
            why = str(error) or "no reason was given"
        # Others may have changed main while this waited for the environment: look at what it says now.
        names, now = {name for record in pending for name in record.services}, self.state()
        return self._observe(now, environment, names, why, now.unseen_by_suite(environment))

    def _observe(
        self,
        state: RepositoryState,
        environment: str,
        names: set[str],
        deploy_failed: str = "",
        changed: Collection[str] = (),
    ) -> DeploymentObservation:
        """What runs, once `names` are as meant or patience is over; and the black-box suite's word, if an edge asks.

        `changed`: what that suite looks at; empty: everything.
        """
        meant = state.releases[environment]
        runtime, deadline = self.ports.runtime, time.monotonic() + self.patience.total_seconds()
        while True:
            running = {name: runtime.running(environment, name) for name in sorted({*meant, *names})}
            # What shares a task with them restarted, too.
            siblings = {other for name in names if (now := running[name]) for other in now.siblings}
            names = names | (siblings & meant.keys())
            wrong = {name for name, now in running.items() if not_as_meant(meant.get(name), now)}
            rolled_back = any(one and one.rolled_back for one in running.values())
            if not wrong & names or deploy_failed or rolled_back or time.monotonic() >= deadline:
                break
            self.report(f"waiting for {', '.join(sorted(wrong & names))} in {environment} to answer as meant")
            time.sleep(min(5.0, max(0.0, deadline - time.monotonic())))
        black_box = None if wrong else self._black_box(state, environment, changed)
        return DeploymentObservation(running=running, black_box=black_box, deploy_failed=deploy_failed)

    def _black_box(self, state: RepositoryState, environment: str, changed: Collection[str]) -> BlackBox | None:
        asked = [edge for edge in state.policy.edges.values() if edge.source == environment]
        # Nothing is promoted from production, and everybody is there: it is looked at as well (the suite only reads).
        if asked and not any({"black-box", "seen-together"} & set(edge.needs) for edge in asked):
            return None
        self.report(f"running the black-box suite against {environment}")
        return self.ports.black_box.run(environment, changed)

    def _write_outcomes(
        self, environment: str, ids: list[str], observed: DeploymentObservation, actor: Requester
    ) -> bool:
        """The outcomes of all these records in one commit. Who loses the push finds some of them written already.

        False: there was nothing to write.
        """
        for attempt in range(ATTEMPTS):
            with self._turn(attempt):
                state = self.state()
                edits, message = self._outcomes(state, environment, ids, observed, actor)
                if not edits:
                    return False
                if self._push(state, edits, message, actor):
                    return True
            self._wait_or_settle([], actor)
        raise PortFailed(f"main moved on {ATTEMPTS} times; the outcome is not written. Run: gate promote resume")

    def _outcomes(
        self,
        state: RepositoryState,
        environment: str,
        ids: list[str],
        observed: DeploymentObservation,
        actor: Requester,
    ) -> tuple[dict[str, str | None], str]:
        """The edits that write them all, and the commit's message."""
        edits: dict[str, str | None] = {}
        messages = []
        for record_id in ids:
            decision = outcomes.settle(state, record_id, observed, actor, self.ports.clock.now())
            if decision.edits:
                edits |= decision.edits
                messages.append(decision.message)
                texts = {path: text for path, text in decision.edits.items() if text is not None}
                state = read_state(state.revision, {**state.tree, **texts})
        return edits, messages[0] if len(messages) == 1 else _together(environment, messages)

    def _tag(self, state: RepositoryState, environment: str) -> None:
        """The environment's own tag on what it runs, for people; after the outcome, which doesn't hang on it."""
        for name, release in state.releases[environment].items():
            for image, digest in ((name, release.digest), (f"{name}-database", release.database_digest)):
                if digest and self.ports.registry.digest(image, environment) != digest:
                    self.ports.registry.tag(image, digest, environment)

    def _verify(self, request: PromotionRequest, actor: Requester) -> PromotionOutcome:
        """Looks at an environment as it is, and records what was seen."""
        for _ in range(ATTEMPTS):
            state = self.state()
            now = self.ports.clock.now()
            resolved = resolve(state, request, actor, now)
            if in_the_way := outcomes.in_the_way(state, request, resolved):
                self._wait_or_settle(in_the_way, actor)
                continue
            if not isinstance(resolved, Case):
                return PromotionOutcome(decision=resolved, record=resolved.record, revision=state.revision)
            refused = outcomes.verification(state, request, DeploymentObservation(), actor, now)
            if not refused.allowed:
                return PromotionOutcome(decision=refused, revision=state.revision)
            observed = self._observe(state, request.environment, set(state.releases[request.environment]))
            decision = outcomes.verification(state, request, observed, actor, now)
            if revision := self._push(state, decision.edits, decision.message, actor):
                self._tell(state, decision.record)
                return PromotionOutcome(decision=decision, record=decision.record, revision=revision)
            self._wait_or_settle([], actor)
        raise PortFailed(f"main moved on {ATTEMPTS} times; what was seen is not written. Try again.")


def _together(environment: str, messages: list[str]) -> str:
    body = [line for message in messages for line in message.splitlines() if line]
    return "\n".join([f"Settle {len(messages)} promotions in {environment}", "", *body])
