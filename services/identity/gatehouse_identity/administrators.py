"""That an administrator always remains, whatever happens to accounts and role grants."""

from uuid import UUID

from gatehouse_chassis.base.problems import Conflict
from gatehouse_identity.tables import DB

_OTHER_ADMINISTRATORS = DB.prepare(
    "select g.account_id from identity.role_grant g join identity.account a on a.id = g.account_id "
    "where g.role = 'admin' and g.revoked_at is null and a.archived_at is null and g.account_id <> $1"
)
_HAS_OPEN_ROLE = DB.prepare(
    "select true from identity.role_grant where account_id = $1 and role = $2 and revoked_at is null"
)
_LOCK = DB.prepare("select pg_advisory_xact_lock(hashtext('identity.administrators'))")


async def refuse_last_administrator(account_id: UUID) -> None:
    """Raises Conflict when this account is the only one that can sign in as an administrator."""
    await _LOCK.execute()
    if not await _HAS_OPEN_ROLE.value(account_id, "admin"):
        return
    if await _OTHER_ADMINISTRATORS.value(account_id) is None:
        raise Conflict("This is the last administrator; grant the role to someone else first.")
