"""Journal entries over HTTP. There is no change and no deletion: what is wrong is reversed."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Invalid
from gatehouse_chassis.http.etags import versioned
from gatehouse_chassis.http.guards import allow
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_ledger.access import FINANCE, READERS
from gatehouse_ledger.entry import queries
from gatehouse_ledger.entry.structs import JournalEntry, NewJournalEntry, Reversal


class EntryController(Controller):
    path = "/entries"
    tags = ("entries",)

    @get(
        operation_id="ListEntries",
        operation_class=queries.ENTRIES.operation,
        guards=[allow(*READERS)],
        summary="Journal entries with their postings",
    )
    async def list_entries(self, request: Request[Any, Any, Any], actor: Actor) -> Page[JournalEntry]:
        if "search" in request.query_params and not actor.has(*FINANCE):
            raise Invalid({"search": "looks for words of memos, which only finance reads; leave it out"})
        found = await queries.ENTRIES.page(request.query_params)
        return msgspec.structs.replace(found, items=[queries.shown_to(actor, one) for one in found.items])

    @post(operation_id="PostEntry", guards=[allow(*FINANCE)], summary="Post an entry that balances")
    async def post_entry(self, data: NewJournalEntry, actor: Actor, once: Once) -> Response[JournalEntry]:
        return await once(queries.post_entry, data, actor)

    @get("/{entry_id:uuid}", operation_id="GetEntry", guards=[allow(*READERS)], summary="One entry")
    async def get_entry(self, request: Request[Any, Any, Any], entry_id: UUID, actor: Actor) -> Response[JournalEntry]:
        return versioned(queries.shown_to(actor, await queries.read_entry(entry_id)), request)

    @post(
        "/{entry_id:uuid}/reverse",
        operation_id="ReverseEntry",
        guards=[allow(*FINANCE)],
        status_code=200,
        summary="Post the entry that takes this one back",
    )
    async def reverse_entry(self, entry_id: UUID, data: Reversal, actor: Actor) -> Response[JournalEntry]:
        return versioned(await queries.reverse_entry(entry_id, data, actor))
