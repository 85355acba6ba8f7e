"""What becomes of a promotion that was begun, by what was observed afterwards: verified, failed, reverted. Pure.

A failed one goes out of the stack file in the same commit that says so, because what ECS runs by then is what ran
before: git says again what is.
"""

from datetime import datetime

import msgspec

from gatehouse_catalog.releases import Release
from gatehouse_release.case import Case
from gatehouse_release.change_set import Impossible, edge_of
from gatehouse_release.decisions import stack_edit, with_step
from gatehouse_release.model import (
    Decision,
    DeploymentObservation,
    ObservedSet,
    PromotionRequest,
    Reason,
    Record,
    RecordStep,
    Requester,
)
from gatehouse_release.records import next_id, one_line, render
from gatehouse_release.rules import lacking_role, not_as_meant
from gatehouse_release.stack_file import without_choices
from gatehouse_release.state import MOVES, RepositoryState, came, stack_path


def unsettled(state: RepositoryState, environment: str) -> list[Record]:
    """What the next run has to settle: what was begun, and what failed and hasn't been seen gone.

    Nothing where a file can't be read: what main says of that environment isn't known.
    """
    if environment in state.unreadable:
        return []
    return [*state.undecided(environment), *_failed(state, environment)]


def _failed(state: RepositoryState, environment: str) -> list[Record]:
    """Failed ones whose services have not been promoted since."""
    moves = [record for record in state.of(environment) if record.kind in MOVES and record.history]
    found = []
    for record in moves:
        later = [one for one in moves if one.id != record.id and came(one) > came(record)]
        touched = {name for one in later if one.state == "verified" for name in one.services}
        if record.state == "failed" and not touched & record.services.keys():
            found.append(record)
    return found


def in_the_way(state: RepositoryState, request: PromotionRequest, resolved: Case | Decision) -> list[Record]:
    """What was begun and must have its outcome before the request can be decided."""
    if request.action not in ("promote", "apply", "rollback", "verify"):
        return []
    begun = [] if request.environment in state.unreadable else state.undecided(request.environment)
    if request.action in ("rollback", "verify") or not isinstance(resolved, Case):
        return begun
    source = state.undecided(resolved.edge.source) if resolved.edge.needs else []
    return [record for record in begun if record.services.keys() & resolved.move.changes.keys()] + source


def settle(
    state: RepositoryState, record_id: str, observed: DeploymentObservation, actor: Requester, now: datetime
) -> Decision:
    """The record's outcome. Allowed without edits: somebody settled it already, or there is nothing new to say."""
    record = state.records[record_id]
    if record.state == "failed":
        return _reverted(state, record, observed, actor, now)
    if record.state != "applying":
        return Decision(allowed=True, record=record)
    if why := _why_not(state, record, observed):
        return _fail(state, record, why, actor, now, _restarted(record, observed))
    others = _unlike(state, record.environment, observed)
    seen = None if others else _seen(state, record.environment, observed, now)
    why = f"not seen as a whole: {others}" if others else ""
    verified = with_step(state, record, RecordStep(state="verified", at=now, by=actor.name, why=why))
    verified = msgspec.structs.replace(verified, seen=seen, restarted=_restarted(record, observed))
    edits: dict[str, str | None] = {record.path: render(verified), **_settings_edit(state, record)}
    return Decision(allowed=True, edits=edits, record=verified, message=_message("Verified", verified))


def _settings_edit(state: RepositoryState, record: Record) -> dict[str, str | None]:
    """The stack file without the own settings of services that left the catalog and now run there no more."""
    there = state.releases[record.environment]
    gone = {name for name in record.services if name not in there and name not in state.services}
    path = stack_path(record.environment)
    text = without_choices(state.tree[path], gone, path)
    return {path: text} if text != state.tree[path] else {}


def _why_not(state: RepositoryState, record: Record, observed: DeploymentObservation) -> str:
    """Why the promotion didn't arrive; empty when every service of it runs as meant.

    A deployment that failed may have failed at another promotion's service: what runs as meant did arrive, unless only
    its database image changed, which nobody can tell from outside.
    """
    told = []
    for name, change in record.services.items():
        reason = not_as_meant(change.after, observed.running.get(name))
        same_image = change.before and change.after and change.before.digest == change.after.digest
        if reason or (same_image and observed.deploy_failed):
            told.append(f"{name}: {reason or 'whether its database is as meant, nobody can tell.'}")
    for name in sorted(_siblings(record, observed)):
        # With them in one task: what is promoted hasn't arrived well if they don't come back.
        seen = observed.running.get(name)
        reason = not_as_meant(state.releases[record.environment].get(name), seen)
        if reason and not (seen and seen.rolled_back and told):
            told.append(f"{name}, of the same group: {reason}")
    if told and observed.deploy_failed:
        told.insert(0, f"the deployment failed: {observed.deploy_failed}")
    return one_line(" ".join(told))[:1000]


