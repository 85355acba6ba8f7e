"""On the home page of those who deliver: what waits for them, what is red, and how each environment does.

Everything is derived from the release page's board, so the two can't disagree. Pure but for `load`.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Request

from gatehouse_chassis.base.actor import Actor
from gatehouse_portal.areas.releases import format
from gatehouse_portal.areas.releases.promotion_session import TROUBLES, PromotionSession
from gatehouse_portal.areas.releases.structs import Me
from gatehouse_portal.areas.releases.view import EdgeButton, ReleaseBoard, board
from gatehouse_portal.shell.peers import Peers
from gatehouse_release.model import ENVIRONMENTS, Record, Requester
from gatehouse_release.notices import Notice, notices
from gatehouse_release.policy import DAYS, PolicyEdge
from gatehouse_release.rules import is_open
from gatehouse_release.state import MOVES, RepositoryState
from gatehouse_release.unit_tests import NEED, failing

# A board member may veto, and an admin holds every role: for neither are releases the day's work.
SEEN_BY = frozenset({"engineer", "sre", "tester", "release-manager"})
FEW = 5
NEWS_DAYS = 7


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Something to act on. `chip` and `word`: how urgent it is."""

    title: str
    path: str
    about: str
    word: str
    chip: str = "lamp"


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """An environment, and what the black-box suite last said of it. `passed` is None where it has not run."""

    name: str
    state: str
    count: int
    passed: bool | None
    summary: str
    brakes: int


class OnItsWay(msgspec.Struct, frozen=True, kw_only=True):
    """A promotion that the reader began: the services that still run there as it left them, and how far each came."""

    record: Record
    furthest: str


