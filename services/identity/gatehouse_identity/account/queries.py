"""All SQL about accounts.

An account that is created waits for the first sign-in with its address, once the provider has verified it.
"""

# ruff: noqa: S608 - the only text put in is a constant of this file

from typing import get_args
from uuid import UUID

import msgspec
from piccolo.querystring import QueryString

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, NotFound
from gatehouse_chassis.data.repository import By, Repository
from gatehouse_chassis.data.statements import NOW, arg, columns_for
from gatehouse_chassis.lists.filters import choices, present, uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_identity import tables
from gatehouse_identity.account.structs import (
    Account,
    AccountActor,
    AccountChange,
    AccountRow,
    AccountVersion,
    Bearer,
    KnownAccount,
    Me,
    NewAccount,
)
from gatehouse_identity.administrators import refuse_last_administrator
from gatehouse_identity.audit_entry.queries import record
from gatehouse_identity.enumerators import AccountStatus, Role
from gatehouse_identity.events import OUTBOX, PersonIds
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
        "has_role": present(
            "(select min(g.role) from identity.role_grant g where g.account_id = account.id and g.revoked_at is null)",
            help="true: only accounts that have a role now; false: only those that have none",
        ),
    },
    sorts={"name": tables.Account.name, "created": tables.Account.created_at},
    search=[tables.Account.name],
    columns={"roles": OPEN_ROLES},
    default_sort="name",
)

_READ = DB.prepare(
    tables.Account.select(*columns_for(Account, tables.Account, roles=OPEN_ROLES)).where(tables.Account.id == arg(1)),
    Account,
)
ME = DB.prepare(
    tables.Account.select(
        *columns_for(Me, tables.Account, kind="'person'", roles=OPEN_ROLES, session_id="null::uuid")
    ).where(tables.Account.id == arg(1)),
    Me,
)
SERVICE_ME = DB.prepare(
    tables.ServiceClient.select(
        *columns_for(
            Me,
            tables.ServiceClient,
            kind="'service'",
            email="null::text",
            person_id="null::uuid",
            session_id="null::uuid",
        )
    ).where(tables.ServiceClient.id == arg(1)),
    Me,
)
# By hand: clock_timestamp and the latest revocation decide in one statement when the token is dated.
BEARER = DB.prepare_sql(
    f"select name, person_id, {OPEN_ROLES} as roles, greatest(clock_timestamp(), $2::interval + "
    "(select max(revoked_at) from identity.role_grant where account_id = account.id)) as issued_at "
    "from identity.account where id = $1",
    Bearer,
)
ACCOUNT_SIGNED_IN = DB.prepare(
    tables.Account.update({tables.Account.last_sign_in_at: NOW, tables.Account.status: "active"}).where(
        (tables.Account.id == arg(1)) & tables.Account.archived_at.is_null()
    )
)
_KNOWN = columns_for(KnownAccount, tables.Account)
ACCOUNT_BY_SUBJECT = DB.prepare(
    tables.Account.select(*_KNOWN).where(
        (tables.Account.provider == arg(1)) & (tables.Account.subject == arg(2)),
    ),
    KnownAccount,
)
ACCOUNT_BY_EMAIL = DB.prepare(
    tables.Account.select(*_KNOWN)
    .where(QueryString("lower({}) = lower({})", tables.Account.email, arg(1)))
    .lock_rows("UPDATE"),
    KnownAccount,
)
ACCOUNT_LINK = DB.prepare(
    tables.Account.update(
        {
            tables.Account.provider: arg(2),
            tables.Account.subject: arg(3),
            tables.Account.version: QueryString("version + 1"),
            tables.Account.changed_at: NOW,
            tables.Account.changed_by: arg(1),
            tables.Account.changed_request: arg(4),
        }
    ).where(tables.Account.id == arg(1))
)

_END_SESSIONS = DB.prepare(
    tables.Session.update({tables.Session.revoked_at: NOW, tables.Session.revoked_reason: "archived"}).where(
        (tables.Session.account_id == arg(1)) & tables.Session.revoked_at.is_null()
    )
)


_OF_PERSON = DB.prepare(
    tables.Account.select(*columns_for(AccountVersion, tables.Account))
    .where((tables.Account.person_id == arg(1)) & tables.Account.archived_at.is_null())
    .lock_rows("UPDATE"),
    AccountVersion,
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
        await _archive(id, version, by=actor)
    return await read_account(id)


async def archive_account_of(person_id: UUID, *, by: UUID | None) -> None:
    """In a transaction: the account of this person, if they have one that isn't archived. `by`: who archived them.

    Raises Conflict for the last administrator.
    """
    account = await _OF_PERSON.one(person_id)
    if account is not None:
        await refuse_last_administrator(account.id)
        await _archive(account.id, account.version, by=None if by is None else AccountActor(by))


async def _archive(id: UUID, version: int, *, by: By | None) -> None:
    row = await ACCOUNT.archive(id, version, by=by, also={"status": "archived"})
    await _END_SESSIONS.execute(id)
    await record("account_archived", by=by, subject=id)
    await OUTBOX.publish("identity.account.archived", row, by=by, ids=PersonIds(row.person_id))


async def restore_account(id: UUID, version: int, actor: Actor) -> Account:
    async with DB.transaction():
        account = await ACCOUNT.get(id, lock=True, version=version)
        if account.archived_at is None:
            raise Conflict("This account isn't archived.")
        status = "active" if account.last_sign_in_at else "invited"
        await ACCOUNT.change(id, version, {"archived_at": None, "status": status}, by=actor)
        await record("account_restored", by=actor, subject=id)
    return await read_account(id)
