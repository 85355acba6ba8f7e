"""What a hold keeps out: a service, one release of it, or a release's lineage. Pure.

A digest names an artefact, but what comes back is a line of code: the next build from main has another digest and the
same fault (Kargo #3016). So a hold on a release keeps out every release built from a commit that contains its own.
"""

from collections.abc import Callable, Collection, Mapping

from gatehouse_catalog.releases import Release
from gatehouse_release.model import MERGE, PromotionRequest, Record
from gatehouse_release.state import RepositoryState

Lineage = Collection[tuple[str, str]]
# Whether a commit's history contains another; None: not known.
Contains = Callable[[str, str], bool | None]


def commit_of(state: RepositoryState, service: str, digest: str) -> str:
    """The commit that a release was built from, by what main says of it; empty when it never ran anywhere."""
    releases = [state.releases[environment].get(service) for environment in state.releases]
    for record in state.records.values():
        change = record.services.get(service)
        releases += [change.before, change.after] if change else []
    return next((one.commit for one in releases if one and digest and one.digest == digest), "")


def keeping_out(
    state: RepositoryState, environment: str, service: str, release: Release | None, descends: Lineage
) -> list[Record]:
    """The holds that keep this release out. A removal is kept out by a hold on the whole service only."""
    return [
        hold
        for hold in state.holds(environment)
        if hold.service == service
        and (not hold.digest or (release and (hold.digest == release.digest or (service, hold.id) in descends)))
    ]


def lineage(
    state: RepositoryState, environment: str, releases: Mapping[str, Release], contains: Contains
) -> frozenset[tuple[str, str]]:
    """Which of these releases were built from a commit that contains a held one.

    What isn't known counts: a hold that can't be checked holds.
    """
    return frozenset(
        (hold.service, hold.id)
        for hold in state.holds(environment)
        if hold.commit
        and (release := releases.get(hold.service))
        and contains(release.commit, hold.commit) is not False
    )


def left_out(state: RepositoryState, request: PromotionRequest, contains: Contains) -> dict[str, Record]:
    """The services of a build that are held, by the hold: the rest goes without them.

    Empty when nothing would remain (then the whole build is refused), and in an emergency (break-glass).
    """
    edge = state.policy.edges.get(request.environment)
    if request.action != "promote" or request.break_glass or edge is None or edge.source != MERGE:
        return {}
    changes: dict[str, Release | None] = {**dict.fromkeys(state.removed[request.environment]), **request.releases}
    descends = lineage(state, request.environment, request.releases, contains)
    held = {
        name: holds[0]
        for name, release in changes.items()
        if (holds := keeping_out(state, request.environment, name, release, descends))
    }
    return held if held.keys() != changes.keys() else {}
