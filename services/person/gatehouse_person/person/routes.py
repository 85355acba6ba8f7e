"""People over HTTP."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, patch, post

from gatehouse_chassis import Actor, ServiceContext
from gatehouse_chassis.base.fields import refuse_odd_times
from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import allow, signed_in
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_person.person import queries, rules
from gatehouse_person.person.structs import (
    NewPerson,
    Person,
    PersonChange,
    ReadOfPerson,
    RelationshipAnswer,
    StatusChange,
)
from gatehouse_person.reads import note_reads
from gatehouse_person.relationships import facts_for
from gatehouse_person.roles import STAFF


class PersonController(Controller):
    path = "/people"
    tags = ("people",)

    @get(
        operation_id="ListPeople",
        operation_class=queries.PEOPLE.operation,
        guards=[signed_in],
        summary="The people whom the caller sees",
        description="A filter by status or mentor finds only people whom the caller sees in full; one by consents, "
        "only those whose consents they see.",
    )
    async def list_people(self, request: Request[Any, Any, Any], actor: Actor) -> Page[Person]:
        in_full = not rules.PRIVATE_FILTERS.isdisjoint(request.query_params)
        where = queries.visible_to(actor, in_full=in_full)
        if rules.CONSENT_FILTER in request.query_params:
            where += queries.with_visible_consents(actor)
        page = await queries.PEOPLE.page(request.query_params, where=where)
        people = [rules.shown_to(actor, person) for person in page.items]
        await note_reads(actor, (one for one in people if one.view == "full"), "ListPeople")
        return Page(people, page.next, page.total)

    @post(operation_id="CreatePerson", guards=[allow(*STAFF)], summary="Add a person")
    async def create_person(
        self,
        data: NewPerson,
        actor: Actor,
        once: Once,
    ) -> Response[Person]:
        refuse_odd_times(data)

        return await once(queries.create_person, data, actor)

    @get("/{person_id:uuid}", operation_id="GetPerson", guards=[signed_in], summary="One person")
    async def get_person(self, request: Request[Any, Any, Any], person_id: UUID, actor: Actor) -> Response[Person]:
        person = await queries.read_person(actor, person_id)
        if person.view == "full":
            await note_reads(actor, [person], "GetPerson")
        return versioned(person, request)

    @patch(
        "/{person_id:uuid}",
        operation_id="ChangePerson",
        guards=[signed_in],
        summary="Change a person",
        description="Staff change everything; people their own preferred name, phone, location and time zone.",
    )
    async def change_person(
        self, person_id: UUID, data: PersonChange, actor: Actor, if_match: IfMatch = None
    ) -> Response[Person]:
        facts, _ = await facts_for(actor, person_id)
        rules.refuse_change(actor, facts, queries.given(data))
        version = required_version(if_match)
        refuse_odd_times(data)
        return versioned(await queries.change_person(person_id, version, data, actor))

    @post(
        "/{person_id:uuid}/status",
        operation_id="ChangePersonStatus",
        guards=[allow(*STAFF)],
        status_code=200,
        summary="Move a person to another status",
    )
    async def change_person_status(
        self, person_id: UUID, data: StatusChange, actor: Actor, service: ServiceContext, if_match: IfMatch = None
    ) -> Response[Person]:
        version = required_version(if_match)
        return versioned(await queries.change_status(person_id, version, data, intro_timeout(service), actor))

    @post(
        "/{person_id:uuid}/archive",
        operation_id="ArchivePerson",
        guards=[allow(*STAFF)],
        status_code=200,
        summary="Archive a person, which ends their mentor assignments",
    )
    async def archive_person(
        self, person_id: UUID, actor: Actor, service: ServiceContext, if_match: IfMatch = None
    ) -> Response[Person]:
        version = required_version(if_match)
        change = StatusChange(status="archived")
        return versioned(await queries.change_status(person_id, version, change, intro_timeout(service), actor))

    @get(
        "/{person_id:uuid}/reads",
        operation_id="ListReads",
        guards=[signed_in],
        summary="Who read a person's private data, the newest first: for that person, and administrators",
        description="An entry for each reader and operation an hour; the latest 200. Kept for 13 months.",
    )
    async def list_reads(self, person_id: UUID, actor: Actor) -> list[ReadOfPerson]:
        if not (actor.is_person(person_id) or actor.has("admin")):
            raise NotFound(f"There is no person {person_id}.")
        return await queries.reads_of(person_id)

    @get(
        "/{person_id:uuid}/relationship",
        operation_id="GetRelationship",
        guards=[signed_in],
        summary="How the caller relates to a person",
        description="Other services ask this with the caller's own token to decide what the caller may do.",
    )
    async def get_relationship(self, person_id: UUID, actor: Actor) -> RelationshipAnswer:
        _, relationship = await facts_for(actor, person_id)
        return RelationshipAnswer(person_id, relationship)


def intro_timeout(service: ServiceContext) -> timedelta:
    return timedelta(days=service.settings.integer("intro_timeout_days"))
