"""What a request would change: one move, worked out from the repository's state alone, before any rule is asked."""

from collections.abc import Iterable, Mapping

import msgspec

from gatehouse_catalog.errors import nearest
from gatehouse_catalog.releases import ENVIRONMENTS, Release
from gatehouse_release.model import MERGE, PromotionRequest, Reason, Record, ReleaseChange
from gatehouse_release.policy import PolicyEdge
from gatehouse_release.state import MOVES, OPEN, Entry, RepositoryState

# In place of a domain: everything, said on purpose.
EVERYTHING = "everything"


class ChangeSet(msgspec.Struct, frozen=True, kw_only=True):
    """Releases that would come into an environment, and where from."""

    kind: str  # promotion or rollback
    environment: str
    source: str
    changes: dict[str, ReleaseChange]
    # rollback: the record whose set comes back; approve and apply: nothing
    about: str = ""
    # approve and apply: the proposal that is carried out
    proposal: Record | None = None

    @property
    def releases(self) -> dict[str, Release]:
        """What comes in, by service; removals aside."""
        return {name: change.after for name, change in self.changes.items() if change.after}


class Impossible(Exception):
    """The request makes no sense in this state."""

    def __init__(self, rule: str, message: str, fix: str = "") -> None:
        self.reason = Reason(rule=rule, message=message, fix=fix)
        super().__init__(str(self.reason))


def change_set_of(state: RepositoryState, request: PromotionRequest) -> ChangeSet:
    """What the request would change. Raises Impossible with the reason."""
    edge = edge_of(state, request.environment)
    if request.action in ("approve", "apply") or (request.action == "accept-tests" and request.record):
        return _of_proposal(state, request)
    if request.action == "rollback":
        return _rollback(state, edge, request)
    source = _merged(state, request) if edge.source == MERGE else state.releases[edge.source]
    names = _with_former_names(state, edge, _chosen(state, edge, request, source), source)
    if edge.source == MERGE:  # a service of the catalog comes by a build, and goes by leaving the catalog
        names = {name for name in names if name in source or name not in state.services}
    changes = _changes(state, request.environment, source, names)
    if not changes:
        message = f"{request.environment} has what {edge.source} has already."
        raise Impossible("nothing-to-promote", message, "See: gate promote status")
    return ChangeSet(kind="promotion", environment=request.environment, source=edge.source, changes=changes)


def edge_of(state: RepositoryState, environment: str) -> PolicyEdge:
    if environment not in state.policy.edges:
        raise Impossible("unknown", f"{environment} is no environment.", nearest(environment, ENVIRONMENTS))
    return state.policy.edges[environment]


def _changes(
    state: RepositoryState, environment: str, source: Mapping[str, Release], names: Iterable[str]
) -> dict[str, ReleaseChange]:
    target = state.releases[environment]
    return {
        name: ReleaseChange(before=target.get(name), after=source.get(name))
        for name in sorted(names)
        if target.get(name) != source.get(name)
    }


def _merged(state: RepositoryState, request: PromotionRequest) -> dict[str, Release]:
    """What a merge built, checked against the catalog; it's the only release that comes from outside."""
    for name, release in request.releases.items():
        known_service(state, name)
        if state.services[name].has_database != (release.database_digest is not None):
            has = state.services[name].has_database
            message = f"{name} has {'a' if has else 'no'} database, and its release {'none' if has else 'one'}."
            raise Impossible("incomplete", message, "Build both images, and give both digests.")
    return request.releases


def known_service(state: RepositoryState, name: str) -> None:
    _known_in(state.services, name)


def _known_in(known: Mapping[str, Entry], name: str) -> None:
    if name not in known:
        raise Impossible("unknown", f"{name} is no service.", nearest(name, known))


def _with_former_names(
    state: RepositoryState, edge: PolicyEdge, names: set[str], source: Mapping[str, Release]
) -> set[str]:
    """These services, and those that they take the place of.

    A service that was renamed has its former one's path and schema: the one comes as the other goes, or neither.
    """
    target = next(name for name, one in state.policy.edges.items() if one is edge)
    coming = [state.services[name] for name in names if name in state.services and name in source]
    return names | {
        name
        for name, entry in state.removed[target].items()
        if name not in source and any(one.path == entry.path or one.schema == entry.schema for one in coming)
    }


