"""Scripts of meetings: what is talked about. A published version never changes; what is written is the next one."""

import asyncio
import re
import unicodedata
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Conflict, Invalid, NotFound, StaleVersion
from gatehouse_portal.areas.encounters.script_structs import PublishedVersion, ScriptPrompt, WrittenScript
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.structs import Page
from gatehouse_portal.shell.toast import Toast, see_with

PAGE = "/scripts"
READERS, EDITORS = ("mentor", "coordinator", "staff"), ("coordinator", "staff")
KINDS = {
    "text": "Text",
    "check": "Yes or not",
    "radio": "One of several",
    "scale": "From 1 to 5",
    "heading": "Heading, no answer",
}
AUDIENCES = {"shared": "Both see it", "author_only": "The mentor alone"}
MOST_PROMPTS, MORE_ROWS, MOST = 60, 3, 200
_NO_LETTER = re.compile(r"[^a-z0-9]+")
SAID = {
    "publish": "Published. New meetings use this version; meetings that have begun keep theirs.",
    "retire": "Retired. Meetings that have begun keep it.",
    "restore": "It can be used again.",
}


@get(PAGE, guards=[guards.pages_for(*READERS)], include_in_schema=False)
async def scripts(request: Request[Any, Any, Any], peers: Peers, actor: Actor) -> Response[Any]:
    found = await peers.get("encounter", "/api/encounter/scripts", Page[WrittenScript], limit=MOST)
    return page(request, "encounters/scripts.html", scripts=found.items, edits=actor.has(*EDITORS))


@post(PAGE, guards=[guards.pages_for(*EDITORS)], include_in_schema=False)
async def begin(request: Request[Any, Any, Any], peers: Peers) -> Response[Any]:
    name = str((await request.form()).get("name") or "").strip()
    try:
        made = await peers.ask("encounter", "POST", "/api/encounter/scripts", WrittenScript, json={"name": name})
    except (Invalid, Conflict) as refused:
        return see_with(request, PAGE, Toast(f"Nothing was begun: {_said(refused)}"))
    return see_with(request, f"{PAGE}/{made.id}", Toast("Begun. Write its prompts, then publish it."))


@get(f"{PAGE}/{{id:uuid}}", guards=[guards.pages_for(*READERS)], include_in_schema=False)
async def script(request: Request[Any, Any, Any], peers: Peers, actor: Actor, id: UUID) -> Response[Any]:
    return await _script(request, peers, actor, id)


@post(f"{PAGE}/{{id:uuid}}", guards=[guards.pages_for(*EDITORS)], include_in_schema=False)
async def save(request: Request[Any, Any, Any], peers: Peers, actor: Actor, id: UUID) -> Response[Any]:
    """What was typed stays on the page where something of it can't be. It is published with what was typed last."""
    form = await request.form()
    prompts = prompts_in(form)
    body = {
        "name": str(form.get("name") or "").strip(),
        "purpose": str(form.get("purpose") or "").strip() or None,
        "first_meeting": form.get("first_meeting") == "on",
        "prompts": prompts,
    }
    path = f"/api/encounter/scripts/{id}"
    try:
        saved = await peers.ask("encounter", "PATCH", path, WrittenScript, json=body, version=_version(form))
        if form.get("then") == "publish":
            await peers.ask("encounter", "POST", f"{path}/publish", type(None), version=saved.version)
    except (Invalid, Conflict, StaleVersion) as refused:
        return await _script(request, peers, actor, id, problem=_said(refused), typed=prompts)
    said = SAID["publish"] if form.get("then") == "publish" else "Saved. Meetings use it once it is published."
    return see_with(request, f"{PAGE}/{id}", Toast(said))


