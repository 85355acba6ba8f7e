"""What several pages of certificates need."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from litestar import Request
from litestar.datastructures import FormMultiDict

from gatehouse_chassis.base.problems import ApiProblem, NotFound
from gatehouse_portal.areas.certificates.structs import Achievement, Award
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.structs import Page

BATCH = 50


async def achievements_of(request: Request[Any, Any, Any], awards: Iterable[Award]) -> dict[UUID, Achievement]:
    """What they are about, by id: of whatever edition, archived ones too."""
    peers: Peers = request.app.state.peers
    ids = sorted({str(one.achievement_id) for one in awards})
    found: dict[UUID, Achievement] = {}
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        path = "/api/credential/achievements"
        listed = await peers.get("credential", path, Page[Achievement], id=batch, limit=BATCH)
        found |= {one.id: one for one in listed.items}
        if gone := [id for id in batch if UUID(id) not in found]:
            listed = await peers.get("credential", path, Page[Achievement], id=gone, archived="true", limit=BATCH)
            found |= {one.id: one for one in listed.items}
    return found


def of_form(form: FormMultiDict, name: str, values: Sequence[str]) -> str:
    """One of `values`, or nothing."""
    given = str(form.get(name) or "")
    return given if given in values else ""


def version_of(form: FormMultiDict) -> int:
    """Raises NotFound for what no form of ours sends."""
    text = str(form.get("version") or "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise NotFound
    return int(text)


def said(refused: ApiProblem) -> str:
    fields = "; ".join(f"{one.field}: {one.message}" for one in refused.errors)
    return refused.detail or fields or "This can’t be done now."
