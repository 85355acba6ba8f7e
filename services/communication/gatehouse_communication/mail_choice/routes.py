"""Which mails a person wants, over HTTP: their own business."""

from uuid import UUID

from litestar import Controller, get, put

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Invalid, NotFound
from gatehouse_chassis.http.guards import signed_in
from gatehouse_communication.mail_choice import queries
from gatehouse_communication.mail_choice.structs import MailChoice
from gatehouse_communication.template.rules import OPTIONAL


class MailChoiceController(Controller):
    path = "/people/{person_id:uuid}/mail-choice"
    tags = ("mail choices",)
    guards = (signed_in,)

    @get(operation_id="GetMailChoice", summary="Which mails I don't want, and in which language the others are")
    async def get_choice(self, person_id: UUID, actor: Actor) -> MailChoice:
        refuse_others(actor, person_id)
        return await queries.choice_of(person_id)

    @put(operation_id="ChooseMails", summary="Choose which mails I get")
    async def choose(self, person_id: UUID, data: MailChoice, actor: Actor) -> MailChoice:
        refuse_others(actor, person_id)
        needed = sorted(set(data.declined) - OPTIONAL)
        if needed:
            optional = ", ".join(sorted(OPTIONAL))
            raise Invalid({"declined": f"{', '.join(needed)} can't be declined; {optional} can"})
        return await queries.choose(person_id, data, actor)


def refuse_others(actor: Actor, person_id: UUID) -> None:
    if not actor.is_person(person_id):
        raise NotFound(f"There is no person {person_id}.")
