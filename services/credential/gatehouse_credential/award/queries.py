"""All SQL about awards."""

import hashlib
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

import msgspec
from piccolo.querystring import QueryString

from gatehouse_chassis import Actor
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_chassis.lists.filters import choices, uuid
from gatehouse_chassis.lists.listing import Condition, Listing
from gatehouse_credential import tables
from gatehouse_credential.achievement.queries import ACHIEVEMENT
from gatehouse_credential.achievement.rules import refuse_proposing
from gatehouse_credential.award import rules
from gatehouse_credential.award.document import PAGE, CredentialFacts, open_badge, stamp
from gatehouse_credential.award.status import random_places
from gatehouse_credential.award.structs import AwardRow, Evidence, NewAward
from gatehouse_credential.enumerators import AwardState, AwardVisibility
from gatehouse_credential.events import OUTBOX, AwardIds
from gatehouse_credential.issuer.did import CertificateIssuer
from gatehouse_credential.issuer.key_ring import Signer
from gatehouse_credential.proof.data_integrity import signed
from gatehouse_credential.tables import DB

_table = tables.Award
AWARD = Repository(
    _table,
    AwardRow,
    unique={"unique_award": {"achievement_id": "is theirs already, or proposed: wait for that to be decided"}},
)
AWARDS = Listing(
    _table,
    AwardRow,
    filters={
        "id": uuid(_table.id),
        "person": uuid(_table.person_id),
        "achievement": uuid(_table.achievement_id),
        "state": choices(_table.state, get_args(AwardState)),
    },
    sorts={"proposed": _table.proposed_at, "created": _table.created_at},
    search=[_table.person_name],
    default_sort="-proposed",
)
OF_PEOPLE: Condition = ("person_id is not null",)


class SignedRow(msgspec.Struct, frozen=True):
    """`document`: null of somebody who was erased."""

    document: dict[str, Any] | None
    proof_hash: str | None


class FoundRow(msgspec.Struct, frozen=True, kw_only=True):
    """An award that a proof belongs to. `person_id` null: of somebody who was erased."""

    id: UUID
    state: AwardState
    person_id: UUID | None
    valid_until: datetime | None
    end_reason: str | None


_DOCUMENT = DB.prepare(_table.select(_table.document, _table.proof_hash).where(_table.id == arg(1)), SignedRow)
_OF_PROOF = DB.prepare(
    _table.select(*columns_for(FoundRow, _table)).where(_table.proof_hash == arg(1)).limit(1), FoundRow
)
_OF_ID = DB.prepare(_table.select(*columns_for(FoundRow, _table)).where(_table.id == arg(1)), FoundRow)
# By hand: the first of some places that nobody has, each looked up by itself: a list has up to 131,072.
_FREE = DB.prepare_sql(
    "select place from unnest($2::int[]) with ordinality as tried (place, position) where (select 1 from "
    "credential.award where status_list = $1 and status_index = place limit 1) is null order by position limit 1"
)
_REVOKED = DB.prepare(
    _table.select(_table.status_index).where((_table.status_list == arg(1)) & (_table.state == "revoked"))
)
_LISTED = DB.prepare(_table.select(QueryString("max(status_list)")))


def visible_to(actor: Actor) -> Condition:
    """Their own, and what they proposed."""
    return ("(person_id = {} or proposed_by = {})", actor.person, actor.person)


async def propose(new: NewAward, name: str, evidence: list[Evidence], proposer: UUID, *, by: Actor) -> AwardRow:
    """In the caller's transaction. Raises Conflict for what can't be proposed, or is theirs already."""
    refuse_proposing(await ACHIEVEMENT.get(new.achievement_id, lock=True))
    values = {
        "person_id": new.person_id,
        "person_name": name,
        "achievement_id": new.achievement_id,
        "evidence": msgspec.to_builtins(evidence),
        "note": new.note,
        "proposed_by": proposer,
    }
    row = await AWARD.insert(values, by=by)
    await _publish("credential.proposed", row, by)
    return row


