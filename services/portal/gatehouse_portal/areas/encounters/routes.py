"""The page of an encounter: where a mentor writes while two people meet, and what both read afterwards.

What is typed is saved by the island `draft` (services/portal/islands). Without JavaScript the same page is a form.
"""

from typing import Any
from uuid import UUID, uuid4

from litestar import Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Conflict, Forbidden, Invalid, StaleVersion
from gatehouse_portal.areas.encounters.forms import agreed_items, agreed_time, promises, required_times, version_of
from gatehouse_portal.areas.encounters.structs import Disclosed, FollowUp, MemberNote, PlannedEncounter
from gatehouse_portal.areas.encounters.view import Meeting, meeting_of, names_of
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.format import day
from gatehouse_portal.shell.forms import local_path
from gatehouse_portal.shell.page import page, see, wants_part
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.toast import Toast, Undo, see_with

Refusal = Forbidden | Invalid | Conflict | StaleVersion
NOT_SAVED = "Some of it was also written on another page meanwhile. Compare the two, then save again."


@get("/encounters/{encounter_id:uuid}", guards=[guards.person], include_in_schema=False)
async def show(request: Request, actor: Actor, peers: Peers, encounter_id: UUID) -> Template:
    return shown(request, await meeting_of(peers, actor, encounter_id))


@post("/encounters/{encounter_id:uuid}/open", guards=[guards.person], include_in_schema=False)
async def begin(request: Request, peers: Peers, encounter_id: UUID) -> Response[Any]:
    """Begins it, by the script that was chosen in place."""
    form = await request.form()
    version = version_of(form)
    script = str(form.get("script") or "")
    if script and script != form.get("script_before"):
        body = {"script_version_id": script}
        row = await peers.ask(
            "encounter",
            "PATCH",
            f"/api/encounter/encounters/{encounter_id}",
            PlannedEncounter,
            json=body,
            version=version,
        )
        version = row.version
    await peers.ask(
        "encounter", "POST", f"/api/encounter/encounters/{encounter_id}/open", PlannedEncounter, version=version
    )
    return see(f"/encounters/{encounter_id}")


@post("/encounters/{encounter_id:uuid}/write", guards=[guards.person], include_in_schema=False)
async def write(request: Request, actor: Actor, peers: Peers, encounter_id: UUID) -> Response[Any]:
    """Without JavaScript: all that the form holds. What was also written elsewhere is shown beside it, not lost."""
    form = await request.form()
    refused = await save_all(peers, encounter_id, form)
    if refused:
        meeting = await meeting_of(peers, actor, encounter_id)
        return _answer(shown(request, meeting, status=412, problem=NOT_SAVED, sent=refused))
    return see_with(request, f"/encounters/{encounter_id}", Toast("Saved."))


async def save_all(peers: Peers, encounter_id: UUID, form: FormMultiDict) -> dict[str, str]:
    """By key what wasn't taken because another text is there."""
    refused = {}
    for name in form:
        key = name.removeprefix("text-")
        if key == name or not (version := str(form.get(f"version-{key}") or "")).isdecimal():
            continue
        text = str(form[name]).replace("\r\n", "\n")
        if text == str(form.get(f"before-{key}") or "").replace("\r\n", "\n") and not form.get(f"choice-{key}"):
            continue
        body = {"text": text, "writer": str(uuid4()), "value": form.get(f"choice-{key}") or None}
        if audience := form.get(f"audience-{key}"):
            body["audience"] = audience
        path = f"/api/encounter/encounters/{encounter_id}/answers/{key}"
        try:
            await peers.ask("encounter", "PUT", path, type(None), json=body, version=int(version[:9]))
        except StaleVersion:
            refused[key] = text
    return refused


@post("/encounters/{encounter_id:uuid}/finish", guards=[guards.person], include_in_schema=False)
async def finish(request: Request, actor: Actor, peers: Peers, encounter_id: UUID) -> Response[Any]:
    form = await request.form()
    body = {"now_list": agreed_items(form), "follow_ups": promises(form), "next": agreed_time(form)}
    refused = await save_all(peers, encounter_id, form)
    failure: Refusal | None = None
    if not refused:
        try:
            row = await peers.ask(
                "encounter",
                "POST",
                f"/api/encounter/encounters/{encounter_id}/finish",
                PlannedEncounter,
                json=body,
                version=version_of(form),
            )
        except (Forbidden, Invalid, Conflict, StaleVersion) as error:
            failure = error
        else:
            until = f" The plan holds until {day(row.agreed_until)}." if body["now_list"] and row.agreed_until else ""
            return see_with(request, await _after(peers, row), Toast(f"Finished.{until}"))
    meeting = await meeting_of(peers, actor, encounter_id)
    problem = _in_words(failure, meeting) if failure else NOT_SAVED
    return _answer(shown(request, meeting, status=422, problem=problem, sent=refused, form=form))


