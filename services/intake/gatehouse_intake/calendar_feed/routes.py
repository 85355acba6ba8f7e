"""One's appointments for calendar programs, which sign in nowhere: by an address that can be revoked."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, Response, delete, get, post
from litestar.params import Parameter

from gatehouse_chassis import Actor, ServiceContext
from gatehouse_chassis.events import service_token
from gatehouse_chassis.http.etags import versioned
from gatehouse_chassis.http.guards import signed_in
from gatehouse_chassis.http.rate_limits import anonymous
from gatehouse_chassis.service.client import PeerClient
from gatehouse_intake.access import person_of
from gatehouse_intake.calendar_feed import queries
from gatehouse_intake.calendar_feed.structs import CalendarAddress, CalendarFeed
from gatehouse_intake.icalendar import MEDIA_TYPE, calendar_of
from gatehouse_intake.slot.entries import entry_of
from gatehouse_intake.slot.queries import to_come_of
from gatehouse_intake.tables import DB

Token = Annotated[str, Parameter(min_length=20, max_length=200, description="The last part of the address")]


class CalendarFeedController(Controller):
    path = "/calendar-feed"
    tags = ("introductions",)

    @get(operation_id="GetCalendarFeed", guards=[signed_in], summary="Whether the caller's calendar has an address")
    async def get_feed(self, actor: Actor) -> Response[CalendarFeed]:
        return versioned(await queries.of_person(person_of(actor)))

    @post(
        operation_id="RenewCalendarFeed",
        guards=[signed_in],
        status_code=200,
        summary="A new address for the caller's calendar; the one before no longer works",
    )
    async def renew(self, actor: Actor, service: ServiceContext) -> Response[CalendarAddress]:
        token = await queries.renew(person_of(actor), actor)
        address = CalendarAddress(url=f"{service.public_url}/api/intake/calendar-feed/{token}")
        return Response(address, headers={"Cache-Control": "no-store"})

    @delete(operation_id="RevokeCalendarFeed", guards=[signed_in], status_code=204, summary="Revoke the address")
    async def revoke(self, actor: Actor) -> None:
        await queries.revoke(person_of(actor))

    @get(
        "/{token:str}",
        operation_id="ReadCalendarFeed",
        guards=[anonymous(per_minute=60, at_once=60)],
        media_type=MEDIA_TYPE,
        summary="The appointments to come of whoever gave this address away, as iCalendar (RFC 5545)",
    )
    async def read(self, token: Token, service: ServiceContext) -> Response[str]:
        text = await _calendar_of(service, await queries.whose(token))
        return Response(text, media_type=MEDIA_TYPE, headers={"Cache-Control": "private, max-age=300"})


async def _calendar_of(service: ServiceContext, person: UUID) -> str:
    """Introductions, and the meetings that encounter knows of."""
    slots = await to_come_of(person, await DB.now())
    signed = service_token.sign(service.peer_key, by=service.name, to="encounter")
    answer = await _encounter(service).request("GET", f"/api/encounter/calendars/{person}", token=signed)
    return calendar_of(map(entry_of, slots), answer.text)


def _encounter(service: ServiceContext) -> PeerClient:
    return service.call("encounter")
