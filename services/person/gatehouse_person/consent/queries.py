"""All SQL about consents."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import get_args
from uuid import UUID

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import arg
from gatehouse_chassis.lists.filters import choices, present
from gatehouse_chassis.lists.listing import Listing
from gatehouse_person import tables
from gatehouse_person.consent import structs
from gatehouse_person.enumerators import ConsentKind
from gatehouse_person.events import OUTBOX, ConsentIds
from gatehouse_person.tables import DB

CONSENT = Repository(
    tables.Consent,
    structs.Consent,
    unique={"one_open": {"kind": "is given already; withdraw that consent first, then give it to the new document"}},
)
CONSENTS = Listing(
    tables.Consent,
    structs.Consent,
    filters={
        "kind": choices(tables.Consent.kind, get_args(ConsentKind)),
        "withdrawn": present(tables.Consent.withdrawn_at),
    },
    sorts={"given": tables.Consent.given_at},
    default_sort="-given",
)


_KINDS_OF = DB.prepare(tables.Consent.select(tables.Consent.kind).where(tables.Consent.person_id == arg(1)))


async def give_consent(person_id: UUID, new: structs.NewConsent, by: Actor) -> structs.Consent:
    """To be called in a transaction."""
    consent = await CONSENT.insert(new, by=by, person_id=person_id)
    await OUTBOX.publish("person.consent.given", consent, by=by, ids=ConsentIds(person_id, consent.kind))
    return consent


async def give_missing(person_id: UUID, agreed: Iterable[structs.NewConsent]) -> None:
    """In a transaction: what they agreed to on a form. What they give already, or withdrew once, stays as it is."""
    known = set(await _KINDS_OF.values(person_id))
    for one in agreed:
        if one.kind not in known:
            known.add(one.kind)
            values = {"person_id": person_id, "kind": one.kind, "document_version": one.document_version}
            consent = await CONSENT.insert(values, by=None)
            await OUTBOX.publish("person.consent.given", consent, by=None, ids=ConsentIds(person_id, consent.kind))


async def withdraw_consent(person_id: UUID, consent_id: UUID, version: int, by: Actor) -> structs.Consent:
    of_person = ("person_id = {}", person_id)
    async with DB.transaction():
        consent = await CONSENT.get(consent_id, where=of_person, lock=True, version=version)
        if consent.withdrawn_at is not None:
            raise Conflict("This consent is withdrawn already.")
        withdrawn = await CONSENT.change(consent_id, version, {"withdrawn_at": datetime.now(UTC)}, by=by)
        ids = ConsentIds(person_id, withdrawn.kind)
        await OUTBOX.publish("person.consent.withdrawn", withdrawn, by=by, ids=ids)
        return withdrawn
