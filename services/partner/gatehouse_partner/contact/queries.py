"""All SQL about contacts: the people at partners whom the institute deals with."""

from uuid import UUID

from gatehouse_chassis import Actor
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.lists.filters import uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_partner import access, tables
from gatehouse_partner.contact import structs
from gatehouse_partner.partner.queries import refuse_archived

TAKEN = "this partner has such a contact already; change that one"
CONTACT = Repository(
    tables.Contact,
    structs.Contact,
    unique={"unique_email": {"email": TAKEN}, "unique_person": {"person_id": TAKEN}},
)
CONTACTS = Listing(
    tables.Contact,
    structs.Contact,
    filters={"partner": uuid(tables.Contact.partner_id), "person": uuid(tables.Contact.person_id)},
    sorts={"name": tables.Contact.sort_name, "created": tables.Contact.created_at},
    search=[tables.Contact.name],
    default_sort="name",
)


def contacts_of(actor: Actor) -> tuple:
    """A partner's person sees their own contact, not their colleagues'."""
    own = f"partner_id in ({access.OWN}) and person_id = {{}}"
    condition, *values = access.visible_to(actor, own, "false")
    return (condition, *values, *values)


async def create_contact(new: structs.NewContact, by: Actor) -> structs.Contact:
    """To be called in a transaction."""
    await refuse_archived(new.partner_id)
    return await CONTACT.insert(new, by=by)


async def change_contact(id: UUID, version: int, change: structs.ContactChange, by: Actor) -> structs.Contact:
    return await CONTACT.change(id, version, change, by=by)
