"""What a mentor says of themself: how many members, which hours, which languages. And the click in the monthly mail."""

import asyncio
import re
from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Invalid, NotFound
from gatehouse_chassis.http.rate_limits import anonymous
from gatehouse_portal.areas.joining.match_structs import (
    Availability,
    Match,
    MentorCapacity,
    NewCapacity,
    WeeklyWindow,
)
from gatehouse_portal.areas.joining.matching import people_of
from gatehouse_portal.areas.joining.structs import Received
from gatehouse_portal.areas.joining.view import MINUTES_A_DAY, WEEKDAYS, languages_in, minute_of, windows_by_day
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.format import ZONES
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers, or_none
from gatehouse_portal.shell.structs import Page
from gatehouse_portal.shell.toast import Toast, see_with

PAGE = "/mentoring"
CLICKS = anonymous(per_minute=30, at_once=20)
ANSWERS = (0, 1, 2, 3)
_COUNT = re.compile(r"[0-9]{1,3}")


@get(PAGE, guards=[guards.person], include_in_schema=False)
async def mentoring(request: Request[Any, Any, Any], peers: Peers, actor: Actor) -> Response[Any]:
    return await _mentoring(request, peers, actor)


@post(PAGE, guards=[guards.person], include_in_schema=False)
async def save(request: Request[Any, Any, Any], peers: Peers, actor: Actor) -> Response[Any]:
    """Both parts of the page at once; what isn't right is said beside what was typed."""
    form = await request.form()
    try:
        availability = _availability_in(form)
        if "mentor" in actor.roles:
            capacity = _capacity_in(form)
            await peers.ask("intake", "PUT", f"/api/intake/mentors/{actor.person}", MentorCapacity, json=capacity)
        address = f"/api/intake/availability/{_person(actor)}"
        await peers.ask("intake", "PUT", address, Availability, json=availability)
    except Invalid as refused:
        errors = {one.field: one.message for one in refused.errors}
        return await _mentoring(request, peers, actor, typed=form, errors=errors)
    return see_with(request, PAGE, Toast("Saved. Coordinators match by it from now on."))


@post(f"{PAGE}/answer", guards=[guards.person], include_in_schema=False)
async def answer_here(request: Request[Any, Any, Any], peers: Peers, actor: Actor) -> Response[Any]:
    """The highest answer is `3 or more`: it lowers nothing that they said before."""
    person, members = _person(actor), _count((await request.form()).get("members"), 20)
    if members == ANSWERS[-1]:
        known = await or_none(peers.get("intake", f"/api/intake/mentors/{person}", MentorCapacity))
        members = max(members, known.members_max if known else 0)
    body = {"members_max": members}
    await peers.ask("intake", "PUT", f"/api/intake/mentors/{person}", MentorCapacity, json=body)
    return see_with(request, "/", Toast("Thank you. We ask again in a month."))


@get("/still-with-us/{token:str}", guards=[guards.visitor, CLICKS], include_in_schema=False)
async def ask(request: Request[Any, Any, Any], token: str) -> Response[Any]:
    """Opening it answers nothing: mail programs follow links by themselves."""
    return page(request, "joining/pulse.html", link=token, done=False, gone=False, choices=ANSWERS)


@post("/still-with-us/{token:str}", guards=[guards.visitor, CLICKS], include_in_schema=False)
async def answer(request: Request[Any, Any, Any], peers: Peers, token: str) -> Response[Any]:
    members = _count((await request.form()).get("members"), 20)
    try:
        body = {"token": token, "members_max": members}
        await peers.ask("intake", "POST", "/api/intake/mentors/answers", Received, json=body, token="")
    except (NotFound, Invalid):
        return page(request, "joining/pulse.html", status=404, link="", done=False, gone=True, choices=ANSWERS)
    return page(request, "joining/pulse.html", link="", done=True, gone=False, choices=ANSWERS)


