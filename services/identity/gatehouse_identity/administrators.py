"""That an administrator always remains, whatever happens to accounts and role grants."""

from uuid import UUID

from gatehouse_chassis.base.problems import Conflict
from gatehouse_chassis.data.statements import arg
from gatehouse_identity.tables import DB, RoleGrant

# By hand: a join of tables between which Piccolo knows no foreign key.
_OTHER_ADMINISTRATORS = DB.prepare_sql(
    "select g.account_id from identity.role_grant g join identity.account a on a.id = g.account_id "
    "where g.role = 'admin' and g.revoked_at is null and a.archived_at is null and g.account_id <> $1"
)
_OPEN_GRANT = DB.prepare(
    RoleGrant.select(RoleGrant.id).where(
        (RoleGrant.account_id == arg(1)) & (RoleGrant.role == arg(2)) & RoleGrant.revoked_at.is_null()
    )
)


async def refuse_last_administrator(account_id: UUID) -> None:
    """Raises Conflict when this account is the only one that can sign in as an administrator."""
    await DB.advisory_lock("identity.administrators")
    if await _OPEN_GRANT.value(account_id, "admin") is None:
        return
    if await _OTHER_ADMINISTRATORS.value(account_id) is None:
        raise Conflict("This is the last administrator; grant the role to someone else first.")
