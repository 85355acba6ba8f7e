"""All SQL about service clients: programs that call services on their own account, with roles of their own.

They get tokens by OAuth 2's client credentials. A rotated secret leaves the previous one valid for an hour, so that a
program can be given the new one without a gap. To cut off a leaked secret at once, rotate twice.
"""

from datetime import timedelta
from typing import get_args
from uuid import UUID

import msgspec

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, Unauthenticated
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import arg
from gatehouse_chassis.lists.filters import member, storable
from gatehouse_chassis.lists.listing import Listing
from gatehouse_identity import tables
from gatehouse_identity.audit_entry.queries import record
from gatehouse_identity.digests import digest, matches, new_secret
from gatehouse_identity.enumerators import Role
from gatehouse_identity.service_client.structs import (
    ClientSecrets,
    NewServiceClient,
    ServiceClient,
    ServiceClientChange,
    ServiceClientWithSecret,
    ServiceToken,
)
from gatehouse_identity.signing_key.key_ring import KeyRing
from gatehouse_identity.tables import DB
from gatehouse_identity.tokens import SETTLING, TOKEN_SECONDS, service_claims

PREVIOUS_GOOD_FOR = timedelta(hours=1)
UNKNOWN = digest(new_secret())  # compared with when there is no such client, so that both take as long

CLIENT = Repository(
    tables.ServiceClient,
    ServiceClient,
    unique={"name_unique": {"name": "there is such a service client already; names aren't used again"}},
)
CLIENTS = Listing(
    tables.ServiceClient,
    ServiceClient,
    filters={"role": member(tables.ServiceClient.roles, get_args(Role))},
    sorts={"name": tables.ServiceClient.name, "created": tables.ServiceClient.created_at},
    search=[tables.ServiceClient.name],
    default_sort="name",
)

# By hand: PostgreSQL's clock decides whether the previous secret still counts, and how the token is dated.
_SECRETS = DB.prepare_sql(
    "select id, name, roles, secret_hash, case when previous_until > now() then previous_secret_hash end "
    "as previous_secret_hash, greatest(clock_timestamp(), changed_at + $2::interval) as issued_at "
    "from identity.service_client where name = $1 and archived_at is null",
    ClientSecrets,
)
_SECRET_HASH = DB.prepare(
    tables.ServiceClient.select(tables.ServiceClient.secret_hash).where(tables.ServiceClient.id == arg(1))
)


async def create_client(new: NewServiceClient, actor: Actor) -> ServiceClientWithSecret:
    secret = new_secret()
    values = {"name": new.name, "description": new.description, "roles": sorted(set(new.roles))}
    async with DB.transaction():
        row = await CLIENT.insert(values, by=actor, secret_hash=digest(secret))
        await record("service_client_created", by=actor, subject=row.id, roles=row.roles)
    return _with_secret(row, secret)


async def change_client(id: UUID, version: int, change: ServiceClientChange, actor: Actor) -> ServiceClient:
    values = {name: value for name, value in _fields(change).items() if value is not msgspec.UNSET}
    if "roles" in values:
        values["roles"] = sorted(set(values["roles"]))
    async with DB.transaction():
        row = await CLIENT.change(id, version, values, by=actor)
        if values:
            await record("service_client_changed", by=actor, subject=id, fields=sorted(values), roles=row.roles)
    return row


async def rotate_secret(id: UUID, version: int, actor: Actor) -> ServiceClientWithSecret:
    secret = new_secret()
    async with DB.transaction():
        client = await CLIENT.get(id, lock=True, version=version)
        if client.archived_at is not None:
            raise Conflict("This service client is archived.")
        values = {
            "secret_hash": digest(secret),
            "previous_secret_hash": await _SECRET_HASH.value(id),
            "previous_until": await DB.now() + PREVIOUS_GOOD_FOR,
        }
        row = await CLIENT.change(id, version, values, by=actor)
        await record("service_client_secret_rotated", by=actor, subject=id)
    return _with_secret(row, secret)


async def archive_client(id: UUID, version: int, actor: Actor) -> ServiceClient:
    """Every service refuses its tokens within a minute."""
    async with DB.transaction():
        row = await CLIENT.archive(id, version, by=actor)
        await record("service_client_archived", by=actor, subject=id)
    return row


async def issue_token(keys: KeyRing, name: str, secret: str, audience: str) -> ServiceToken:
    """An access token of kind `service`, for the service `audience`. Raises Unauthenticated when name and
    secret don't match.
    """
    client = await _SECRETS.one(name, SETTLING) if storable(name) else None
    current = client.secret_hash if client else UNKNOWN
    previous = client.previous_secret_hash if client else None
    match = matches(secret, current) | matches(secret, previous)
    if client is None or not match:
        raise Unauthenticated("No service client has this client_id and client_secret.")
    claims = service_claims(client.id, client.name, client.roles, client.issued_at, audience)
    return ServiceToken(access_token=await keys.sign(claims), expires_in=TOKEN_SECONDS)


def _fields(struct: msgspec.Struct) -> dict:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


def _with_secret(row: ServiceClient, secret: str) -> ServiceClientWithSecret:
    return ServiceClientWithSecret(secret=secret, **_fields(row))
