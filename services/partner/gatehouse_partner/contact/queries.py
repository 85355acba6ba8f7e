"""All SQL about contacts: the people at partners whom the institute deals with."""

from collections.abc import Generator
from contextlib import contextmanager
from uuid import UUID

import asyncpg

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.lists.filters import uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_partner import access, tables
from gatehouse_partner.contact import structs
from gatehouse_partner.partner.queries import refuse_archived

CONTACT = Repository(tables.Contact, structs.Contact)
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
    condition, *values = access.visible_to(actor, f"partner_id in ({access.OWN}) and person_id = {{}}")
    return (condition, *values, *values)


async def create_contact(new: structs.NewContact, by: Actor) -> structs.Contact:
    """To be called in a transaction."""
    await refuse_archived(new.partner_id)
    with _one_contact_a_person():
        return await CONTACT.insert(new, by=by)


async def change_contact(id: UUID, version: int, change: structs.ContactChange, by: Actor) -> structs.Contact:
    with _one_contact_a_person():
        return await CONTACT.change(id, version, change, by=by)


@contextmanager
def _one_contact_a_person() -> Generator[None]:
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        field = "person_id" if "person" in str(getattr(error, "constraint_name", "")) else "email"
        message = "this partner has such a contact already; change that one"
        raise Conflict(f"{field}: {message}", errors={field: message}) from None
