"""Contacts at partners, over HTTP."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, patch, post

from gatehouse_chassis import Actor
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import allow, signed_in
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_partner.access import KEEPERS
from gatehouse_partner.contact import queries
from gatehouse_partner.contact.structs import Contact, ContactChange, NewContact


class ContactController(Controller):
    path = "/contacts"
    tags = ("contacts",)

    @get(
        operation_id="ListContacts",
        operation_class=queries.CONTACTS.operation,
        guards=[signed_in],
        summary="The contacts whom the caller sees",
    )
    async def list_contacts(self, request: Request[Any, Any, Any], actor: Actor) -> Page[Contact]:
        where = [queries.contacts_of(actor)]
        return await queries.CONTACTS.page(request.query_params, where=where)

    @post(operation_id="CreateContact", guards=[allow(*KEEPERS)], summary="Add a contact to a partner")
    async def create_contact(
        self,
        data: NewContact,
        actor: Actor,
        once: Once,
    ) -> Response[Contact]:
        return await once(queries.create_contact, data, actor)

    @get("/{contact_id:uuid}", operation_id="GetContact", guards=[signed_in], summary="One contact")
    async def get_contact(self, request: Request[Any, Any, Any], contact_id: UUID, actor: Actor) -> Response[Contact]:
        where = queries.contacts_of(actor)
        return versioned(await queries.CONTACT.get(contact_id, where=where), request)

    @patch("/{contact_id:uuid}", operation_id="ChangeContact", guards=[allow(*KEEPERS)], summary="Change a contact")
    async def change_contact(
        self, contact_id: UUID, data: ContactChange, actor: Actor, if_match: IfMatch = None
    ) -> Response[Contact]:
        return versioned(await queries.change_contact(contact_id, required_version(if_match), data, actor))

    @post(
        "/{contact_id:uuid}/archive",
        operation_id="ArchiveContact",
        guards=[allow(*KEEPERS)],
        status_code=200,
        summary="Archive a contact, who then no longer sees the partner",
    )
    async def archive_contact(self, contact_id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[Contact]:
        return versioned(await queries.CONTACT.archive(contact_id, required_version(if_match), by=actor))
