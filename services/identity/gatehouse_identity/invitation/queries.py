"""All SQL about invitations: who may sign in for the first time, by a link that is good once."""

from datetime import timedelta
from uuid import UUID

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, NotFound
from gatehouse_chassis.data.repository import By, Repository
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_chassis.lists.filters import present, uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_identity import tables
from gatehouse_identity.account.queries import ACCOUNT
from gatehouse_identity.account.structs import AccountActor, AccountRow
from gatehouse_identity.audit_entry.queries import record
from gatehouse_identity.digests import digest, new_secret
from gatehouse_identity.events import OUTBOX, InvitationIds, PersonIds
from gatehouse_identity.invitation import rules
from gatehouse_identity.invitation.structs import (
    HeldInvitation,
    Invitation,
    InvitationOfPerson,
    InvitationShown,
    NewInvitation,
)
from gatehouse_identity.role_grant.queries import GRANT
from gatehouse_identity.role_grant.rules import refuse_decision
from gatehouse_identity.tables import DB

INVITATION = Repository(
    tables.Invitation,
    Invitation,
    unique={"one_open": {"person_id": "has an open invitation already; send that one again"}},
)
INVITATIONS = Listing(
    tables.Invitation,
    Invitation,
    filters={
        "account": uuid(tables.Invitation.account_id),
        "person": uuid(
            condition="exists (select from identity.account a where a.id = invitation.account_id "
            "and a.person_id = any({}::uuid[]))"
        ),
        "used": present(tables.Invitation.used_at),
    },
    sorts={"created": tables.Invitation.created_at},
    default_sort="-created",
)
_held = columns_for(HeldInvitation, tables.Invitation)
BY_TOKEN = DB.prepare(tables.Invitation.select(*_held).where(tables.Invitation.token_hash == arg(1)), HeldInvitation)
LOCKED_BY_TOKEN = DB.prepare(
    tables.Invitation.select(*_held).where(tables.Invitation.token_hash == arg(1)).lock_rows("UPDATE"), HeldInvitation
)
OPEN_OF_ACCOUNT = DB.prepare(
    tables.Invitation.select(*_held)
    .where(
        (tables.Invitation.account_id == arg(1))
        & tables.Invitation.used_at.is_null()
        & tables.Invitation.withdrawn_at.is_null()
    )
    .lock_rows("UPDATE"),
    HeldInvitation,
)
_ACCOUNT_OF_PERSON = DB.prepare(
    tables.Account.select(tables.Account.id).where(
        (tables.Account.person_id == arg(1)) & tables.Account.archived_at.is_null()
    )
)
_OPEN_ROLES = DB.prepare(
    tables.RoleGrant.select(tables.RoleGrant.role).where(
        (tables.RoleGrant.account_id == arg(1)) & tables.RoleGrant.revoked_at.is_null()
    )
)


async def invite(new: NewInvitation, actor: Actor) -> Invitation:
    """In a transaction. Raises Conflict where the person signs in already, or is invited."""
    account = await _account_for(new, by=actor)
    for role in new.roles:
        refuse_decision(actor, account.id, role)
    if account.provider is not None:
        raise Conflict("This person signs in already; grant roles to their account instead.")
    return await _invite(account, new, by=actor)


async def invite_for_service(new: NewInvitation) -> InvitationOfPerson:
    """In a transaction: the same again is the same invitation, and no second mail unless its link has run out."""
    await DB.advisory_lock(f"identity.invitation.{new.person_id}")
    account = await _account_for(new, by=None)
    if account.provider is not None:
        return InvitationOfPerson(id=None, account_id=account.id, state="signed_in")
    known = await OPEN_OF_ACCOUNT.one(account.id)
    if known is not None and rules.state_of(known, await DB.now()) == "expired":
        row = await INVITATION.change(known.id, known.version, {"token_hash": None, "expires_at": None}, by=None)
        await _sent(row, new.person_id, by=None)
    id = known.id if known is not None else (await _invite(account, new, by=None)).id
    return InvitationOfPerson(id=id, account_id=account.id, state="invited")


