"""All SQL about role grants."""

from typing import Any, get_args
from uuid import UUID

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, Invalid
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.lists.filters import choices, present, uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_identity import tables
from gatehouse_identity.account.queries import ACCOUNT
from gatehouse_identity.administrators import refuse_last_administrator
from gatehouse_identity.audit_entry.queries import record
from gatehouse_identity.enumerators import Role
from gatehouse_identity.events import OUTBOX, PersonIds
from gatehouse_identity.role_grant import rules
from gatehouse_identity.role_grant.structs import NewRoleGrant, RoleGrant
from gatehouse_identity.tables import DB

GRANT = Repository(tables.RoleGrant, RoleGrant, unique={"one_open": {"role": "the account has this role already"}})
GRANTS = Listing(
    tables.RoleGrant,
    RoleGrant,
    filters={
        "account": uuid(tables.RoleGrant.account_id),
        "role": choices(tables.RoleGrant.role, get_args(Role)),
        "revoked": present(tables.RoleGrant.revoked_at),
    },
    sorts={"created": tables.RoleGrant.created_at},
    default_sort="-created",
)


async def grant_role(new: NewRoleGrant, actor: Actor) -> RoleGrant:
    """Takes effect with the account's next access token, at most ten minutes later."""
    rules.refuse_decision(actor, new.account_id, new.role)
    account = await ACCOUNT.find(new.account_id, lock=True)
    if account is None:
        raise Invalid({"account_id": "there is no such account"})
    if account.archived_at is not None:
        raise Conflict("The account is archived; restore it first.")
    row = await GRANT.insert(new, by=actor)
    await record("role_granted", by=actor, subject=new.account_id, role=new.role, grant=str(row.id))
    await OUTBOX.publish("identity.account.roles_changed", account, by=actor, ids=PersonIds(account.person_id))
    return row


async def revoke_role(id: UUID, version: int, reason: str, actor: Actor) -> RoleGrant:
    """Every service refuses access tokens with the role within a minute; the next token comes without it."""
    async with DB.transaction():
        before = await GRANT.get(id)
        rules.refuse_decision(actor, before.account_id, before.role)
        if before.role == "admin" and before.revoked_at is None:
            await refuse_last_administrator(before.account_id)
        values: dict[str, Any] = {"revoked_by": actor.account, "revoked_reason": reason}
        if before.revoked_at is not None:
            message = f"This {GRANT.noun} is revoked already."
            raise Conflict(message)
        values["revoked_at"] = await DB.now()
        row = await GRANT.change(id, version, values, by=actor)
        await record("role_revoked", by=actor, subject=row.account_id, role=row.role, grant=str(row.id))
        account = await ACCOUNT.get(row.account_id)
        await OUTBOX.publish("identity.account.roles_changed", account, by=actor, ids=PersonIds(account.person_id))
    return row
