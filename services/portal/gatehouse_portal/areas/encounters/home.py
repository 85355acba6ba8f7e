"""On the home page: a mentor's next meeting with its brief and what they promised; a member's next meeting."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from litestar import Request

from gatehouse_chassis.base.actor import Actor
from gatehouse_portal.areas.encounters.structs import (
    Brief,
    Disclosure,
    EncounterInList,
    FollowUp,
    MemberNote,
    PlanOfMember,
    ScriptChoice,
)
from gatehouse_portal.areas.encounters.view import PlanChoice, brief_of, choices_of, mentors_in, names_of
from gatehouse_portal.shell.peers import Away, Peers, or_away, or_none
from gatehouse_portal.shell.structs import Page

MOST_SHOWN = 5
TOLD = timedelta(days=30)
"""How long a mentor sees at home that private texts were opened; the page of the meeting says it for good."""


class Upcoming(msgspec.Struct, frozen=True, kw_only=True):
    """A meeting that comes, with what to know before it. `now`: what the member is learning."""

    encounter: EncounterInList
    member: str
    brief: Brief | None = None
    now: list[PlanChoice] = []


async def load_mentor(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    """None for who isn't a mentor."""
    if actor.person is None or "mentor" not in actor.roles:
        return None
    peers: Peers = request.app.state.peers
    mine = str(actor.person)
    meetings, promised, scripts, disclosures = await asyncio.gather(
        _meetings(peers, mine),
        peers.get("encounter", "/api/encounter/follow-ups", Page[FollowUp], mentor=mine, side="mentor", done="false"),
        peers.get("encounter", "/api/encounter/script-choices", list[ScriptChoice]),
        peers.get("encounter", "/api/encounter/disclosures", Page[Disclosure], limit=MOST_SHOWN),
    )
    people = [*(one.member_id for one in meetings), *(one.member_id for one in promised.items[:MOST_SHOWN])]
    names = await names_of(peers, people)
    first = [await _upcoming(peers, one, names) for one in meetings[:1]]
    told = mentors_in(first[0].brief if first else None)
    names |= await names_of(peers, told - names.keys() - {actor.person})
    recent = datetime.now(UTC) - TOLD
    others = [Upcoming(encounter=one, member=names.get(one.member_id, "A member")) for one in meetings[1:MOST_SHOWN]]
    return {
        "first": first[0] if first else None,
        "others": others,
        "promised": promised.items[:MOST_SHOWN],
        "names": names,
        "scripts": scripts,
        "reader": actor.person,
        "disclosures": [
            one for one in disclosures.items if one.author_id == actor.person and one.disclosed_at > recent
        ],
    }


async def load_member(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    """None for who isn't a member, or has met nobody yet and won't."""
    if actor.person is None or "member" not in actor.roles:
        return None
    peers: Peers = request.app.state.peers
    brief = await brief_of(peers, actor.person)
    if brief is None or (brief.next is None and brief.last is None):
        return None
    notes: list[MemberNote] = []
    if brief.next is not None:
        found = await peers.get("encounter", "/api/encounter/notes", Page[MemberNote], encounter=str(brief.next.id))
        notes = [note for note in found.items if note.author_id == actor.person]
    mentor = brief.next or brief.last
    names = await names_of(peers, [mentor.mentor_id] if mentor else [])
    return {"brief": brief, "note": notes[0] if notes else None, "names": names}


async def _meetings(peers: Peers, mentor: str) -> list[EncounterInList]:
    """What is being held comes first, then what is planned, the nearest first."""
    found = await peers.get(
        "encounter",
        "/api/encounter/encounters",
        Page[EncounterInList],
        state=["planned", "open"],
        sort="planned",
        limit=20,
        mentor=mentor,
    )
    return sorted(found.items, key=lambda one: (one.state != "open", one.planned_from))


async def _upcoming(peers: Peers, one: EncounterInList, names: dict[Any, str]) -> Upcoming:
    brief, plan = await asyncio.gather(
        or_away(brief_of(peers, one.member_id)),
        or_away(or_none(peers.get("curriculum", f"/api/curriculum/curricula/{one.member_id}", PlanOfMember))),
    )
    known = None if isinstance(plan, Away) or plan is None else PlanOfMember(now=plan.now)
    return Upcoming(
        encounter=one,
        member=names.get(one.member_id, "A member"),
        brief=None if isinstance(brief, Away) else brief,
        now=await choices_of(peers, known),
    )
