"""The coordinators' board of those who come, and what they decide."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Request, Response, get, post
from litestar.datastructures import FormMultiDict, UploadFile
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Invalid, NotFound
from gatehouse_portal.areas.joining import view
from gatehouse_portal.areas.joining.structs import (
    Application,
    DecidedSignUp,
    Door,
    DoorChange,
    ImportedFile,
    ImportedRows,
    IntroductionTime,
    ScriptToken,
    SignUp,
)
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.structs import Page
from gatehouse_portal.shell.toast import Toast, see_with

SEEN_BY = ("coordinator", "staff")
MOST, SHOWN_FIRST, FEW = 200, 10, 5
by_coordinators = guards.pages_for(*SEEN_BY)


@get("/joining", guards=[by_coordinators], include_in_schema=False)
async def board(request: Request[Any, Any, Any], peers: Peers) -> Response[Any]:
    return await _board(request, peers)


async def _board(
    request: Request[Any, Any, Any], peers: Peers, *, problem: str = "", script_token: str = ""
) -> Response[Any]:
    found, left, doors, applications = await asyncio.gather(
        on_their_way(peers),
        peers.get(
            "intake", "/api/intake/sign-ups", Page[SignUp], state="timed_out", sort="-moved", limit=FEW, total="true"
        ),
        peers.get("intake", "/api/intake/doors", list[Door]),
        applications_to_decide(peers),
    )
    shown = view.board_of(found.items)
    return page(
        request,
        "joining/board.html",
        status=400 if problem else 200,
        board=shown,
        total=found.total,
        timed_out=left,
        doors=doors,
        applications=applications,
        names=view.DOORS,
        most=SHOWN_FIRST,
        problem=problem,
        script_token=script_token,
    )


async def on_their_way(peers: Peers) -> Page[SignUp]:
    states = [*view.SHOWN, "returning"]
    return await peers.get(
        "intake", "/api/intake/sign-ups", Page[SignUp], state=states, sort="moved", limit=MOST, total="true"
    )


async def applications_to_decide(peers: Peers) -> list[Application]:
    """Those that wait for a decision, and admissions that can't go on."""
    address = "/api/intake/applications"
    waiting, stuck = await asyncio.gather(
        peers.get("intake", address, Page[Application], state="confirmed", limit=MOST),
        peers.get("intake", address, Page[Application], state="accepted", problem="true", limit=MOST),
    )
    return [*stuck.items, *waiting.items]


async def load_home(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    """On the home page of coordinators; None for others, and where nobody is on their way."""
    if "coordinator" not in actor.roles:
        return None
    peers: Peers = request.app.state.peers
    found, applications = await asyncio.gather(on_their_way(peers), applications_to_decide(peers))
    if not found.items and not applications:
        return None
    board = view.board_of(found.items)
    return {"board": board, "total": found.total, "few": FEW, "applications": applications}


@post("/joining/{id:uuid}/retry", guards=[by_coordinators], include_in_schema=False)
async def retry(request: Request[Any, Any, Any], peers: Peers, id: UUID) -> Response[Any]:
    version = version_of(await request.form())
    done = await peers.ask("intake", "POST", f"/api/intake/sign-ups/{id}/retry", DecidedSignUp, version=version)
    return see_with(request, "/joining", Toast(f"{done.name} goes on. Look again in a moment."))


@post("/joining/{id:uuid}/reject", guards=[by_coordinators], include_in_schema=False)
async def reject(request: Request[Any, Any, Any], peers: Peers, id: UUID) -> Response[Any]:
    version = version_of(await request.form())
    done = await peers.ask("intake", "POST", f"/api/intake/sign-ups/{id}/reject", DecidedSignUp, version=version)
    return see_with(request, "/joining", Toast(f"{done.name} isn’t on the board any more."))


@post("/joining/{id:uuid}/introduction", guards=[by_coordinators], include_in_schema=False)
async def schedule(request: Request[Any, Any, Any], peers: Peers, id: UUID) -> Response[Any]:
    form = await request.form()
    try:
        body = IntroductionTime(time_in(form))
    except Invalid as refused:
        return await _board(request, peers, problem=refused.errors[0].message)
    address = f"/api/intake/sign-ups/{id}/introduction"
    done = await peers.ask("intake", "POST", address, DecidedSignUp, json=body, version=version_of(form))
    return see_with(request, "/joining", Toast(f"The introduction of {done.name} has a time."))


@post("/joining/{id:uuid}/held", guards=[by_coordinators], include_in_schema=False)
async def held(request: Request[Any, Any, Any], peers: Peers, id: UUID) -> Response[Any]:
    version = version_of(await request.form())
    address = f"/api/intake/sign-ups/{id}/introduction/held"
    done = await peers.ask("intake", "POST", address, DecidedSignUp, version=version)
    return see_with(request, "/joining", Toast(f"{done.name} waits for a mentor now."))


@post("/joining/files", guards=[by_coordinators], include_in_schema=False)
async def bring_file(request: Request[Any, Any, Any], peers: Peers) -> Response[Any]:
    file = (await request.form()).get("file")
    try:
        if not isinstance(file, UploadFile) or not file.filename:
            raise Invalid({"file": "choose a file"})
        body = ImportedFile(await file.read())
        done = await peers.ask("intake", "POST", "/api/intake/imports", ImportedRows, json=body)
    except Invalid as refused:
        said = "; ".join(f"{one.field}: {one.message}" for one in refused.errors[:FEW])
        return await _board(request, peers, problem=f"No row was taken. {said}.")
    return see_with(request, "/joining", Toast(f"{done.new} new, {done.known} known already."))


@post("/joining/doors/{source:str}", guards=[by_coordinators], include_in_schema=False)
async def turn(request: Request[Any, Any, Any], peers: Peers, source: str) -> Response[Any]:
    if source not in view.DOORS:
        raise NotFound
    body = DoorChange("open" if (await request.form()).get("open") == "yes" else "closed")
    await peers.ask("intake", "PUT", f"/api/intake/doors/{source}", list[Door], json=body)
    text = f"{view.DOORS[source]}: {body.state} now."
    return see_with(request, "/joining", Toast(text))


@post("/joining/token", guards=[by_coordinators], include_in_schema=False)
async def make_token(request: Request[Any, Any, Any], peers: Peers) -> Response[Any]:
    """Shown once, on the answer itself: it is kept nowhere."""
    made = await peers.ask("intake", "POST", "/api/intake/doors/sheet_row/token", ScriptToken)
    return await _board(request, peers, script_token=made.token)


def version_of(form: FormMultiDict) -> int:
    text = str(form.get("version", ""))
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise NotFound
    return int(text)


def time_in(form: FormMultiDict) -> datetime:
    """By the clock of the form's `zone`."""
    try:
        wall = datetime.fromisoformat(str(form.get("at") or ""))
        return wall.replace(tzinfo=ZoneInfo(str(form.get("zone") or "UTC")[:64])).astimezone(UTC)
    except (ValueError, KeyError, OSError, OverflowError):
        raise Invalid({"at": "The time takes a day and a time, such as 2026-12-01 17:00."}) from None


ROUTES: tuple[ControllerRouterHandler, ...] = (
    board,
    retry,
    reject,
    schedule,
    held,
    bring_file,
    turn,
    make_token,
)
