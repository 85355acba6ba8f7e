"""Times for introductions, over HTTP: coordinators offer them, whoever is on the way in takes one."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import State

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, NotFound
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import allow, signed_in
from gatehouse_chassis.lists.listing import Page
from gatehouse_intake.access import COORDINATORS, person_of
from gatehouse_intake.icalendar import MEDIA_TYPE, calendar_of
from gatehouse_intake.sign_up.queries import follow_introduction
from gatehouse_intake.slot import queries
from gatehouse_intake.slot.appointments import Appointments
from gatehouse_intake.slot.entries import entry_of
from gatehouse_intake.slot.structs import NewSlots, OfferedSlots, Slot, SlotHost


class SlotController(Controller):
    path = "/slots"
    tags = ("introductions",)

    @get(
        operation_id="ListSlots",
        operation_class=queries.SLOTS.operation,
        guards=[signed_in],
        summary="Times to come at which an introduction can be held, and the caller's own appointments",
    )
    async def list_slots(self, request: Request[Any, Any, Any], actor: Actor) -> Page[Slot]:
        return await queries.SLOTS.page(request.query_params, where=[queries.seen_by(actor)])

    @post(
        operation_id="OfferSlots",
        guards=[allow(*COORDINATORS)],
        status_code=200,
        summary="Offer times for introductions that the caller holds; the same again changes nothing",
    )
    async def offer(self, data: NewSlots, actor: Actor) -> OfferedSlots:
        return OfferedSlots(added=await queries.offer(person_of(actor), data.begins, data.minutes, actor))

    @post(
        "/{id:uuid}/take",
        operation_id="TakeSlot",
        guards=[signed_in],
        status_code=200,
        summary="Take a time for one's introduction, in place of another that one had",
    )
    async def take(self, id: UUID, actor: Actor, state: State) -> Response[Slot]:
        person, appointments = person_of(actor), state.appointments
        assert isinstance(appointments, Appointments)
        slot = await queries.take(id, person, actor)
        try:
            await appointments.tell(person, slot.begins_at)
        except Conflict:
            await queries.release(person, actor)
            raise
        await queries.release(person, actor, kept=slot.id)
        await follow_introduction(person, "scheduled", actor)
        return versioned(slot)

    @post(
        "/{id:uuid}/cancel",
        operation_id="CancelSlot",
        guards=[allow(*COORDINATORS)],
        status_code=200,
        summary="Take a time back; whoever had taken it chooses another",
    )
    async def cancel(self, id: UUID, actor: Actor, state: State, if_match: IfMatch = None) -> Response[Slot]:
        slot = await queries.cancel(id, required_version(if_match), actor)
        if slot.person_id is not None:
            try:
                await state.appointments.tell(slot.person_id, None)
            except Conflict:
                return versioned(slot)  # they await no introduction any more
            await follow_introduction(slot.person_id, "welcomed", actor)
        return versioned(slot)

    @get(
        "/{id:uuid}/calendar",
        operation_id="GetSlotCalendar",
        guards=[signed_in],
        media_type=MEDIA_TYPE,
        summary="An appointment as iCalendar (RFC 5545)",
    )
    async def calendar(self, id: UUID, actor: Actor) -> str:
        return calendar_of([entry_of(await queries.read(id, actor))])

    @get(
        "/{id:uuid}/host",
        operation_id="GetSlotHost",
        guards=[signed_in],
        summary="Who holds an introduction, for whoever comes to it",
    )
    async def host(self, id: UUID, actor: Actor, state: State) -> SlotHost:
        slot, appointments = await queries.read(id, actor), state.appointments
        assert isinstance(appointments, Appointments)
        found = await appointments.host(slot.host_id)
        if found is None:
            raise NotFound("Nobody is known who holds it.")
        return SlotHost(found.name)
