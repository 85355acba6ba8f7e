"""What to know of a member before the next encounter, and what curriculum asks after one."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Controller, get

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.http.guards import Guard, signed_in
from gatehouse_chassis.privacy.reads import ReadEntry
from gatehouse_encounter.access import EncounterAccess
from gatehouse_encounter.encounter import queries
from gatehouse_encounter.encounter.calendar import MEDIA_TYPE, Appointment, calendar
from gatehouse_encounter.encounter.structs import Agreement, Brief, PlannedAppointment
from gatehouse_encounter.follow_up.queries import open_follow_ups
from gatehouse_encounter.reads import READS
from gatehouse_encounter.series.queries import lasting_series
from gatehouse_encounter.series.rules import occurrences
from gatehouse_encounter.text.queries import notes_about

CALENDAR_AHEAD = 26
"""Meetings of each series in a calendar: half a year of weeks."""


class MemberController(Controller):
    path = "/members/{member_id:uuid}"
    tags = ("encounters",)

    @get(
        "/brief",
        operation_id="GetBrief",
        guards=[signed_in],
        summary="What to know before the next encounter: facts only",
    )
    async def get_brief(self, member_id: UUID, actor: Actor, access: EncounterAccess) -> Brief:
        if await access.about(actor, member_id) == "coordination":
            await READS.note(actor, [member_id], what="GetBrief", why="coordinator")
        promised = await open_follow_ups(member_id)
        return Brief(
            member_id=member_id,
            last=await queries.last_held(member_id),
            next=await queries.next_of(member_id),
            promised_by_member=[one for one in promised if one.side == "member"],
            promised_by_mentor=[one for one in promised if one.side == "mentor"],
            notes=await notes_about(member_id, actor.person),
            held_count=await queries.held_count(member_id),
        )

    @get(
        "/reads",
        operation_id="ListEncounterReads",
        guards=[signed_in],
        summary="When coordinators read the caller's encounters, or opened private texts about them",
    )
    async def list_reads(self, member_id: UUID, actor: Actor) -> list[ReadEntry]:
        if not actor.is_person(member_id):
            raise NotFound("There is no such member.")
        return await READS.of(member_id)


class CalendarController(Controller):
    path = "/calendar"
    tags = ("encounters",)

    @get(
        operation_id="GetCalendar",
        guards=[signed_in],
        media_type=MEDIA_TYPE,
        summary="The caller's planned encounters and the next meetings of their series, as iCalendar (RFC 5545)",
    )
    async def get_calendar(self, actor: Actor) -> str:
        return calendar([] if actor.person is None else await _appointments_of(actor.person))


async def _appointments_of(person: UUID) -> list[Appointment]:
    now = datetime.now(UTC)
    planned = await queries.planned_of(person)
    found = [Appointment(one.id, one.version, one.planned_from, one.planned_to, one.changed_at) for one in planned]
    taken = {(one.member_id, one.mentor_id, one.planned_from.astimezone(UTC)) for one in planned}
    for series in await lasting_series(person):
        for number, one in enumerate(occurrences(series, now, CALENDAR_AHEAD)):
            if (series.member_id, series.mentor_id, one.begins_at) not in taken:
                found.append(Appointment(series.id, series.version, one.begins_at, one.ends_at, now, number))
    return found


def appointment_route(guard: Guard) -> Any:
    """For communication, which reminds both. `guard`: other services only."""

    @get(
        "/appointments/{encounter_id:uuid}",
        operation_id="GetAppointment",
        guards=[guard],
        summary="Who meets when, and whether it is still planned",
        tags=["encounters"],
    )
    async def get_appointment(encounter_id: UUID) -> PlannedAppointment:
        row = await queries.ENCOUNTER.get(encounter_id)
        return PlannedAppointment(
            id=row.id, member_id=row.member_id, mentor_id=row.mentor_id, state=row.state, planned_from=row.planned_from
        )

    return get_appointment


def calendar_route(guard: Guard) -> Any:
    """For intake, which gives people an address that their calendar programs read. `guard`: other services only."""

    @get(
        "/calendars/{person_id:uuid}",
        operation_id="GetCalendarOf",
        guards=[guard],
        media_type=MEDIA_TYPE,
        summary="Somebody's planned encounters and the next meetings of their series, as iCalendar (RFC 5545)",
        tags=["encounters"],
    )
    async def get_calendar_of(person_id: UUID) -> str:
        return calendar(await _appointments_of(person_id))

    return get_calendar_of


def agreement_routes(guard: Guard) -> Any:
    """What curriculum asks when an encounter has finished. `guard`: other services of the platform only."""

    @get(
        "/agreements/{encounter_id:uuid}",
        operation_id="GetEncounterAgreement",
        guards=[guard],
        summary="The now-list that was agreed on, and until when",
        tags=["encounters"],
    )
    async def get_agreement(encounter_id: UUID) -> Agreement:
        return await queries.agreement_of(encounter_id)

    return get_agreement
