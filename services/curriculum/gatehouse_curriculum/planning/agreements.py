"""Follows encounters: the now-list that two agreed on is planned once, in the transaction that says it was handled."""

from gatehouse_chassis import Actor, ServiceContext
from gatehouse_chassis.events import service_token
from gatehouse_chassis.events.event import PublishedEvent
from gatehouse_chassis.events.reader import EventHandler
from gatehouse_curriculum.peers import Agreement
from gatehouse_curriculum.planning.queries import apply_agreement


def agreement_handler(service: ServiceContext) -> EventHandler:
    """Of `encounter.finished`. The event says which assignments; until when, encounter is asked for."""

    async def prepare(event: PublishedEvent) -> Agreement | None:
        if not event.ids["assignment_ids"]:
            return None
        token = service_token.sign(service.peer_key, by=service.name, to="encounter")
        client = service.call("encounter")
        return await client.find(f"/api/encounter/agreements/{event.subject_id}", Agreement, token=token)

    async def apply(event: PublishedEvent, prepared: Agreement | None) -> None:
        if prepared is None or event.actor_id is None:
            return
        actor = Actor(account=event.actor_id, person=event.read("mentor_id"))
        await apply_agreement(event.read("member_id"), actor, prepared)

    return EventHandler(apply, prepare)