def _siblings(record: Record, observed: DeploymentObservation) -> set[str]:
    """Services that weren't promoted, and restarted because they share a task with one that was."""
    seen = [observed.running.get(name) for name in record.services]
    return {name for each in seen if each for name in each.siblings} - record.services.keys()


def _restarted(record: Record, observed: DeploymentObservation) -> dict[str, list[str]]:
    """The groups in which promoted services run, and who else of them was verified."""
    siblings = _siblings(record, observed)
    seen = [observed.running.get(name) for name in record.services]
    return {each.group: sorted({*each.siblings} & siblings) for each in seen if each and each.group}


def _fail(
    state: RepositoryState, record: Record, why: str, actor: Requester, now: datetime, restarted: dict[str, list[str]]
) -> Decision:
    failed = with_step(state, record, RecordStep(state="failed", at=now, by=actor.name, why=why))
    failed = msgspec.structs.replace(failed, restarted=restarted)
    there = state.releases[record.environment]
    back: dict[str, Release | None] = {
        name: change.before for name, change in record.services.items() if there.get(name) == change.after
    }
    edits: dict[str, str | None] = {record.path: render(failed), **stack_edit(state, record.environment, back)}
    return Decision(
        allowed=True,
        reasons=(Reason(rule="failed", message=why, fix="Fix it, and promote the next release."),),
        edits=edits,
        record=failed,
        message=_message("Failed", failed),
    )


def _reverted(
    state: RepositoryState, record: Record, observed: DeploymentObservation, actor: Requester, now: datetime
) -> Decision:
    """Whether what was put back runs again."""
    there = state.releases[record.environment]
    before = {name: there.get(name) for name in record.services}
    if observed.deploy_failed or any(not_as_meant(before[name], observed.running.get(name)) for name in before):
        return Decision(allowed=True, record=record, reasons=(Reason(rule="failed", message=record.history[-1].why),))
    step = RecordStep(state="reverted", at=now, by=actor.name, why="what ran before runs again")
    reverted = with_step(state, record, step)
    return Decision(
        allowed=True,
        reasons=(Reason(rule="failed", message=record.history[-1].why),),
        edits={record.path: render(reverted)},
        record=reverted,
        message=_message("Reverted", reverted),
    )


def verification(
    state: RepositoryState, request: PromotionRequest, observed: DeploymentObservation, actor: Requester, now: datetime
) -> Decision:
    """The record of having looked at a whole environment again; it changes nothing there."""
    try:
        edge = edge_of(state, request.environment)
    except Impossible as error:
        return Decision(allowed=False, reasons=(error.reason,))
    if reasons := tuple(lacking_role(actor, set(edge.who), f"verify in {request.environment}")):
        return Decision(allowed=False, reasons=reasons)
    why = _unlike(state, request.environment, observed)
    seen = None if why else _seen(state, request.environment, observed, now)
    record = Record(
        id=next_id([one.id for one in state.of(request.environment)], request.key, now),
        kind="verification",
        environment=request.environment,
        by=actor.name,
        at=now,
        reason=one_line(request.reason),
        seen=seen,
    )
    step = RecordStep(
        state="verified" if seen else "failed",
        at=now,
        by=actor.name,
        why=why,
    )
    record = with_step(state, record, step)
    reasons = () if seen else (Reason(rule="not-running", message=why, fix="Fix the environment, verify again."),)
    return Decision(
        allowed=True,
        reasons=reasons,
        edits={record.path: render(record)},
        record=record,
        message=f"Look at {request.environment}: {record.state}\n\nRecord: {record.path}",
    )


def _seen(state: RepositoryState, environment: str, observed: DeploymentObservation, now: datetime) -> ObservedSet:
    return ObservedSet(at=now, releases=dict(state.releases[environment]), black_box=observed.black_box)


def _unlike(state: RepositoryState, environment: str, observed: DeploymentObservation) -> str:
    """What doesn't run as meant in the whole environment."""
    reasons = {
        name: not_as_meant(release, observed.running.get(name)) for name, release in state.releases[environment].items()
    }
    return one_line(" ".join(f"{name}: {reason}" for name, reason in reasons.items() if reason))


def _message(outcome: str, record: Record) -> str:
    what = ", ".join(record.services)
    subject = f"{outcome} in {record.environment}: {what}"
    subject = subject if len(subject) <= 72 else f"{outcome} in {record.environment}: {len(record.services)} services"
    why = record.history[-1].why
    return "\n".join([subject, *(["", why] if why else []), "", f"Record: {record.path}"])