async def load_home(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    """On a mentor's home: whether we wait for their answer, and whom they were introduced to."""
    if actor.person is None or "mentor" not in actor.roles:
        return None
    peers: Peers = request.app.state.peers
    capacity, matches = await asyncio.gather(
        or_none(peers.get("intake", f"/api/intake/mentors/{actor.person}", MentorCapacity)),
        peers.get("intake", "/api/intake/matches", Page[Match], mentor=str(actor.person), state="introduced"),
    )
    asked = capacity is None or capacity.is_asked or capacity.pause == "silent"
    if not asked and not matches.items:
        return None
    people = await people_of(peers, (actor.person, *(one.member_id for one in matches.items)))
    me = people.get(actor.person)
    zone = (me.time_zone if me else None) or "UTC"
    return {
        "zone": zone,
        "asked": asked,
        "capacity": capacity,
        "matches": [_with_times_to_come(one) for one in matches.items],
        "people": people,
        "choices": ANSWERS,
    }


def _with_times_to_come(match: Match) -> Match:
    return msgspec.structs.replace(match, times=[one for one in match.times if one > datetime.now(UTC)])


async def _mentoring(
    request: Request[Any, Any, Any],
    peers: Peers,
    actor: Actor,
    *,
    typed: FormMultiDict | None = None,
    errors: dict[str, str] | None = None,
) -> Response[Any]:
    person = _person(actor)
    capacity, stated, people = await asyncio.gather(
        or_none(peers.get("intake", f"/api/intake/mentors/{person}", MentorCapacity)),
        or_none(peers.get("intake", f"/api/intake/availability/{person}", Availability)),
        people_of(peers, [person]),
    )
    known = people.get(person)
    zone = (stated.time_zone if stated else None) or (known.time_zone if known else None) or "UTC"
    return page(
        request,
        "joining/mentoring.html",
        status=400 if errors else 200,
        is_mentor="mentor" in actor.roles,
        capacity=capacity,
        zone=zone,
        zones=sorted({zone, "UTC", *ZONES}),
        languages=" ".join(stated.languages) if stated else "",
        days=windows_by_day(stated.windows if stated else []),
        typed=typed or {},
        errors=errors or {},
    )


def _capacity_in(form: FormMultiDict) -> NewCapacity:
    errors = {
        name: f"takes a number up to {most}"
        for name, most in (("members_max", 20), ("hours_month", 200))
        if not _is_count(form.get(name), most)
    }
    if errors:
        raise Invalid(errors)
    return NewCapacity(
        members_max=int(str(form["members_max"])),
        hours_month=int(str(form["hours_month"])),
        is_paused=form.get("paused") == "yes",
    )


def _availability_in(form: FormMultiDict) -> Availability:
    """A day has up to two stretches; one without times isn't there."""
    windows, errors = [], {}
    for day, name in enumerate(WEEKDAYS):
        for part in ("a", "b"):
            field = f"d{day}{part}"
            begins, ends = str(form.get(f"{field}-from") or ""), str(form.get(f"{field}-to") or "")
            if not begins and not ends:
                continue
            first, last = minute_of(begins), minute_of(ends)
            last = MINUTES_A_DAY if last == 0 else last
            if first is None or last is None or last <= first:
                errors[field] = f"{name}: takes two times, such as 17:00 and 20:00, the later one second"
            else:
                windows.append(WeeklyWindow(weekday=day, begins=first, ends=last))
    if errors:
        raise Invalid(errors)
    languages = languages_in(str(form.get("languages") or ""))
    return Availability(time_zone=str(form.get("time_zone") or "UTC"), languages=languages, windows=windows)


def _is_count(text: object, most: int) -> bool:
    return isinstance(text, str) and _COUNT.fullmatch(text) is not None and int(text) <= most


def _count(text: object, most: int) -> int:
    """Raises NotFound: our own pages send nothing else."""
    if not _is_count(text, most):
        raise NotFound
    return int(str(text))


def _person(actor: Actor) -> Any:
    if actor.person is None:
        raise NotFound
    return actor.person


ROUTES: tuple[ControllerRouterHandler, ...] = (mentoring, save, answer_here, ask, answer)
