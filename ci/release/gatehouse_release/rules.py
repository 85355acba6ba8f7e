"""The rules that a move is held to; each yields the reasons why not. Names are stable: scripts and tests use them.

A rule knows the state, what the ports observed, and the clock; it decides nothing else. What a rule lacks (a port that
isn't configured) is a refusal, never a pass.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import msgspec

from gatehouse_catalog.releases import Release
from gatehouse_release.case import Case
from gatehouse_release.lineage import keeping_out
from gatehouse_release.model import MERGE, Reason, Record, Requester, RunningService
from gatehouse_release.parking import parked
from gatehouse_release.policy import DAYS, PolicyEdge, Window
from gatehouse_release.unit_tests import acceptable, unit_tests, unseen

Rule = Callable[[Case], Iterator[Reason]]


def who(case: Case) -> Iterator[Reason]:
    approvers = set(case.edge.approvals.roles)
    allowed = {
        "approve": approvers,
        "apply": approvers | set(case.edge.who),
        "accept-tests": set(case.state.policy.test_exceptions.who),
    }.get(case.request.action, set(case.edge.who))
    if case.request.break_glass:
        allowed = allowed | set(case.state.policy.break_glass.who)
    yield from lacking_role(case.actor, allowed, f"{case.request.action} into {case.move.environment}")


def lacking_role(actor: Requester, allowed: set[str], what: str) -> Iterator[Reason]:
    if not allowed & actor.roles:
        has = f"has {', '.join(sorted(actor.roles))}" if actor.roles else "has no role here"
        message = f"{what} takes one of the roles {', '.join(sorted(allowed)) or '(none)'}; {actor.name} {has}."
        fix = "Ask one who has it. Roles at the command line: `people` in stacks/policy.yaml."
        yield Reason(rule="who", message=message, fix=fix)


def being_promoted(case: Case) -> Iterator[Reason]:
    for environment in {case.move.environment, case.move.source} & set(case.state.releases):
        for record in case.state.undecided(environment):
            if both := sorted(record.services.keys() & case.move.changes.keys()):
                message = f"{', '.join(both)} in {environment}: {record.id} by {record.by} is being applied."
                yield Reason(rule="being-promoted", message=message, fix="Wait, or settle it: gate promote resume")


def already_proposed(case: Case) -> Iterator[Reason]:
    for record in case.state.proposals(case.move.environment):
        if record.services == case.move.changes and record.kind == case.move.kind:
            message = f"{record.id} by {record.by} proposes just this."
            yield Reason(
                rule="already-proposed",
                message=message,
                fix=f"gate promote approve {record.environment} --record {record.id}",
            )


def digests(case: Case) -> Iterator[Reason]:
    for name, release in case.move.releases.items():
        found = case.facts.found.get(name)
        if found is None:
            yield _unknown("digest-missing", f"whether the registry has {name} {release.tag} isn't known.", case)
            continue
        wanted = [(found.image, name, release.digest), (found.database, f"{name}-database", release.database_digest)]
        for there, image, digest in wanted:
            if digest and not there:
                message = f"the registry doesn't have {image}@{digest} ({release.tag})."
                yield Reason(rule="digest-missing", message=message, fix="Build it again; a set goes whole or not.")
        if found.unattested:
            message = f"nothing proves that our build made {name} {release.tag}: {found.unattested}"
            yield Reason(rule="not-attested", message=message, fix="Build it again from main, by build.yml.")
        if found.tag_digest not in (None, release.digest):
            message = f"{name}:{release.tag} points at {found.tag_digest} now, and was released as {release.digest}."
            fix = "Somebody moved the tag: find out who, build anew under another tag."
            yield Reason(rule="tag-moved", message=message, fix=fix)


def older_build(case: Case) -> Iterator[Reason]:
    """Builds may end in another order than their merges came."""
    if case.move.source != MERGE:
        return
    for name, change in case.move.changes.items():
        before, after = change.before, change.after
        if before and after and after.built_at and after.built_at < before.built_at:
            message = f"{name} {after.tag} was built at {after.built_at}; {before.tag} there is newer."
            yield Reason(rule="older-build", message=message, fix="To go back: gate promote rollback dev")


def taken(case: Case) -> Iterator[Reason]:
    """A service may not come as long as one that left the catalog has its path, schema or port there."""
    environment = case.move.environment
    for name in case.move.releases:
        entry = case.state.services.get(name)
        for other in case.state.removed[environment].values() if entry else ():
            leaves = other.name in case.move.changes and other.name not in case.move.releases
            if entry and not leaves and other.name != name and (both := entry.takes(other)):
                message = f"{other.name} runs in {environment}, left the catalog, and has {', '.join(both)} of {name}."
                fix = f"Let it go first: gate promote apply {environment} --services {other.name}"
                yield Reason(rule="taken", message=message, fix=fix)


def _unknown(rule: str, message: str, case: Case) -> Reason:
    return Reason(rule=rule, message=message, fix=" ".join(case.facts.missing) or "Try again.")


def running(case: Case) -> Iterator[Reason]:
    if "running" not in case.edge.needs or case.move.kind == "rollback":
        return
    for name, release in case.move.releases.items():
        if name not in case.facts.running:
            message = f"whether {name} runs as meant in {case.move.source} isn't known."
            yield _unknown("not-running", message, case)
        elif reason := not_as_meant(release, case.facts.running[name]):
            message = f"{name} in {case.move.source}: {reason}"
            yield Reason(rule="not-running", message=message, fix=f"Fix {case.move.source} first.")


def not_as_meant(release: Release | None, now: RunningService | None) -> str:
    """Why what runs isn't this release, everywhere; empty when it is."""
    if release is None or now is None:
        return "" if release is None and now is None else "it isn't there." if release else "it still runs."
    # A task that doesn't answer is empty there: no proof either.
    others = ", ".join(sorted({one or "nothing" for one in now.answered} - {release.digest}))
    wrong = {
        f"the deployment breaker rolled {_whom(now)} back to {now.task_definition}.": now.rolled_back,
        f"ECS runs {now.task_definition}, meant is {now.meant_task_definition}.": (
            now.task_definition != now.meant_task_definition
        ),
        f"its task definition has {now.digest}, released is {release.digest}.": now.digest != release.digest,
        "no task answers /version.": not now.answered,
        f"a task answers {others} at /version, released is {release.digest}.": others,
    }
    return next((text for text, holds in wrong.items() if holds), "")