async def issue(
    id: UUID, version: int, confirmer: UUID, signer: Signer, issuer: CertificateIssuer, *, by: Actor
) -> AwardRow:
    """Confirms and signs, at once. Raises Forbidden for the proposer."""
    async with DB.transaction():
        row = await AWARD.get(id, lock=True, version=version, where=OF_PEOPLE)
        rules.refuse_confirming(row, confirmer)
        achievement = await ACHIEVEMENT.get(row.achievement_id)
        now = (await DB.now()).replace(microsecond=0)
        months = achievement.valid_months
        valid_until = None if months is None else rules.months_later(now, months)
        status = await _free_place()
        facts = CredentialFacts(
            id=row.id,
            person_name=row.person_name or "",
            achievement=achievement,
            evidence=row.evidence,
            issued_at=now,
            valid_until=valid_until,
            status=status,
        )
        document = signed(open_badge(facts, issuer), signer.private, issuer.method(signer.kid), stamp(now))
        values = {
            "state": "issued",
            "confirmed_by": confirmer,
            "issued_at": now,
            "valid_until": valid_until,
            "status_list": status[0],
            "status_index": status[1],
            "document": document,
            "proof_hash": proof_hash(document["proof"]["proofValue"]),
        }
        issued = await AWARD.change(row.id, row.version, values, by=by)
        await _publish("credential.issued", issued, by)
        return issued


async def decline(id: UUID, version: int, reason: str, decider: UUID, *, by: Actor) -> AwardRow:
    async with DB.transaction():
        row = await AWARD.get(id, lock=True, version=version, where=OF_PEOPLE)
        rules.refuse_settled(row)
        return await _end(row, "declined", reason, decider, by)


async def revoke(id: UUID, version: int, reason: str, decider: UUID, *, by: Actor) -> AwardRow:
    async with DB.transaction():
        row = await AWARD.get(id, lock=True, version=version, where=OF_PEOPLE)
        rules.refuse_revoking(row)
        revoked = await _end(row, "revoked", reason, decider, by)
        await _publish("credential.revoked", revoked, by)
        return revoked


async def show(id: UUID, version: int, visibility: AwardVisibility, *, by: Actor) -> AwardRow:
    """Who may open its page from now on. Of nobody else's: NotFound."""
    async with DB.transaction():
        row = await AWARD.get(id, lock=True, version=version, where=("person_id = {}", by.person))
        rules.refuse_showing(row)
        return await AWARD.change(row.id, row.version, {"visibility": visibility}, by=by)


async def document_of(id: UUID) -> dict[str, Any] | None:
    row = await _DOCUMENT.one(id)
    return None if row is None else row.document


async def of_proof(value: str) -> FoundRow | None:
    """The award whose certificate has this proof."""
    return await _OF_PROOF.one(proof_hash(value))


async def of_address(address: str, url: str) -> FoundRow | None:
    """The award whose page this is; None for any other address."""
    try:
        id = UUID(address.removeprefix(f"{url}{PAGE}/"))
    except ValueError:
        return None
    return await _OF_ID.one(id)


async def revoked_places(number: int) -> list[int] | None:
    """The places that are revoked in a list; None for a list that isn't there."""
    newest = await _LISTED.value()
    if not 1 <= number <= max(newest or 1, 1):
        return None
    return await _REVOKED.values(number)


def proof_hash(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


async def _free_place() -> tuple[int, int]:
    """A random place of a status list that nobody else gets; where none that is tried is free, of the next list."""
    await DB.advisory_lock("credential.status_list")
    number = await _LISTED.value() or 1
    place = await _FREE.value(number, random_places())
    if place is None:
        number += 1
        place = await _FREE.value(number, random_places())
    return number, place


async def _end(row: AwardRow, state: AwardState, reason: str, decider: UUID, by: Actor) -> AwardRow:
    values = {"state": state, "ended_by": decider, "ended_at": await DB.now(), "end_reason": reason}
    return await AWARD.change(row.id, row.version, values, by=by)


async def _publish(event: str, row: AwardRow, by: Actor) -> None:
    assert row.person_id is not None
    await OUTBOX.publish(event, row, by=by, ids=AwardIds(row.person_id, row.achievement_id))