async def _account_for(new: NewInvitation, *, by: By | None) -> AccountRow:
    """The person's account, made where there is none."""
    id = await _ACCOUNT_OF_PERSON.value(new.person_id)
    if id is not None:
        return await ACCOUNT.get(id, lock=True)
    account = await ACCOUNT.insert({"name": new.name, "email": new.email, "person_id": new.person_id}, by=by)
    await record("account_created", by=by, subject=account.id)
    return account


async def _invite(account: AccountRow, new: NewInvitation, *, by: By | None) -> Invitation:
    row = await INVITATION.insert({"account_id": account.id, "roles": sorted(set(new.roles))}, by=by)
    await _sent(row, new.person_id, by=by)
    return row


async def _sent(row: Invitation, person_id: UUID, *, by: By | None) -> None:
    """communication writes the mail, and asks for the link when it does."""
    await record("invitation_sent", by=by, subject=row.account_id, invitation=str(row.id))
    await OUTBOX.publish(
        "identity.account.invited",
        row,
        by=by,
        ids=InvitationIds(row.account_id, person_id, "mentor" if "mentor" in row.roles else "member"),
    )


async def send_again(id: UUID, version: int, actor: Actor) -> Invitation:
    """A new mail with a new link. Raises Conflict for one that was used or withdrawn."""
    async with DB.transaction():
        row = await INVITATION.get(id, lock=True, version=version)
        rules.refuse_ended(row)
        account = await ACCOUNT.get(row.account_id)
        if account.person_id is None:
            raise Conflict("This account belongs to no person, so there is nobody to write to.")
        row = await INVITATION.change(id, version, {"token_hash": None, "expires_at": None}, by=actor)
        await _sent(row, account.person_id, by=actor)
    return row


async def withdraw(id: UUID, version: int, actor: Actor) -> Invitation:
    async with DB.transaction():
        row = await INVITATION.get(id, lock=True, version=version)
        rules.refuse_ended(row)
        row = await INVITATION.change(id, version, {"withdrawn_at": await DB.now()}, by=actor)
        await record("invitation_withdrawn", by=actor, subject=row.account_id, invitation=str(id))
    return row


async def new_link(id: UUID, days: int) -> tuple[str, Invitation]:
    """A token that replaces the one before. Raises NotFound, or Conflict for one that was used or withdrawn."""
    token = new_secret()
    async with DB.transaction():
        row = await INVITATION.get(id, lock=True)
        rules.refuse_ended(row)
        expires_at = await DB.now() + timedelta(days=days)
        values = {"token_hash": digest(token), "expires_at": expires_at}
        row = await INVITATION.change(id, row.version, values, by=None)
    return token, row


async def shown(token: str) -> InvitationShown:
    held = await BY_TOKEN.one(digest(token))
    if held is None:
        raise NotFound("There is no such invitation.")
    account = await ACCOUNT.get(held.account_id)
    return InvitationShown(name=account.name, state=rules.state_of(held, await DB.now()))


async def mark_used(invitation: HeldInvitation) -> None:
    """In the transaction of the first sign-in, which locked the invitation: the roles that it promised are there."""
    account, now = await ACCOUNT.get(invitation.account_id), await DB.now()
    await INVITATION.change(invitation.id, invitation.version, {"used_at": now}, by=AccountActor(account.id))
    await record("invitation_used", by=AccountActor(account.id), subject=account.id, invitation=str(invitation.id))
    has = set(await _OPEN_ROLES.values(account.id))
    inviter = None if invitation.created_by is None else AccountActor(invitation.created_by)
    granted = [role for role in invitation.roles if role not in has]
    for role in granted:
        values = {"account_id": account.id, "role": role, "reason": "Promised by the invitation"}
        grant = await GRANT.insert(values, by=inviter)
        await record("role_granted", by=inviter, subject=account.id, role=role, grant=str(grant.id))
    if granted:
        ids = PersonIds(account.person_id)
        await OUTBOX.publish("identity.account.roles_changed", account, by=inviter, ids=ids)