def _whom(now: RunningService) -> str:
    """What was rolled back: the service, or the group whose task it shares, and who of it failed."""
    if not now.group:
        return "it"
    failed = f", where {' and '.join(now.culprits)} failed," if now.culprits else ""
    return f"its group {now.group}{failed}"


def black_box(case: Case) -> Iterator[Reason]:
    if "black-box" not in case.edge.needs or case.move.kind == "rollback":
        return
    source, fix = case.move.source, f"gate promote verify {case.move.source}"
    for name, change in case.move.changes.items():
        record = case.state.seen_with(source, name)
        what = f"{source} with {name} {change.after.tag}" if change.after else f"{source} without {name}"
        if record is None or record.seen is None or record.seen.black_box is None:
            message = f"the black-box suite hasn't seen {what}."
            yield Reason(rule="black-box", message=message, fix=fix)
        elif not record.seen.good:
            message = f"the black-box suite failed in {what} ({record.id}): {record.seen.black_box.summary}"
            yield Reason(rule="black-box", message=message, fix=fix)


def seen_together(case: Case) -> Iterator[Reason]:
    if "seen-together" not in case.edge.needs or case.move.kind == "rollback":
        return
    source, fix = case.move.source, f"gate promote verify {case.move.source}"
    record = case.state.last_seen(source)
    if record is None or record.seen is None:
        message = f"the set that {source} has now was not verified there as a whole since it last changed."
        yield Reason(rule="not-seen-together", message=message, fix=fix)
    elif record.seen.black_box is None or not record.seen.good:
        said = f"failed: {record.seen.black_box.summary}" if record.seen.black_box else "did not run."
        message = f"{source} runs the set, and its black-box suite {said} ({record.id})"
        yield Reason(rule="not-seen-together", message=message, fix=fix)


def soak(case: Case) -> Iterator[Reason]:
    needed = timedelta(hours=case.edge.soak_hours)
    if not needed or case.move.kind == "rollback":
        return
    since = case.state.good_since(case.move.source)
    if since is None or case.now - since < needed:
        ripe = f"Wait until {_shown(since + needed, case)}." if since else f"Verify {case.move.source}, then wait."
        spent = _hours(case.now - since) if since else "0 h"
        message = f"the set has been in {case.move.source} for {spent} of {case.edge.soak_hours} h."
        yield Reason(rule="soak", message=message, fix=ripe)