async def load(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    """None for who doesn't deliver, and where the portal reads no repository."""
    desk: PromotionSession | None = request.app.state.promotions
    if desk is None or actor.roles.isdisjoint(SEEN_BY):
        return None
    try:
        state = await desk.state()
    except TROUBLES as trouble:
        return {"trouble": str(trouble)}
    peers: Peers = request.app.state.peers
    me = await peers.get("identity", "/api/identity/me", Me)
    name, now = me.email or me.name, desk.core.now()
    shown = board(state, me.roles, now)
    return {
        "empty": shown.empty,
        "tasks": list(tasks(state, shown, name, frozenset(me.roles))),
        "seen": [_seen(state, shown, environment) for environment in ENVIRONMENTS],
        "news": news(state, Requester(name=name, roles=frozenset(me.roles)), now),
        "mine": on_their_way(state, name),
        "window": window_words(state.policy.edges[ENVIRONMENTS[-1]], now.astimezone(state.policy.zone)),
        "timezone": state.policy.timezone,
        "read_only": bool(desk.core.refusal),
    }


def news(state: RepositoryState, reader: Requester, now: datetime) -> list[Notice]:
    """What concerns the reader and isn't theirs to do: approvals that are wanted stand among the tasks."""
    found = notices(state, reader, now - timedelta(days=NEWS_DAYS))
    return [one for one in found if one.kind != "approval-wanted"][:FEW]


def tasks(state: RepositoryState, shown: ReleaseBoard, name: str, roles: frozenset[str]) -> Iterator[Task]:
    """What is red, then what waits for this person's decision, then what they can promote."""
    for column in shown.matrix.columns:
        if column.unreadable:
            yield Task(
                title=f"{format.place(column.name)} is stopped",
                path="/releases",
                about=column.unreadable[0],
                word="Unreadable",
                chip="bad",
            )
        for record in column.unsettled:
            about = record.history[-1].why if record.state == "failed" else f"begun by {format.person_name(record.by)}"
            chip = "bad" if record.state == "failed" else "lamp"
            yield _of(record, about, format.WORDS.get(record.state or "", "Failed"), chip)
        last = state.last_seen(column.name)
        if last and last.seen and last.seen.black_box and not last.seen.black_box.passed:
            title = f"The black-box suite fails in {format.place(column.name)}"
            path = f"/releases/records/{format.key_of(last.id)}"
            yield Task(title=title, path=path, about=last.seen.black_box.summary, word="Failing", chip="bad")
        for record in column.proposals:
            yield from _proposal(state.policy.edges[column.name], record, name, roles)
    yield from _untested(state, shown)
    waiting = {column.name for column in shown.matrix.columns if column.proposals}
    for way in shown.ways:
        if way.may and way.differing and way.environment not in waiting:
            yield from _promotable(way)


def _untested(state: RepositoryState, shown: ReleaseBoard) -> Iterator[Task]:
    """Releases that can't go on, because their unit tests didn't pass and nobody answered for them."""
    for way in shown.ways:
        source, target = state.releases[way.edge.source], state.releases[way.environment]
        for name, release in source.items() if NEED in way.edge.needs else ():
            if target.get(name) != release and (why := failing(release)):
                query = {"action": "promote", "environment": way.environment}
                domain = state.services[name].domain if name in state.services and way.edge.unit == "domain" else ""
                yield Task(
                    title=f"{name} {release.tag} {why.partition(' (')[0]}",
                    path=f"/releases/plan?{urlencode(query | ({'domain': domain} if domain else {}))}",
                    about=release.unit_tests.summary if release.unit_tests else f"in {format.place(way.edge.source)}",
                    word="Failing",
                    chip="bad",
                )


def _proposal(edge: PolicyEdge, record: Record, name: str, roles: frozenset[str]) -> Iterator[Task]:
    by, count = format.person_name(record.by), f"{len(record.approvals)} of {edge.approvals.count} approvals"
    action = {"environment": record.environment, "record": record.id}
    if record.state == "approved" and not roles.isdisjoint({*edge.who, *edge.approvals.roles}):
        path = f"/releases/plan?{urlencode({'action': 'apply', **action})}"
        yield _of(record, f"proposed by {by}, approved", "Ready to go live", "lamp", path)
    elif record.by == name:
        yield _of(record, count, "Waits for others", "")
    elif name in {one.by for one in record.approvals}:
        yield _of(record, f"{count}, one is yours", "Waits for others", "")
    elif not roles.isdisjoint(edge.approvals.roles):
        path = f"/releases/plan?{urlencode({'action': 'approve', **action})}"
        yield _of(record, f"proposed by {by}, {count}", "Review and approve", "lamp", path)


def _of(record: Record, about: str, word: str, chip: str, path: str = "") -> Task:
    path = path or f"/releases/records/{format.key_of(record.id)}"
    return Task(title=format.record_title(record), path=path, about=about, word=word, chip=chip)


def _promotable(way: EdgeButton) -> Iterator[Task]:
    source, target = format.place(way.edge.source), format.place(way.environment)
    wanted = {"action": "promote", "environment": way.environment}
    chosen = {name: count for name, count in way.domains.items() if count} if way.edge.unit == "domain" else {"": 0}
    for domain, count in chosen.items():
        differing = count or way.differing
        query = urlencode(wanted | ({"domain": domain} if domain else {}))
        yield Task(
            title=format.title("promote", way.environment, domain),
            path=f"/releases/plan?{query}",
            about=f"{differing} service{'' if differing == 1 else 's'} in {source} and not yet in {target}",
            word="Preview",
            chip="",
        )


def _seen(state: RepositoryState, shown: ReleaseBoard, environment: str) -> Seen:
    place = next(one for one in shown.places if one.name == environment)
    last = state.last_seen(environment)
    said = last.seen.black_box if last and last.seen else None
    return Seen(
        name=environment,
        state=place.state,
        count=place.count,
        passed=said.passed if said else None,
        summary=said.summary if said else "",
        brakes=len(place.column.holds) + len(place.column.freezes),
    )


def on_their_way(state: RepositoryState, name: str) -> list[OnItsWay]:
    """The newest promotions of somebody that haven't arrived in production, with the furthest environment of each.

    Of a service only the newest: who takes it from Dev to Staging follows one thing, not two.
    """
    found: list[OnItsWay] = []
    followed: set[str] = set()
    for record in sorted(state.records.values(), key=lambda one: one.id, reverse=True):
        if record.by != name or record.kind not in MOVES or record.state not in ("verified", "applying"):
            continue
        if record.services.keys() <= followed:
            continue
        furthest = next((one for one in reversed(ENVIRONMENTS) if _has(state, one, record)), "")
        if furthest and furthest != ENVIRONMENTS[-1]:
            found.append(OnItsWay(record=record, furthest=furthest))
            followed |= record.services.keys()
        if len(found) == FEW:
            break
    return found


def _has(state: RepositoryState, environment: str, record: Record) -> bool:
    """Whether everything that the record brought is released there."""
    there = state.releases[environment]
    return all(there.get(name) == change.after for name, change in record.services.items())


def window_words(edge: PolicyEdge, local: datetime) -> str:
    """When production may change next: `open until 16:00`, `opens on Monday at 09:00`; empty: at any time."""
    if not edge.windows:
        return ""
    if now := next((one for one in edge.windows if is_open(one, local)), None):
        return f"open until {now.end}"
    for day in range(8):
        then = local + timedelta(days=day)
        starts = sorted(one.start for one in edge.windows if DAYS[then.weekday()] in one.days)
        if coming := [start for start in starts if day or start > f"{local:%H:%M}"]:
            return f"opens {'today' if not day else f'on {then:%A}'} at {coming[0]}"
    return "closed"
