"""Times for introductions: coordinators offer them, whoever is on the way in takes one, and it is in their calendar."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Request, Response, get, post
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Conflict, Invalid, NotFound
from gatehouse_portal.areas.joining.board import MOST, by_coordinators, time_in, version_of
from gatehouse_portal.areas.joining.match_structs import (
    CalendarAddress,
    CalendarFeed,
    OfferedSlots,
    Slot,
    SlotHost,
)
from gatehouse_portal.areas.joining.matching import people_of
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.format import ZONES
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Away, Peers, or_away, or_none
from gatehouse_portal.shell.structs import Page
from gatehouse_portal.shell.toast import Toast, see_with

TIMES, CALENDAR = "/joining/times", "/account/calendar"
AWAITED = ("pending", "onboarding")
FEW = 12
TAKEN = "Somebody else took this time. Choose another."


@get(TIMES, guards=[by_coordinators], include_in_schema=False)
async def times(request: Request[Any, Any, Any], peers: Peers, actor: Actor) -> Response[Any]:
    return await _times(request, peers, actor)


@post(TIMES, guards=[by_coordinators], include_in_schema=False)
async def offer(request: Request[Any, Any, Any], peers: Peers, actor: Actor) -> Response[Any]:
    """One time, or the same hour of the next weeks."""
    form = await request.form()
    try:
        first = time_in(form)
        weeks = {"1": 1, "4": 4, "8": 8}.get(str(form.get("weeks") or "1"), 1)
        begins = [_weeks_later(first, number, str(form.get("zone") or "UTC")).isoformat() for number in range(weeks)]
        body = {"begins": begins, "minutes": 30}
        done = await peers.ask("intake", "POST", "/api/intake/slots", OfferedSlots, json=body)
    except Invalid as refused:
        typed = {name: str(form.get(name) or "") for name in ("at", "zone", "weeks")}
        return await _times(request, peers, actor, problem=refused.errors[0].message, typed=typed)
    return see_with(request, TIMES, Toast(f"{done.added} new {'time' if done.added == 1 else 'times'}."))


@post(f"{TIMES}/{{id:uuid}}/cancel", guards=[by_coordinators], include_in_schema=False)
async def cancel(request: Request[Any, Any, Any], peers: Peers, id: UUID) -> Response[Any]:
    version = version_of(await request.form())
    done = await peers.ask("intake", "POST", f"/api/intake/slots/{id}/cancel", Slot, version=version)
    text = "The time is cancelled." if done.person_id is None else "The time is cancelled. They choose another."
    return see_with(request, TIMES, Toast(text))


@post("/introduction/{id:uuid}", guards=[guards.person], include_in_schema=False)
async def take(request: Request[Any, Any, Any], peers: Peers, id: UUID) -> Response[Any]:
    try:
        await peers.ask("intake", "POST", f"/api/intake/slots/{id}/take", Slot)
    except Conflict as refused:
        return see_with(request, "/", Toast(refused.detail or TAKEN))
    return see_with(request, "/", Toast("Your introduction has a time."))


@get("/introduction/{id:uuid}/calendar.ics", guards=[guards.person], include_in_schema=False)
async def calendar_file(request: Request[Any, Any, Any], peers: Peers, id: UUID) -> Response[Any]:
    content = await peers.content("intake", "GET", f"/api/intake/slots/{id}/calendar")
    headers = {"Content-Disposition": 'attachment; filename="introduction.ics"', "Cache-Control": "no-store"}
    return Response(content, media_type="text/calendar; charset=utf-8", headers=headers)


@get(CALENDAR, guards=[guards.person], include_in_schema=False)
async def calendar(request: Request[Any, Any, Any], peers: Peers, actor: Actor) -> Response[Any]:
    return await _calendar(request, peers, actor)


@post(CALENDAR, guards=[guards.person], include_in_schema=False)
async def renew(request: Request[Any, Any, Any], peers: Peers, actor: Actor) -> Response[Any]:
    """Shown once, on the answer itself: it is kept nowhere."""
    made = await peers.ask("intake", "POST", "/api/intake/calendar-feed", CalendarAddress)
    return await _calendar(request, peers, actor, url=made.url)


@post(f"{CALENDAR}/revoke", guards=[guards.person], include_in_schema=False)
async def revoke(request: Request[Any, Any, Any], peers: Peers) -> Response[Any]:
    await peers.ask("intake", "DELETE", "/api/intake/calendar-feed", type(None))
    return see_with(request, CALENDAR, Toast("The address no longer works."))


async def load_candidate(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    """On the home of who is on the way in: what happens next, and the times to pick from; None for others."""
    if actor.person is None or "member" not in actor.roles:
        return None
    peers: Peers = request.app.state.peers
    me = (await people_of(peers, [actor.person])).get(actor.person)
    if me is None or me.status not in (*AWAITED, "matching"):
        return None
    if me.status == "matching":
        return {"me": me, "zone": me.time_zone or "UTC", "mine": None, "free": [], "host": None, "few": FEW}
    found = await peers.get("intake", "/api/intake/slots", Page[Slot], limit=MOST)
    mine = next((one for one in found.items if one.person_id == me.id), None)
    free = [one for one in found.items if one.state == "open"]
    host = await or_away(or_none(peers.get("intake", f"/api/intake/slots/{mine.id}/host", SlotHost))) if mine else None
    shown = None if isinstance(host, Away) else host
    return {"me": me, "zone": me.time_zone or "UTC", "mine": mine, "free": free, "host": shown, "few": FEW}


async def _times(
    request: Request[Any, Any, Any],
    peers: Peers,
    actor: Actor,
    *,
    problem: str = "",
    typed: dict[str, str] | None = None,
) -> Response[Any]:
    """`typed`: what was refused stays in the form."""
    found = await peers.get("intake", "/api/intake/slots", Page[Slot], state=["open", "taken"], limit=MOST)
    people = [one.person_id for one in found.items if one.person_id] + [one.host_id for one in found.items]
    known = await people_of(peers, [*people, *([actor.person] if actor.person else [])])
    me = known.get(actor.person) if actor.person else None
    zone = (me.time_zone if me else None) or "UTC"
    return page(
        request,
        "joining/times.html",
        status=400 if problem else 200,
        slots=found.items,
        people=known,
        zone=zone,
        zones=sorted({zone, "UTC", *ZONES}),
        problem=problem,
        typed={"at": "", "zone": zone, "weeks": "1"} if typed is None else typed,
    )


async def _calendar(request: Request[Any, Any, Any], peers: Peers, actor: Actor, *, url: str = "") -> Response[Any]:
    if actor.person is None:
        raise NotFound
    feed = await or_none(peers.get("intake", "/api/intake/calendar-feed", CalendarFeed))
    return page(request, "joining/calendar.html", feed=feed, url=url)


def _weeks_later(first: datetime, weeks: int, zone: str) -> datetime:
    """The same time on the wall, whatever the clocks do meanwhile. `zone` was read before."""
    return first.astimezone(ZoneInfo(zone)) + timedelta(weeks=weeks)


ROUTES: tuple[ControllerRouterHandler, ...] = (
    times,
    offer,
    cancel,
    take,
    calendar_file,
    calendar,
    renew,
    revoke,
)
