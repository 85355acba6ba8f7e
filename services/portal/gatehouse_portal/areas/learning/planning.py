"""Planning a period: the now-list until the next meeting, and the time that the member has for it.

Each can be undone.
"""

from typing import Any
from uuid import UUID

from litestar import Request, Response, post
from litestar.datastructures import FormMultiDict
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Conflict, Invalid, NotFound, StaleVersion
from gatehouse_portal.areas.learning.format import hours
from gatehouse_portal.areas.learning.routes import done, refused, version_in
from gatehouse_portal.areas.learning.structs import Curriculum, CurriculumAfterCommitting, Planning
from gatehouse_portal.areas.learning.view import view_of
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.format import day
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.toast import Toast, Undo

MOST_HOURS, MOST_DAYS = 80, 90


@post("/members/{person_id:uuid}/period", guards=[guards.person], include_in_schema=False)
async def commit(request: Request, actor: Actor, peers: Peers, person_id: UUID) -> Response[Any]:
    form = await request.form()
    ids = [str(_id(text)) for text in form.getall("item", [])]
    if not ids:
        raise Invalid({"item": "choose at least one resource for the period"})
    until = str(form.get("until") or "") or None
    path = f"/api/curriculum/curricula/{person_id}/periods"
    body = {"assignment_ids": ids, "until": until}
    try:
        curriculum = await peers.ask(
            "curriculum", "POST", path, CurriculumAfterCommitting, json=body, version=version_in(form)
        )
    except (StaleVersion, Conflict) as problem:
        return await refused(request, actor, peers, person_id, problem=problem, form=form)
    period = curriculum.planning.period
    count = len(curriculum.now)
    text = f"Committed {count} resource{'' if count == 1 else 's'}{f' until {day(period.ends_at)}' if period else ''}."
    undo = Undo(
        path=f"/members/{person_id}/period/{curriculum.period_id}/undo",
        fields=_fields(curriculum),
        target="curriculum",
        then=("fold-plan-period",),
    )
    return await done(request, actor, peers, person_id, Toast(text, undo))


@post("/members/{person_id:uuid}/period/{period_id:uuid}/undo", guards=[guards.person], include_in_schema=False)
async def undo_commit(request: Request, actor: Actor, peers: Peers, person_id: UUID, period_id: UUID) -> Response[Any]:
    form = await request.form()
    path = f"/api/curriculum/curricula/{person_id}/periods/{period_id}/undo"
    try:
        await peers.ask("curriculum", "POST", path, type(None), version=version_in(form))
    except (StaleVersion, Conflict) as problem:
        return await refused(request, actor, peers, person_id, problem=problem, form=form)
    return await done(request, actor, peers, person_id, Toast("Undone. The plan is as it was before."))


@post("/members/{person_id:uuid}/commitment", guards=[guards.person], include_in_schema=False)
async def state_commitment(request: Request, actor: Actor, peers: Peers, person_id: UUID) -> Response[Any]:
    form = await request.form()
    minutes, days = _commitment(form)
    body = {"minutes_per_week": minutes, "meets_every_days": days}
    view = await view_of(peers, actor, person_id)
    if view.curriculum is None:
        raise NotFound
    before = view.curriculum.planning
    path = f"/api/curriculum/curricula/{person_id}/commitment"
    try:
        curriculum = await peers.ask("curriculum", "PUT", path, Curriculum, json=body, version=version_in(form))
    except (StaleVersion, Conflict) as problem:
        return await refused(request, actor, peers, person_id, problem=problem, form=form)
    fields = _fields(curriculum) | _as_form(before)
    undo = Undo(path=f"/members/{person_id}/commitment", fields=fields, target="curriculum", then=("fold-time",))
    text = f"{'You have' if view.own else f'{view.call} has'} {hours(minutes)} a week."
    return await done(request, actor, peers, person_id, Toast(text, undo))


def _fields(curriculum: Curriculum) -> dict[str, str]:
    return {"version": str(curriculum.version), "seen_at": curriculum.changed_at.isoformat()}


def _as_form(planning: Planning) -> dict[str, str]:
    days = planning.meets_every_days
    return {"hours": f"{planning.minutes_per_week / 60:g}", "days": str(days) if days else ""}


def _commitment(form: FormMultiDict) -> tuple[int, int | None]:
    """Minutes a week, and days between meetings. Raises Invalid for what is no number of hours, or of days."""
    text, days = str(form.get("hours") or "").strip().replace(",", "."), str(form.get("days") or "").strip()
    try:
        minutes = round(float(text) * 60)
    except (ValueError, OverflowError):
        minutes = -1
    if not 0 <= minutes <= MOST_HOURS * 60:
        raise Invalid({"hours": f"a number of hours from 0 to {MOST_HOURS}, such as 6 or 2.5"})
    if days and not (days.isascii() and days.isdigit() and 1 <= int(days[:4]) <= MOST_DAYS):
        raise Invalid({"days": f"a whole number of days from 1 to {MOST_DAYS}, or nothing"})
    return minutes, int(days) if days else None


def _id(text: object) -> UUID:
    try:
        return UUID(str(text))
    except ValueError:
        raise Invalid({"item": "open the page again"}) from None


ROUTES: tuple[ControllerRouterHandler, ...] = (commit, undo_commit, state_commitment)