def _chosen(
    state: RepositoryState, edge: PolicyEdge, request: PromotionRequest, source: Mapping[str, Release]
) -> set[str]:
    """The services that move, as the edge's unit has it."""
    target = state.releases[request.environment]
    if edge.unit == "everything":
        if request.services or request.domain not in ("", EVERYTHING):
            message = f"Into {request.environment} goes everything that runs in {edge.source}, or nothing."
            raise Impossible("unit", message, "Leave out domain and services.")
        return {*source, *target}
    if edge.unit == "changed" and not (request.services or request.domain):
        return {*source, *state.removed[request.environment]} - request.left_out
    if request.domain == EVERYTHING:
        if request.services:
            raise Impossible("unit", "everything leaves no service to choose.", "Give either --domain or --services.")
        return {*source, *target}
    names = named_services(state, request)
    if edge.unit == "domain":
        known = known_services(state, request.environment)
        domains = {known[name].domain for name in names}
        if len(domains) > 1:
            message = f"{', '.join(sorted(names))} are of several domains: {', '.join(sorted(domains))}."
            raise Impossible("unit", message, "Promote one domain after the other.")
        if not names:
            message = f"Into {request.environment} goes a domain, or chosen services of it."
            raise Impossible(
                "unit", message, f"Choose one of: {', '.join(_by_domain(known))}; or say so: --domain {EVERYTHING}."
            )
    if lacking := sorted(name for name in request.services if name not in source and name not in target):
        message = f"{', '.join(lacking)} never ran in {edge.source}."
        raise Impossible("nothing-to-promote", message, f"Release it to {edge.source} first.")
    return names


def named_services(state: RepositoryState, request: PromotionRequest) -> set[str]:
    """The services that a request names, by themselves or by their domain."""
    known = known_services(state, request.environment)
    for name in request.services:
        _known_in(known, name)
    if request.domain == EVERYTHING:
        return set(known)
    domains = _by_domain(known)
    if request.domain and request.domain not in domains:
        raise Impossible("unknown", f"{request.domain} is no domain.", nearest(request.domain, domains))
    return {*request.services, *domains.get(request.domain, ())}


def known_services(state: RepositoryState, environment: str) -> dict[str, Entry]:
    """The catalog's services, and those that left it and still run in the environment or in the one before it."""
    edge = state.policy.edges.get(environment)
    return state.known(environment, *([edge.source] if edge else []))


def _by_domain(known: Mapping[str, Entry]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry in known.values():
        found.setdefault(entry.domain, []).append(entry.name)
    return dict(sorted(found.items()))


def _of_proposal(state: RepositoryState, request: PromotionRequest) -> ChangeSet:
    """The move of a proposal, as it would be if it were asked for now."""
    record = record_of(state, request.record, request.environment)
    if record.kind not in MOVES or record.state not in OPEN:
        what = f"is {record.state}" if record.state else f"is a {record.kind}"
        raise Impossible("wrong-state", f"{record.id} {what}: nothing waits there.", "See: gate promote log")
    target = state.releases[request.environment]
    changes = {
        name: ReleaseChange(before=target.get(name), after=change.after) for name, change in record.services.items()
    }
    return ChangeSet(
        kind=record.kind,
        environment=record.environment,
        source=record.source,
        changes=changes,
        about=record.about,
        proposal=record,
    )


def record_of(state: RepositoryState, record_id: str, environment: str) -> Record:
    record = state.records.get(record_id)
    if record is None or record.environment != environment:
        message = f"{record_id or 'Nothing'} is no record of {environment}."
        raise Impossible("unknown", message, f"See: gate promote log {environment}")
    return record


def _rollback(state: RepositoryState, edge: PolicyEdge, request: PromotionRequest) -> ChangeSet:
    """Back to an earlier set that was verified there: the one named, or the last one that differs."""
    environment = request.environment
    if edge.unit == "everything" and (request.services or request.domain not in ("", EVERYTHING)):
        raise Impossible("unit", f"{environment} goes back as a whole.", "Leave out domain and services.")
    chosen = named_services(state, request)
    if request.record:
        candidates = [record_of(state, request.record, environment)]
    else:
        candidates = [record for record in reversed(state.of(environment)) if record.seen and record.seen.good]
    for record in candidates:
        if record.state != "verified" or record.seen is None:
            message = f"The set of {record.id} was never verified as a whole in {environment}."
            raise Impossible("not-verified", message, "Choose another: gate promote log " + environment)
        both = {*record.seen.releases, *state.releases[environment]}
        names = chosen & both if chosen else both
        changes = _changes(state, environment, record.seen.releases, names)
        # Without a name: what an earlier rollback took away isn't what anybody means.
        held = any(
            hold.service == name and change.after and hold.digest == change.after.digest
            for hold in state.holds(environment)
            for name, change in changes.items()
        )
        if changes and (request.record or not held):
            return ChangeSet(
                kind="rollback", environment=environment, source=environment, changes=changes, about=record.id
            )
    if request.record:
        message = f"{environment} runs the set of {request.record} already."
        raise Impossible("nothing-to-promote", message, "See: gate promote status")
    message = f"No other set was ever verified in {environment}."
    raise Impossible("not-verified", message, "Promote a fixed release instead.")
