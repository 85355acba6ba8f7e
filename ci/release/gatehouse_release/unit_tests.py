"""Unit tests that didn't pass, and who answered for them: the rules of one service's exception. Pure.

CI records with each release whether the service's unit tests passed. Where they didn't, a named reviewer may accept the
green black-box run of that very release in their place. An acceptance is bound to the fingerprint of one preview, and
production takes it only from people who say that they saw it. Break-glass passes none of this.
"""

from collections.abc import Iterator

from gatehouse_catalog.releases import Release
from gatehouse_release.case import Case
from gatehouse_release.model import Reason, Record

NEED = "unit-tests"


def failing(release: Release) -> str:
    """Why the release counts as failing its unit tests; empty when they passed."""
    if release.unit_tests is None:
        return "has no result of its unit tests"
    return "" if release.unit_tests.passed else f"failed its unit tests ({release.unit_tests.summary})"


def exceptions(case: Case) -> dict[str, Release]:
    """The releases that come in without having passed their unit tests, where the edge asks for that."""
    if NEED not in case.edge.needs or case.move.kind == "rollback":
        return {}
    return {name: release for name, release in case.move.releases.items() if failing(release)}


def accepted(case: Case) -> dict[str, Record]:
    """By service, the acceptance that counts: of this release, for this preview, by somebody else than who promotes."""
    asks = case.move.proposal.by if case.move.proposal else case.actor.name
    found = {}
    for name, release in exceptions(case).items():
        for record in case.state.acceptances(case.move.environment, case.facts.fingerprint or ""):
            if record.service == name and record.digest == release.digest and record.by != asks:
                found[name] = record
    return found


def unit_tests(case: Case) -> Iterator[Reason]:
    """Every release passed its unit tests, or a reviewer accepted its black-box run in their place."""
    done = accepted(case)
    for name, release in exceptions(case).items():
        if name not in done:
            message = f"{name} {release.tag} {failing(release)}."
            fix = (
                "Fix them and build again; or a reviewer accepts its black-box run: "
                f"gate promote accept-tests {case.move.environment} --tests-of {name}"
            )
            yield Reason(rule=NEED, message=message, fix=fix)


def unseen(case: Case) -> Iterator[Reason]:
    """Who lets an exception into an environment that takes approvals says that they saw it."""
    if not case.edge.approvals.count or not (case.request.action == "approve" or case.request.break_glass):
        return
    for name, release in exceptions(case).items():
        if name not in case.request.accepted_tests:
            message = f"{name} {release.tag} {failing(release)}; whoever lets it go live must have seen that."
            yield Reason(rule="unit-tests-unseen", message=message, fix=f"Say so: --accept-tests {name}")


def acceptable(case: Case) -> Iterator[Reason]:
    """Whether this reviewer may accept the black-box run of this one service."""
    request, source = case.request, case.move.source
    found = exceptions(case)
    if len(request.accepted_tests) != 1 or request.accepted_tests[0] not in found:
        asked = ", ".join(request.accepted_tests) or "nothing"
        message = f"{asked} can't be accepted: an acceptance is for one service whose unit tests didn't pass."
        fix = f"Choose one: --tests-of {' or '.join(sorted(found))}" if found else "Every unit test passed."
        yield Reason(rule="nothing-to-accept", message=message, fix=fix)
        return
    (name,) = request.accepted_tests
    if case.actor.name in case.facts.authors.get(name, ()):
        message = f"{case.actor.name} wrote commits of {name} that come with it; nobody accepts their own."
        yield Reason(rule="own-change", message=message, fix="Ask another reviewer.")
    if case.move.proposal and case.move.proposal.by == case.actor.name:
        message = f"{case.actor.name} proposed it; nobody accepts their own."
        yield Reason(rule="own-proposal", message=message, fix="Ask another reviewer.")
    if not request.reason.strip():
        message = "an acceptance takes a reason: why the black-box run is enough."
        yield Reason(rule="reason-missing", message=message, fix="Give --reason.")
    if not evidence(case, name):
        message = f"the black-box suite hasn't passed in {source} with {name} {found[name].tag}."
        yield Reason(rule="black-box", message=message, fix=f"gate promote verify {source}")


def evidence(case: Case, name: str) -> str:
    """The record whose green black-box run saw just this release; empty when there is none."""
    record = case.state.seen_with(case.move.source, name)
    seen = record.seen if record else None
    green = seen is not None and seen.black_box is not None and seen.black_box.passed
    return record.id if record and green else ""
