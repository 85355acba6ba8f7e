"""Decides cases: (state, request, actor, clock, facts) -> allowed or why not, and the edits of one commit.

Pure: it reads no file, asks no port, and looks at no clock. `gate promote explain` prints the same decision.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

from gatehouse_catalog.releases import Release
from gatehouse_release import holds, rules, unit_tests
from gatehouse_release.case import Case, resolve
from gatehouse_release.model import (
    Approval,
    Decision,
    PromotionRequest,
    Reason,
    Record,
    RecordStep,
    Requester,
)
from gatehouse_release.records import next_id, one_line, render
from gatehouse_release.rules import lacking_approvals
from gatehouse_release.stack_file import set_approved_plans, set_releases
from gatehouse_release.state import RepositoryState, stack_path


def decide(case: Case) -> Decision:
    """The answer to a request, with the facts that the ports know of it."""
    request = case.request
    if request.action in holds.ACTIONS:
        return holds.decide(case)
    if request.action == "verify":
        lacking = tuple(rules.lacking_role(case.actor, set(case.edge.who), f"verify in {request.environment}"))
        return Decision(allowed=not lacking, reasons=lacking)
    if request.action == "approve":
        return _approve(case)
    if request.action == "accept-tests":
        return _accept_tests(case)
    return _apply(case) if writes(case) else _propose(case)


def foreseen(state: RepositoryState, request: PromotionRequest, now: datetime) -> tuple[Reason, ...]:
    """Why a promotion would be refused whoever asked, as far as the records say: no port is asked."""
    resolved = resolve(state, request, Requester(name=""), now)
    if isinstance(resolved, Decision):
        return resolved.reasons
    asked = rules.FORESEEN if resolved.edge.approvals.count else (*rules.FORESEEN, rules.window, rules.freeze)
    return tuple(reason for rule in asked for reason in rule(resolved))


def writes(case: Case) -> bool:
    """Whether the request, if allowed, changes what the environment should run (and doesn't only propose it)."""
    if case.request.action == "accept-tests":
        return False
    return case.request.action == "apply" or case.edge.approvals.count == 0 or case.request.break_glass


def _propose(case: Case) -> Decision:
    """A proposal; what would stand in the way of applying it now is told along."""
    reasons = [*_asked(case, rules.PROPOSE), *rules.already_proposed(case)]
    allowed = not reasons
    later = [rule for rule in rules.APPLY if rule not in rules.PROPOSE]
    reasons += [msgspec.structs.replace(reason, later=True) for reason in _asked(case, later)]
    if not allowed:
        return Decision(allowed=False, reasons=tuple(reasons))
    record = _new_record(case, "proposed")
    approve = f"gate promote approve {record.environment} --record {record.id}"
    reasons = [
        msgspec.structs.replace(reason, fix=approve) if reason.rule == "approvals" else reason for reason in reasons
    ]
    edits: dict[str, str | None] = {record.path: render(record)}
    return Decision(
        allowed=True, reasons=tuple(reasons), edits=edits, record=record, message=_subject("Propose", record)
    )


def _approve(case: Case) -> Decision:
    reasons = _asked(case, rules.APPROVE)
    proposal = case.move.proposal
    if reasons or proposal is None:
        return Decision(allowed=False, reasons=tuple(reasons))
    approval = Approval(
        by=case.actor.name,
        at=case.now,
        fingerprint=proposal.fingerprint,
        accepted_tests=tuple(sorted(unit_tests.exceptions(case))),
    )
    record = msgspec.structs.replace(proposal, approvals=(*proposal.approvals, approval))
    if lacking_approvals(case.edge, record) <= 0:
        record = with_step(case.state, record, RecordStep(state="approved", at=case.now, by=case.actor.name))
    edits: dict[str, str | None] = {record.path: render(record)}
    return Decision(allowed=True, edits=edits, record=record, message=_subject("Approve", record))


def _accept_tests(case: Case) -> Decision:
    """The acceptance of one service's black-box run in place of its unit tests."""
    if reasons := _asked(case, rules.ACCEPT_TESTS):
        return Decision(allowed=False, reasons=tuple(reasons))
    (name,) = case.request.accepted_tests
    release = case.move.releases[name]
    record = Record(
        id=next_id(_ids(case.state, case.move.environment), case.request.key, case.now),
        kind="acceptance",
        environment=case.move.environment,
        by=case.actor.name,
        at=case.now,
        reason=one_line(case.request.reason),
        service=name,
        digest=release.digest,
        commit=release.commit,
        fingerprint=case.facts.fingerprint or "",
        about=unit_tests.evidence(case, name),
    )
    message = f"Accept {name} {release.tag} in {record.environment} without its unit tests"
    body = f"It {unit_tests.failing(release)}; its black-box run passed: {record.about}\nWhy: {record.reason}"
    edits: dict[str, str | None] = {record.path: render(record)}
    return Decision(allowed=True, edits=edits, record=record, message=f"{message}\n\n{body}\n\nRecord: {record.path}")


def _apply(case: Case) -> Decision:
    """The intent: the record as `applying`, the stack file, and a rollback's holds; one commit."""
    reasons = _asked(case, rules.APPLY)
    overruled: tuple[str, ...] = ()
    if case.request.break_glass:
        reasons = _break_glass(case, reasons)
        overruled = tuple(sorted({reason.rule for reason in reasons if reason.overruled}))
    if any(not reason.overruled for reason in reasons):
        return Decision(allowed=False, reasons=tuple(reasons))
    if case.move.proposal:
        step = RecordStep(state="applying", at=case.now, by=case.actor.name, why=one_line(case.request.reason))
        record = with_step(case.state, case.move.proposal, step)
    else:
        record = _new_record(case, "applying")
    record = msgspec.structs.replace(record, break_glass=overruled)
    changes = {name: change.after for name, change in case.move.changes.items()}
    edits: dict[str, str | None] = {record.path: render(record)}
    edits |= stack_edit(case.state, record.environment, changes, record.approved_plans)
    if case.move.kind == "rollback":
        edits |= {hold.path: render(hold) for hold in _holds(case, record)}
    verb = "Roll back" if record.kind == "rollback" else "Promote"
    reasons += rules.kept_out(case)
    return Decision(allowed=True, reasons=tuple(reasons), edits=edits, record=record, message=_subject(verb, record))


def _asked(case: Case, asked: list[rules.Rule] | tuple[rules.Rule, ...]) -> list[Reason]:
    passes = set(case.state.policy.rollback.passes) if case.move.kind == "rollback" else set()
    return [reason for rule in asked for reason in rule(case) if reason.rule not in passes]


def _break_glass(case: Case, reasons: list[Reason]) -> list[Reason]:
    """The same reasons, those that an emergency may pass marked as such; and whether this is one."""
    policy = case.state.policy.break_glass
    lacking = list(rules.lacking_role(case.actor, set(policy.who), "break-glass"))
    if not one_line(case.request.reason):
        lacking.append(Reason(rule="reason-missing", message="break-glass takes a reason.", fix="Give --reason."))
    may_pass = set() if lacking else set(policy.passes)
    marked = [msgspec.structs.replace(reason, overruled=reason.rule in may_pass) for reason in reasons]
    return [*lacking, *marked]


def _new_record(case: Case, state: str) -> Record:
    record = Record(
        id=next_id(_ids(case.state, case.move.environment), case.request.key, case.now),
        kind="rollback" if case.move.kind == "rollback" else "promotion",
        environment=case.move.environment,
        by=case.actor.name,
        at=case.now,
        reason=one_line(case.request.reason),
        source=case.move.source,
        services=case.move.changes,
        fingerprint=case.request.fingerprint,
        about=case.move.about,
        approved_plans=rules.approved_plans(case),
        accepted_tests={name: acceptance.id for name, acceptance in unit_tests.accepted(case).items()},
        left_out={name: hold.id for name, hold in case.left_out.items()},
    )
    step = RecordStep(state="applying" if state == "applying" else "proposed", at=case.now, by=case.actor.name)
    return with_step(case.state, record, step)


def with_step(state: RepositoryState, record: Record, step: RecordStep) -> Record:
    """The record with its next step, which comes after all others of its environment."""
    step = msgspec.structs.replace(step, order=state.next_order(record.environment))
    return msgspec.structs.replace(record, state=step.state, history=(*record.history, step))


def _holds(case: Case, rollback: Record) -> list[Record]:
    """Holds on what a rollback takes away, and on its lineage, so that no automatic step brings it back."""
    ids = [*_ids(case.state, rollback.environment), rollback.id]
    made = []
    for name, change in case.move.changes.items():
        if change.before is None and name in case.state.services:
            continue
        # A service that comes back and has left the catalog would be taken away again by the next build.
        digest, commit = (change.before.digest, change.before.commit) if change.before else ("", "")
        was = f"rolled back from {change.before.tag}" if change.before else "brought back by a rollback"
        hold = Record(
            id=next_id(ids, "", case.now),
            kind="hold",
            environment=rollback.environment,
            by=case.actor.name,
            at=case.now,
            service=name,
            digest=digest,
            commit=commit,
            about=rollback.id,
            reason=one_line(f"{was}. {rollback.reason}"),
        )
        ids.append(hold.id)
        made.append(hold)
    return made


def stack_edit(
    state: RepositoryState,
    environment: str,
    changes: dict[str, Release | None],
    approved_plans: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str | None]:
    """The environment's stack file with these releases, and what was approved for them; empty when it says so already.

    What an earlier promotion of these services had approved goes: it was for that one.
    """
    path = stack_path(environment)
    text = set_releases(state.tree[path], changes, path)
    text = set_approved_plans(text, {name: approved_plans.get(name) for name in changes}, path)
    return {path: text} if text != state.tree[path] else {}


def _ids(state: RepositoryState, environment: str) -> list[str]:
    return [record.id for record in state.of(environment)]


def _subject(verb: str, record: Record) -> str:
    """A commit's subject and body; break-glass shouts."""
    what = ", ".join(
        f"{name} {change.after.tag if change.after else 'out'}" for name, change in record.services.items()
    )
    subject = f"{verb} to {record.environment}: {what}"
    subject = subject if len(subject) <= 72 else f"{verb} {len(record.services)} services to {record.environment}"
    if record.break_glass:
        subject = f"BREAK GLASS: {subject}"
    body = [f"{name}: {_tag(change.before)} -> {_tag(change.after)}" for name, change in record.services.items()]
    body += [f"{name}: left out, held by {hold}" for name, hold in record.left_out.items()]
    body += [f"{name}: unit tests didn't pass, accepted by {one}" for name, one in record.accepted_tests.items()]
    body += [f"Passed: {', '.join(record.break_glass)}"] if record.break_glass else []
    body += [f"Why: {record.reason}"] if record.reason else []
    return "\n".join([subject, "", *body, "", f"Record: {record.path}"])


def _tag(release: Release | None) -> str:
    return f"{release.tag} {release.digest[:19]}" if release else "(none)"