@post("/encounters/{encounter_id:uuid}/no-show", guards=[guards.person], include_in_schema=False)
async def no_show(request: Request, peers: Peers, encounter_id: UUID) -> Response[Any]:
    form = await request.form()
    row = await peers.ask(
        "encounter",
        "POST",
        f"/api/encounter/encounters/{encounter_id}/no-show",
        PlannedEncounter,
        version=version_of(form),
    )
    return see_with(request, await _after(peers, row), Toast("Recorded: nobody came. Plan another meeting."))


@post("/encounters/{encounter_id:uuid}/cancel", guards=[guards.person], include_in_schema=False)
async def cancel(request: Request, peers: Peers, encounter_id: UUID) -> Response[Any]:
    form = await request.form()
    body = {"reason": str(form.get("reason") or "")}
    path = f"/api/encounter/encounters/{encounter_id}/cancel"
    row = await peers.ask("encounter", "POST", path, PlannedEncounter, json=body, version=version_of(form))
    return see_with(request, await _after(peers, row), Toast("Called off."))


@post("/encounters/{encounter_id:uuid}/time", guards=[guards.person], include_in_schema=False)
async def move(request: Request, peers: Peers, encounter_id: UUID) -> Response[Any]:
    form = await request.form()
    begins, ends = required_times(form, "begins")
    path = f"/api/encounter/encounters/{encounter_id}"
    body = {"planned_from": begins, "planned_to": ends}
    await peers.ask("encounter", "PATCH", path, PlannedEncounter, json=body, version=version_of(form))
    return see_with(request, f"/encounters/{encounter_id}", Toast("The time is changed."))


@post("/encounters/{encounter_id:uuid}/disclose", guards=[guards.pages_for("coordinator")], include_in_schema=False)
async def disclose(request: Request, actor: Actor, peers: Peers, encounter_id: UUID) -> Response[Any]:
    form = await request.form()
    body = {"reason": str(form.get("reason") or "")}
    path = f"/api/encounter/encounters/{encounter_id}/disclosures"
    try:
        opened = await peers.ask("encounter", "POST", path, Disclosed, json=body)
    except Invalid:
        meeting = await meeting_of(peers, actor, encounter_id)
        return _answer(shown(request, meeting, status=409, problem="Say why: it is recorded, and the mentor is told."))
    return _answer(shown(request, await meeting_of(peers, actor, encounter_id), disclosed=opened))


@post("/encounters/{encounter_id:uuid}/note", guards=[guards.person], include_in_schema=False)
async def write_note(request: Request, actor: Actor, peers: Peers, encounter_id: UUID) -> Response[Any]:
    """What a member wants to talk about, or thought afterwards."""
    form = await request.form()
    text, back = (
        str(form.get("text") or "").replace("\r\n", "\n"),
        local_path(form.get("back"), f"/encounters/{encounter_id}"),
    )
    note = str(form.get("note") or "")
    if note:
        path = f"/api/encounter/notes/{_uuid(note)}"
        body = {"text": text, "writer": str(uuid4())}
        await peers.ask("encounter", "PUT", path, MemberNote, json=body, version=version_of(form))
    else:
        new = {
            "text": text,
            "writer": str(uuid4()),
            "member_id": str(actor.person),
            "encounter_id": str(encounter_id),
            "audience": "shared",
        }
        await peers.ask("encounter", "POST", "/api/encounter/notes", MemberNote, json=new)
    return see_with(request, back, Toast("Saved. Your mentor reads it."))


@post("/follow-ups/{follow_up_id:uuid}/done", guards=[guards.person], include_in_schema=False)
async def settle(request: Request, peers: Peers, follow_up_id: UUID) -> Response[Any]:
    form = await request.form()
    path = f"/api/encounter/follow-ups/{follow_up_id}/done"
    row = await peers.ask("encounter", "POST", path, FollowUp, version=version_of(form))
    return see_with(request, local_path(form.get("back")), Toast(f"Done: {row.text}", _back(row, form)))


@post("/follow-ups/{follow_up_id:uuid}/reopen", guards=[guards.person], include_in_schema=False)
async def reopen(request: Request, peers: Peers, follow_up_id: UUID) -> Response[Any]:
    form = await request.form()
    path = f"/api/encounter/follow-ups/{follow_up_id}/reopen"
    row = await peers.ask("encounter", "POST", path, FollowUp, version=version_of(form))
    answer = see_with(request, local_path(form.get("back")), Toast(f"Open again: {row.text}"))
    if wants_part(request):
        answer.status_code = 200
        answer.headers["HX-Redirect"] = answer.url
    return answer