def window(case: Case) -> Iterator[Reason]:
    local = case.now.astimezone(case.state.policy.zone)
    if case.edge.windows and not any(is_open(one, local) for one in case.edge.windows):
        hours = "; ".join(
            f"{', '.join(day[:3] for day in one.days)} {one.start}-{one.end}" for one in case.edge.windows
        )
        message = (
            f"it is {local:%A %H:%M}; {case.move.environment} changes only {hours} ({case.state.policy.timezone})."
        )
        yield Reason(rule="window", message=message, fix="Wait for the window.")


def is_open(window: Window, local: datetime) -> bool:
    return DAYS[local.weekday()] in window.days and window.start <= f"{local:%H:%M}" < window.end


def freeze(case: Case) -> Iterator[Reason]:
    for record in case.state.freezes(case.move.environment, case.now):
        until = f"until {_shown(record.until, case)}" if record.until else "until somebody unfreezes it"
        message = f"{case.move.environment} is frozen {until} by {record.by}: {record.reason}"
        yield Reason(rule="freeze", message=message, fix=f"Wait, or: {_command('unfreeze', record)}")


def hold(case: Case) -> Iterator[Reason]:
    for name, change in case.move.changes.items():
        environment = case.move.environment
        for record in keeping_out(case.state, environment, name, change.after, case.facts.descends):
            yield held(name, record, change.after)


def held(name: str, record: Record, release: Release | None) -> Reason:
    """Why a hold keeps this release out."""
    if record.digest and release and record.digest != release.digest:
        message = (
            f"{name} {release.tag} was built from {release.commit[:12]}, which contains {record.commit[:12]}, held"
        )
    else:
        message = f"{'this release of ' if record.digest else ''}{name} is held"
    message += f" in {record.environment} by {record.by}: {record.reason}"
    return Reason(rule="hold", message=message, fix=f"Once it is fixed: {_command('lift', record)}")


def kept_out(case: Case) -> list[Reason]:
    """The services that a build goes without. They keep nothing else out."""
    reasons = [held(name, record, None) for name, record in case.left_out.items()]
    return [msgspec.structs.replace(reason, left_out=True) for reason in reasons]


def veto(case: Case) -> Iterator[Reason]:
    for record in case.state.vetoes(case.move.proposal.id) if case.move.proposal else ():
        message = f"{record.by} vetoed it: {record.reason}"
        yield Reason(rule="veto", message=message, fix=f"Agree with them, then: {_command('lift', record)}")


def preview(case: Case) -> Iterator[Reason]:
    proposal = case.move.proposal
    shown = case.request.fingerprint or (proposal.fingerprint if proposal and case.request.action == "apply" else "")
    if case.facts.fingerprint is None:
        yield _unknown("preview-missing", "what it would do can't be shown.", case)
    elif not shown:
        fix = f"Look at: gate promote plan {case.move.environment}; then give its fingerprint."
        yield Reason(rule="preview-missing", message="no preview was looked at.", fix=fix)
    elif case.facts.fingerprint != shown or (proposal and proposal.fingerprint != shown):
        message = f"something moved since the preview: it was {shown[:12]}, and is {case.facts.fingerprint[:12]}."
        fix = (
            "Look at the new one, and propose that."
            if proposal
            else f"Look at the new one: gate promote plan {case.move.environment}"
        )
        yield Reason(rule="preview-stale", message=message, fix=fix)


def preview_problems(case: Case) -> Iterator[Reason]:
    """What the page knows counts: setting-missing, schema-refused, no-way-back, preview-incomplete."""
    yield from case.facts.problems


def plans(case: Case) -> Iterator[Reason]:
    """A dangerous change of a schema is approved by its fingerprint, in each environment anew."""
    approved = approved_plans(case)
    for plan in case.facts.plans:
        if plan.fingerprint not in approved.get(plan.service, "").split():
            message = f"{plan.service}: {'; '.join(plan.dangers)}"
            fix = f"If this is intended, approve the plan: --approve-plan {plan.fingerprint}"
            yield Reason(rule="plan-unapproved", message=message, fix=fix)


def approved_plans(case: Case) -> dict[str, str]:
    """By service, the fingerprints that its db-manager task is given as approved, separated by spaces.

    A fingerprint that isn't the preview's goes along: an environment whose schema has drifted has another plan.
    """
    if case.move.proposal:
        return case.move.proposal.approved_plans
    found: dict[str, str] = {}
    planned = {plan.service: plan.fingerprint for plan in case.facts.plans}
    for name, release in case.move.releases.items() if case.move.kind == "promotion" else ():
        given = dict.fromkeys(case.request.approved_plans)
        if case.edge.reviewed_plans and name in planned:
            given[planned[name]] = None
        if given and release.database_digest:
            found[name] = " ".join(given)
    return found


