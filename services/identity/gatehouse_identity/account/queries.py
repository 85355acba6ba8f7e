"""Accounts and the roles they have: who may change what, and that an administrator always remains.

An administrator may grant and revoke every role, to himself too (what he does is audited). A coordinator may make
accounts, and grant and revoke `member` and `mentor`, but not to himself. Changing and archiving accounts is the
administrator's: whoever could change an address could sign in as its owner.
"""

from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, Forbidden, Invalid, NotFound
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.lists.filters import choices, present, uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_identity import queries, structs, tables
from gatehouse_identity.audit import record
from gatehouse_identity.structs import AccountChange, AccountRow, NewAccount, NewRoleGrant, Role
from gatehouse_identity.tables import DB

ROLES: tuple[str, ...] = Role.__args__
COORDINATED_ROLES = frozenset({"member", "mentor"})

ACCOUNT = Repository(tables.Account, AccountRow)
GRANT = Repository(tables.RoleGrant, structs.RoleGrant)

ACCOUNTS = Listing(
    tables.Account,
    structs.Account,
    filters={
        "status": choices(tables.Account.status, structs.AccountStatus.__args__),
        "role": choices(
            allowed=ROLES,
            condition="exists (select from identity.role_grant g where g.account_id = account.id "
            "and g.revoked_at is null and g.role = any({}::text[]))",
            help="Only accounts that have this role now",
        ),
        "person": uuid(tables.Account.person_id),
    },
    sorts={"name": tables.Account.name, "created": tables.Account.created_at},
    search=[tables.Account.name],
    columns={"roles": queries.OPEN_ROLES},
    default_sort="name",
)
GRANTS = Listing(
    tables.RoleGrant,
    structs.RoleGrant,
    filters={
        "account": uuid(tables.RoleGrant.account_id),
        "role": choices(tables.RoleGrant.role, ROLES),
        "revoked": present(tables.RoleGrant.revoked_at),
    },
    sorts={"created": tables.RoleGrant.created_at},
    default_sort="-created",
)

# What the caller may be told about a row that would be there twice.
TAKEN = {
    "account_lower_email": {"email": "belongs to another account (it may be archived); use another or change that one"},
    "account_one_account_a_person": {"person_id": "has an account already; archive that one first"},
}


async def account(id: UUID) -> structs.Account:
    found = await queries.ACCOUNT.one(id)
    if found is None:
        message = f"There is no account {id}."
        raise NotFound(message)
    return found


async def create(new: NewAccount, actor: Actor) -> structs.Account:
    """An account that waits for its first sign-in with this address, once the provider has verified it."""
    try:
        async with DB.transaction():
            row = await ACCOUNT.insert(new, by=actor)
    except asyncpg.UniqueViolationError as error:
        raise _taken(error) from None
    await record("account_created", by=actor, subject=row.id)
    return await account(row.id)


async def change(id: UUID, version: int, change: AccountChange, actor: Actor) -> structs.Account:
    given = [name for name in change.__struct_fields__ if getattr(change, name) is not msgspec.UNSET]
    try:
        async with DB.transaction():
            await ACCOUNT.change(id, version, change, by=actor)
            if given:
                await record("account_changed", by=actor, subject=id, fields=given)
    except asyncpg.UniqueViolationError as error:
        raise _taken(error) from None
    return await account(id)


async def archive(id: UUID, version: int, actor: Actor) -> structs.Account:
    """Ends the account's sessions. Access tokens that are out stay valid until they expire, at most ten minutes."""
    async with DB.transaction():
        await _an_administrator_remains(id)
        await ACCOUNT.archive(id, version, by=actor, also={"status": "archived"})
        await queries.SESSIONS_END_OF_ACCOUNT.execute(id)
        await record("account_archived", by=actor, subject=id)
    return await account(id)


async def restore(id: UUID, version: int, actor: Actor) -> structs.Account:
    try:
        async with DB.transaction():
            found = await ACCOUNT.get(id, lock=True)
            if found.archived_at is None:
                raise Conflict("This account isn't archived.")
            status = "active" if found.last_sign_in_at else "invited"
            await ACCOUNT.change(id, version, {"archived_at": None, "status": status}, by=actor)
            await record("account_restored", by=actor, subject=id)
    except asyncpg.UniqueViolationError as error:
        raise _taken(error) from None
    return await account(id)


async def grant(new: NewRoleGrant, actor: Actor) -> structs.RoleGrant:
    """Takes effect with the account's next access token, at most ten minutes later."""
    may_decide(actor, new.account_id, new.role)
    try:
        async with DB.transaction():
            found = await ACCOUNT.find(new.account_id, lock=True)
            if found is None:
                raise Invalid({"account_id": "there is no such account"})
            if found.archived_at is not None:
                raise Conflict("The account is archived; restore it first.")
            row = await GRANT.insert(new, by=actor)
    except asyncpg.UniqueViolationError:
        message = f"The account has the role {new.role} already."
        raise Conflict(message) from None
    await record("role_granted", by=actor, subject=new.account_id, role=new.role, grant=str(row.id))
    return row


async def revoke(id: UUID, version: int, reason: str, actor: Actor) -> structs.RoleGrant:
    """Takes effect with the account's next access token, at most ten minutes later."""
    async with DB.transaction():
        found = await GRANT.get(id)
        may_decide(actor, found.account_id, found.role)
        if found.role == "admin" and found.revoked_at is None:
            await _an_administrator_remains(found.account_id)
        values: dict[str, Any] = {"revoked_by": actor.account, "revoked_reason": reason}
        if found.revoked_at is not None:
            message = f"This {GRANT.noun} is revoked already."
            raise Conflict(message)
        values["revoked_at"] = await queries.NOW.value()
        row = await GRANT.change(id, version, values, by=actor)
        await record("role_revoked", by=actor, subject=row.account_id, role=row.role, grant=str(row.id))
    return row


def may_decide(actor: Actor, account_id: UUID, role: str) -> None:
    """Raises Forbidden unless the caller may grant and revoke `role` for this account."""
    if "admin" in actor.roles:
        return
    if role not in COORDINATED_ROLES:
        message = (
            f"A coordinator decides about {' and '.join(sorted(COORDINATED_ROLES))}; {role} takes an administrator."
        )
        raise Forbidden(message)
    if actor.account == account_id:
        raise Forbidden("Nobody but an administrator decides about roles of his own.")


async def _an_administrator_remains(account_id: UUID) -> None:
    """Raises Conflict when this account is the only one that can sign in as an administrator."""
    await queries.ALONE_WITH_ADMINS.execute()
    if not await queries.HAS_OPEN_ROLE.value(account_id, "admin"):
        return
    if await queries.OTHER_ADMINS.value(account_id) is None:
        raise Conflict("This is the last administrator; grant the role to someone else first.")


def _taken(error: asyncpg.UniqueViolationError) -> Invalid | Conflict:
    fields = TAKEN.get(getattr(error, "constraint_name", ""))
    return Conflict("Such an account is there already.", errors=fields)