def _back(row: FollowUp, form: FormMultiDict) -> Undo:
    """What takes “done” back."""
    fields = {"version": str(row.version), "back": local_path(form.get("back"))}
    return Undo(path=f"/follow-ups/{row.id}/reopen", fields=fields, target="main")


@post("/members/{member_id:uuid}/encounters", guards=[guards.person], include_in_schema=False)
async def plan(request: Request, actor: Actor, peers: Peers, member_id: UUID) -> Response[Any]:
    form = await request.form()
    begins, ends = required_times(form, "begins")
    pair = {"member_id": str(member_id), "mentor_id": str(actor.person)}
    body = {**pair, "planned_from": begins, "planned_to": ends}
    await peers.ask("encounter", "POST", "/api/encounter/encounters", PlannedEncounter, json=body)
    back = local_path(form.get("back"), f"/members/{member_id}")
    return see_with(request, back, Toast("The next meeting is planned."))


@post("/members/{member_id:uuid}/series", guards=[guards.person], include_in_schema=False)
async def repeat(request: Request, actor: Actor, peers: Peers, member_id: UUID) -> Response[Any]:
    form = await request.form()
    begins = str(form.get("begins") or "")
    body = {
        "member_id": str(member_id),
        "mentor_id": str(actor.person),
        "rhythm": str(form.get("rhythm")),
        "starts_on": begins[:10],
        "local_time": begins[11:16],
        "minutes": int(str(form.get("minutes") or 60)) if str(form.get("minutes") or 60).isdecimal() else 60,
        "time_zone": str(form.get("zone") or "") or None,
    }
    await peers.ask("encounter", "POST", "/api/encounter/series", type(None), json=body)
    return see_with(request, f"/members/{member_id}", Toast("You meet regularly from now on."))


@post("/members/{member_id:uuid}/series/{series_id:uuid}/end", guards=[guards.person], include_in_schema=False)
async def end_series(request: Request, peers: Peers, member_id: UUID, series_id: UUID) -> Response[Any]:
    form = await request.form()
    path = f"/api/encounter/series/{series_id}/end"
    await peers.ask("encounter", "POST", path, type(None), version=version_of(form))
    return see_with(request, f"/members/{member_id}", Toast("The series has ended. What is planned stays."))


@get("/calendar.ics", guards=[guards.person], include_in_schema=False)
async def calendar(peers: Peers) -> Response[bytes]:
    answer = await peers.pass_on("encounter", "GET", "/api/encounter/calendar", None, {})
    headers = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="mentoring.ics"'}
    return Response(answer.content, headers=headers, media_type="text/calendar; charset=utf-8")


@get("/signed-in", guards=[guards.person], include_in_schema=False)
async def signed_in(request: Request) -> Template:
    """Where somebody ends who signed in again in a new tab, while the page that they write on waits."""
    return page(request, "encounters/signed_in.html")


def shown(
    request: Request[Any, Any, Any],
    meeting: Meeting,
    *,
    status: int = 200,
    problem: str = "",
    sent: dict[str, str] | None = None,
    form: FormMultiDict | None = None,
    disclosed: Disclosed | None = None,
) -> Template:
    """`sent`: what was typed and couldn't be saved; `form`: what was agreed on, as it was sent."""
    name = "encounters/meet.html" if meeting.writes else "encounters/page.html"
    values = {"meeting": meeting, "problem": problem, "sent": sent or {}, "form": form, "disclosed": disclosed}
    return page(request, name, status=status, **values)


async def _after(peers: Peers, row: PlannedEncounter) -> str:
    """The member's page; that of the meeting for whoever no longer mentors them."""
    known = await names_of(peers, [row.member_id])
    return f"/members/{row.member_id}" if known else f"/encounters/{row.id}"


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid({"note": "open the page again"}) from None


def _answer(template: Template) -> Any:
    return template


def _in_words(error: Refusal, meeting: Meeting) -> str:
    """Why it can't be finished, without the names of our fields."""
    keys = [one.field.removeprefix("answers.") for one in error.errors if one.field.startswith("answers.")]
    if keys:
        return f"Still needed: {'; '.join(f'“{meeting.prompt_text(key)}”' for key in keys)}."
    return " ".join(one.message for one in error.errors) or error.detail


ROUTES: tuple[ControllerRouterHandler, ...] = (
    show,
    begin,
    write,
    finish,
    no_show,
    cancel,
    move,
    disclose,
    write_note,
    settle,
    reopen,
    plan,
    repeat,
    end_series,
    calendar,
    signed_in,
)