def unmoved(case: Case) -> Iterator[Reason]:
    """A proposal is carried out as it was approved, or not at all."""
    proposal = case.move.proposal
    if proposal is None:
        return
    if case.move.changes != proposal.services:
        message = f"{case.move.environment} isn't as it was when {proposal.id} was proposed."
        yield Reason(rule="preview-stale", message=message, fix="Propose it anew.")
    if proposal.kind == "promotion" and proposal.source != MERGE:
        source, target = case.state.releases[proposal.source], case.state.releases[proposal.environment]
        meant = {name: change.after for name, change in proposal.services.items()}
        names = {*source, *target} if case.edge.unit == "everything" else set(meant)
        if any(source.get(name) != meant.get(name, target.get(name)) for name in names):
            message = f"{proposal.source} isn't as it was when {proposal.id} was proposed."
            yield Reason(rule="preview-stale", message=message, fix="Propose it anew.")


def configured(case: Case) -> Iterator[Reason]:
    """What can't be carried out to its end from here isn't begun."""
    for missing in case.facts.missing:
        yield Reason(rule="not-configured", message=missing, fix="Or let a workflow do it: see ci/README.md.")


def own_proposal(case: Case) -> Iterator[Reason]:
    if case.move.proposal and case.move.proposal.by == case.actor.name:
        message = f"{case.actor.name} proposed it; nobody approves their own."
        yield Reason(rule="own-proposal", message=message, fix=_approvers(case))


def approved_already(case: Case) -> Iterator[Reason]:
    proposal = case.move.proposal
    if proposal and case.actor.name in {one.by for one in proposal.approvals}:
        message = f"{case.actor.name} approved it already."
        yield Reason(rule="approved-already", message=message, fix=_approvers(case))


def approvals(case: Case) -> Iterator[Reason]:
    if (missing := lacking_approvals(case.edge, case.move.proposal)) > 0:
        people = "person" if missing == 1 else "people"
        message = f"{missing} more {people} must approve ({', '.join(case.edge.approvals.roles)})."
        proposal = case.move.proposal
        command = _command("approve", proposal) if proposal else "Propose it first."
        yield Reason(rule="approvals", message=message, fix=command)


def lacking_approvals(edge: PolicyEdge, proposal: Record | None) -> int:
    valid = {one.by for one in proposal.approvals if one.fingerprint == proposal.fingerprint} if proposal else set()
    return edge.approvals.count - len(valid - {proposal.by if proposal else ""})


def _command(verb: str, record: Record) -> str:
    return f"gate promote {verb} {record.environment} --record {record.id}"


def _approvers(case: Case) -> str:
    return f"Ask somebody else who is {' or '.join(case.edge.approvals.roles) or 'allowed to'}."


def _shown(moment: datetime, case: Case) -> str:
    return f"{moment.astimezone(case.state.policy.zone):%Y-%m-%d %H:%M %Z}"


def _hours(length: timedelta) -> str:
    return f"{length.total_seconds() // 3600:.0f} h"


# What is known of who asks before anything else is: nobody waits for a preview to be told that.
AT_ONCE: tuple[Rule, ...] = (who, own_proposal, approved_already)
# What is asked when something is proposed; when somebody approves; and, with the rest, when it is written.
PROPOSE: tuple[Rule, ...] = (
    who,
    parked,
    being_promoted,
    older_build,
    taken,
    digests,
    running,
    black_box,
    seen_together,
    unit_tests,
    hold,
    preview,
    preview_problems,
    plans,
)
APPROVE: tuple[Rule, ...] = (
    who,
    own_proposal,
    approved_already,
    veto,
    digests,
    seen_together,
    unit_tests,
    unseen,
    hold,
    unmoved,
    preview,
    preview_problems,
    plans,
)
# When a reviewer accepts a black-box run in place of unit tests.
ACCEPT_TESTS: tuple[Rule, ...] = (who, acceptable, unmoved, preview)
# Of those what the records alone can say, whoever asks.
FORESEEN: tuple[Rule, ...] = (being_promoted, already_proposed, black_box, seen_together, hold)
APPLY: tuple[Rule, ...] = (*PROPOSE, unseen, configured, unmoved, veto, approvals, soak, window, freeze)
