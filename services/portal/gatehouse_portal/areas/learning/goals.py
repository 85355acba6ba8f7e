"""What a member wants to reach, in their own words, on their home: said, reached or dropped, and taken back."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, post
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Invalid, NotFound
from gatehouse_portal.areas.learning.structs import Goal
from gatehouse_portal.enumerators import VALUES
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.toast import Toast, Undo, see_with

HORIZONS = VALUES["curriculum"]["goal_horizon"]
DONE = {
    "open": "“{text}” is open again.",
    "reached": "Reached: “{text}”. Well done.",
    "dropped": "Dropped “{text}”.",
}
HOME = "/#goals"


@post("/goals", guards=[guards.person], include_in_schema=False)
async def state_goal(request: Request, actor: Actor, peers: Peers) -> Response[Any]:
    form = await request.form()
    text, horizon = str(form.get("text", "")).strip(), str(form.get("horizon", ""))
    if not text or horizon not in HORIZONS:
        raise Invalid({"text": "what you want to reach, in one line, and until when"})
    if actor.person is None:
        raise NotFound
    path = f"/api/curriculum/curricula/{actor.person}/goals"
    goal = await peers.ask("curriculum", "POST", path, Goal, json={"text": text, "horizon": horizon})
    undo = Undo(path=f"/goals/{goal.id}", fields={"state": "dropped", "before": "open"}, target="")
    return see_with(request, HOME, Toast(f"Your goal is “{goal.text}”.", undo))


@post("/goals/{goal_id:uuid}", guards=[guards.person], include_in_schema=False)
async def settle_goal(request: Request, actor: Actor, peers: Peers, goal_id: UUID) -> Response[Any]:
    """`before`: what an undo's own undo goes back to."""
    form = await request.form()
    state, before = str(form.get("state", "")), str(form.get("before", ""))
    if state not in DONE:
        raise Invalid({"state": f"must be one of {', '.join(DONE)}"})
    if actor.person is None:
        raise NotFound
    path = f"/api/curriculum/curricula/{actor.person}/goals/{goal_id}/settle"
    goal = await peers.ask("curriculum", "POST", path, Goal, json={"state": state})
    # The page shows what is open and what was reached, so that is where it came from.
    back = before if before in DONE else "open" if state != "open" else "reached"
    undo = Undo(path=f"/goals/{goal.id}", fields={"state": back, "before": state}, target="")
    return see_with(request, HOME, Toast(DONE[state].format(text=goal.text), undo))


ROUTES: tuple[ControllerRouterHandler, ...] = (state_goal, settle_goal)