@post(f"{PAGE}/{{id:uuid}}/{{what:str}}", guards=[guards.pages_for(*EDITORS)], include_in_schema=False)
async def move(request: Request[Any, Any, Any], peers: Peers, actor: Actor, id: UUID, what: str) -> Response[Any]:
    if what not in SAID:
        raise NotFound
    version = _version(await request.form())
    address = f"/api/encounter/scripts/{id}"
    try:
        if what == "publish":
            await peers.ask("encounter", "POST", f"{address}/publish", type(None), version=version)
        elif what == "retire":
            await peers.ask("encounter", "POST", f"{address}/retire", type(None), version=version)
        else:
            await peers.ask("encounter", "POST", f"{address}/restore", type(None), version=version)
    except (Conflict, Invalid, StaleVersion) as refused:
        return await _script(request, peers, actor, id, problem=_said(refused))
    return see_with(request, f"{PAGE}/{id}", Toast(SAID[what]))


async def _script(
    request: Request[Any, Any, Any],
    peers: Peers,
    actor: Actor,
    id: UUID,
    *,
    problem: str = "",
    typed: list[ScriptPrompt] | None = None,
) -> Response[Any]:
    found, versions = await asyncio.gather(
        peers.get("encounter", f"/api/encounter/scripts/{id}", WrittenScript),
        peers.get("encounter", f"/api/encounter/scripts/{id}/versions", list[PublishedVersion]),
    )
    prompts = found.prompts if typed is None else typed
    empty = ScriptPrompt(key="", kind="text", prompt="")
    rows = [*prompts, *[empty] * min(MORE_ROWS, MOST_PROMPTS - len(prompts))]
    return page(
        request,
        "encounters/script.html",
        status=400 if problem else 200,
        script=found,
        versions=sorted(versions, key=lambda one: -one.number),
        rows=rows,
        kinds=KINDS,
        audiences=AUDIENCES,
        edits=actor.has(*EDITORS),
        problem=problem,
    )


def prompts_in(form: FormMultiDict) -> list[ScriptPrompt]:
    """The rows that have words. Each keeps its key, by which answers are found; a new one gets one from its words."""
    rows = []
    for number in range(MOST_PROMPTS + MORE_ROWS):
        words = " ".join(str(form.get(f"prompt-{number}") or "").split())
        if words:
            options = [one.strip() for one in str(form.get(f"options-{number}") or "").split(";")]
            rows.append(
                ScriptPrompt(
                    key=str(form.get(f"key-{number}") or ""),
                    kind=str(form.get(f"kind-{number}") or "text"),
                    prompt=words,
                    help=" ".join(str(form.get(f"help-{number}") or "").split()) or None,
                    options=[one for one in options if one],
                    audience=str(form.get(f"audience-{number}") or "shared"),
                    required=form.get(f"required-{number}") == "on",
                )
            )
    taken = {one.key for one in rows}
    return [one if one.key else _with_key(one, taken) for one in rows]


def _with_key(prompt: ScriptPrompt, taken: set[str]) -> ScriptPrompt:
    """Adds the key to `taken`."""
    plain = unicodedata.normalize("NFKD", prompt.prompt).encode("ascii", "ignore").decode().lower()
    stem = _NO_LETTER.sub("_", plain).strip("_")[:30].strip("_")
    stem = stem if stem[:1].isalpha() else f"prompt_{stem}".strip("_")
    names = (stem, *(f"{stem}_{number}" for number in range(2, MOST_PROMPTS + 2)))
    key = next(one for one in names if one not in taken)
    taken.add(key)
    return ScriptPrompt(
        key=key,
        kind=prompt.kind,
        prompt=prompt.prompt,
        help=prompt.help,
        options=prompt.options,
        audience=prompt.audience,
        required=prompt.required,
    )


def _version(form: FormMultiDict) -> int:
    text = str(form.get("version") or "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise NotFound
    return int(text)


def _said(refused: Invalid | Conflict | StaleVersion) -> str:
    fields = "; ".join(f"{one.field}: {one.message}" for one in refused.errors)
    return fields or refused.detail or "This can’t be saved."


ROUTES: tuple[ControllerRouterHandler, ...] = (scripts, begin, script, save, move)
