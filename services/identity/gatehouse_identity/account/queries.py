"""All SQL about accounts.

An account that is created waits for the first sign-in with its address, once the provider has verified it.
"""

# ruff: noqa: S608 - the only texts put in are constants of this file

from typing import get_args
from uuid import UUID

import msgspec

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, NotFound
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.lists.filters import choices, uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_identity import tables
from gatehouse_identity.account.structs import Account, AccountChange, AccountRow, Bearer, KnownAccount, Me, NewAccount
from gatehouse_identity.administrators import refuse_last_administrator
from gatehouse_identity.audit_entry.queries import record
from gatehouse_identity.enumerators import AccountStatus, Role
from gatehouse_identity.tables import DB

ACCOUNT = Repository(
    tables.Account,
    AccountRow,
    unique={
        "lower_email": {"email": "belongs to another account (it may be archived); use another or change that one"},
        "one_account_a_person": {"person_id": "has an account already; archive that one first"},
    },
)

OPEN_ROLES = """coalesce((select array_agg(g.role order by g.role) from identity.role_grant g
    where g.account_id = account.id and g.revoked_at is null), '{}')"""

ACCOUNTS = Listing(
    tables.Account,
    Account,
    filters={
        "status": choices(tables.Account.status, get_args(AccountStatus)),
        "role": choices(
            allowed=get_args(Role),
            condition="exists (select from identity.role_grant g where g.account_id = account.id "
            "and g.revoked_at is null and g.role = any({}::text[]))",
            help="Only accounts that have this role now",
        ),
        "person": uuid(tables.Account.person_id),
    },
    sorts={"name": tables.Account.name, "created": tables.Account.created_at},
    search=[tables.Account.name],
    columns={"roles": OPEN_ROLES},
    default_sort="name",
)

_READ = DB.prepare(
    "select id, version, name, email, person_id, status, provider, last_sign_in_at, archived_at, created_at, "
    f"created_by, changed_at, changed_by, {OPEN_ROLES} as roles from identity.account where id = $1",
    Account,
)
ME = DB.prepare(
    f"select id, 'person' as kind, name, {OPEN_ROLES} as roles, email, person_id, $2::uuid as session_id "
    "from identity.account where id = $1",
    Me,
)
SERVICE_ME = DB.prepare(
    "select id, 'service' as kind, name, roles, null::text as email, null::uuid as person_id, null::uuid as session_id "
    "from identity.service_client where id = $1",
    Me,
)
BEARER = DB.prepare(
    f"select name, person_id, {OPEN_ROLES} as roles, greatest(clock_timestamp(), $2::interval + "
    "(select max(revoked_at) from identity.role_grant where account_id = account.id)) as issued_at "
    "from identity.account where id = $1",
    Bearer,
)
ACCOUNT_SIGNED_IN = DB.prepare(
    "update identity.account set last_sign_in_at = now(), status = 'active' where id = $1 and archived_at is null"
)
ACCOUNT_BY_SUBJECT = DB.prepare(
    "select id, provider, archived_at is not null as archived from identity.account "
    "where provider = $1 and subject = $2",
    KnownAccount,
)
ACCOUNT_BY_EMAIL = DB.prepare(
    "select id, provider, archived_at is not null as archived from identity.account where lower(email) = lower($1) "
    "for update",
    KnownAccount,
)
ACCOUNT_LINK = DB.prepare(
    "update identity.account set provider = $2, subject = $3, version = version + 1, changed_at = now(), "
    "changed_by = id, changed_request = $4 where id = $1"
)

_END_SESSIONS = DB.prepare(
    "update identity.session set revoked_at = now(), revoked_reason = 'archived' "
    "where account_id = $1 and revoked_at is null"
)


async def read_account(id: UUID) -> Account:
    account = await _READ.one(id)
    if account is None:
        raise NotFound(f"There is no account {id}.")
    return account


async def create_account(new: NewAccount, actor: Actor) -> Account:
    """An account that waits for its first sign-in with this address, once the provider has verified it."""
    row = await ACCOUNT.insert(new, by=actor)
    await record("account_created", by=actor, subject=row.id)
    return await read_account(row.id)


async def change_account(id: UUID, version: int, change: AccountChange, actor: Actor) -> Account:
    fields = [name for name in change.__struct_fields__ if getattr(change, name) is not msgspec.UNSET]
    async with DB.transaction():
        await ACCOUNT.change(id, version, change, by=actor)
        if fields:
            await record("account_changed", by=actor, subject=id, fields=fields)
    return await read_account(id)


async def archive_account(id: UUID, version: int, actor: Actor) -> Account:
    """Ends the account's sessions. Every service refuses its access tokens within a minute."""
    async with DB.transaction():
        await refuse_last_administrator(id)
        await ACCOUNT.archive(id, version, by=actor, also={"status": "archived"})
        await _END_SESSIONS.execute(id)
        await record("account_archived", by=actor, subject=id)
    return await read_account(id)


async def restore_account(id: UUID, version: int, actor: Actor) -> Account:
    async with DB.transaction():
        account = await ACCOUNT.get(id, lock=True, version=version)
        if account.archived_at is None:
            raise Conflict("This account isn't archived.")
        status = "active" if account.last_sign_in_at else "invited"
        await ACCOUNT.change(id, version, {"archived_at": None, "status": status}, by=actor)
        await record("account_restored", by=actor, subject=id)
    return await read_account(id)
