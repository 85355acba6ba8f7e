"""Holds, vetoes, freezes, and lifting them: each a new record and nothing else, so that they never conflict. Pure."""

from datetime import datetime

import msgspec

from gatehouse_release.case import Case
from gatehouse_release.change_set import Impossible, named_services, record_of
from gatehouse_release.lineage import commit_of
from gatehouse_release.model import Decision, Kind, PromotionRequest, Reason, Record, Requester
from gatehouse_release.records import next_id, one_line, render
from gatehouse_release.rules import lacking_role
from gatehouse_release.state import MOVES, OPEN, RepositoryState

ACTIONS = frozenset({"hold", "lift", "veto", "freeze", "unfreeze"})


def decide(case: Case) -> Decision:
    """The answer to a request of ACTIONS."""
    try:
        return _decide(case.state, case.request, case.actor, case.now)
    except Impossible as impossible:
        return Decision(allowed=False, reasons=(impossible.reason,))


def _decide(state: RepositoryState, request: PromotionRequest, actor: Requester, now: datetime) -> Decision:
    """Raises Impossible when the request names what isn't there."""
    roles = state.policy.brakes
    allowed = {
        "hold": roles.hold,
        "lift": roles.lift,
        "veto": roles.veto,
        "freeze": roles.freeze,
        "unfreeze": roles.freeze,
    }[request.action]
    reasons = [*lacking_role(actor, set(allowed), f"{request.action} in {request.environment}")]
    if request.action in ("hold", "veto", "freeze") and not one_line(request.reason):
        message = f"a {request.action} takes a reason: others must know when it may go."
        reasons.append(Reason(rule="reason-missing", message=message, fix="Give --reason."))
    made = _records(state, request, actor, now)
    if reasons:
        return Decision(allowed=False, reasons=tuple(reasons))
    what = ", ".join(filter(None, (_what(record) for record in made)))
    message = f"{request.action.capitalize()} in {request.environment}" + (f": {what}" if what else "")
    message += f"\n\n{made[0].reason}" if made[0].reason else ""
    edits: dict[str, str | None] = {record.path: render(record) for record in made}
    return Decision(allowed=True, edits=edits, record=made[0], message=message)


def _what(record: Record) -> str:
    return record.service or record.about


def _records(state: RepositoryState, request: PromotionRequest, actor: Requester, now: datetime) -> list[Record]:
    ids = [record.id for record in state.of(request.environment)]

    existing = len(ids)

    def record(kind: Kind, **fields: object) -> Record:
        # The first has the request's key, by which it is known again; more have none.
        new_id = next_id(ids, "" if ids[existing:] else request.key, now)
        ids.append(new_id)
        common = Record(
            id=new_id,
            kind=kind,
            environment=request.environment,
            by=actor.name,
            at=now,
            reason=one_line(request.reason),
        )
        return msgspec.structs.replace(common, **fields)

    match request.action:
        case "hold":
            return [
                record("hold", service=name, digest=request.digest, commit=commit_of(state, name, request.digest))
                for name in sorted(_held(state, request))
            ]
        case "freeze":
            _refuse_past(request, now)
            return [record("freeze", since=request.since, until=request.until)]
        case "veto":
            about = record_of(state, request.record, request.environment)
            if about.kind not in MOVES or about.state not in OPEN:
                message = f"{about.id} is no proposal that waits (it is {about.state or about.kind})."
                raise Impossible("wrong-state", message, "To stop what comes: gate promote hold, or freeze.")
            return [record("veto", about=about.id)]
        case _:
            kind: Kind = "unfreeze" if request.action == "unfreeze" else "lift"
            return [record(kind, about=_lifted(state, request, now).id)]


def _held(state: RepositoryState, request: PromotionRequest) -> set[str]:
    names = named_services(state, request)
    if not names:
        raise Impossible("unknown", "A hold is put on services.", "Name them, or a domain.")
    if request.digest and len(names) > 1:
        raise Impossible("unit", "A release belongs to one service.", "Name the one service with --digest.")
    return names


def _refuse_past(request: PromotionRequest, now: datetime) -> None:
    if request.until and request.until <= max(now, request.since or now):
        raise Impossible("unknown", "The freeze would end before it begins.", "Give a later --until.")


def _lifted(state: RepositoryState, request: PromotionRequest, now: datetime) -> Record:
    """The hold, veto or freeze that is lifted; it must be in force."""
    about = record_of(state, request.record, request.environment)
    if request.action == "unfreeze":
        in_force = [record.id for record in state.coming_freezes(request.environment, now)]
        kinds = "freeze"
    else:
        in_force = [hold.id for hold in state.holds(request.environment)]
        in_force += [veto.id for veto in state.vetoes(about.about)] if about.kind == "veto" else []
        kinds = "hold or veto"
    if about.id not in in_force:
        message = f"{about.id} is no {kinds} that is in force."
        raise Impossible("wrong-state", message, "See: gate promote status")
    return about
