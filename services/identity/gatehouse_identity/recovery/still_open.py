"""What identity's log says ended and the database still has: before a replay what it is for, after it nothing.

The restore drill and the monthly rehearsal in AWS read this. Each answer names a row by its id, never a person.
"""

from collections.abc import Iterable
from uuid import UUID

from gatehouse_identity.recovery import queries
from gatehouse_identity.recovery.rules import archived_at_last, read


async def still_open(lines: Iterable[bytes]) -> list[str]:
    """`role grant ID`, `session ID`, `signing key KID`, `account ID`, `service client ID`; sorted."""
    decisions, _ = read(lines)
    by_action: dict[str, set[UUID]] = {}
    for one in decisions:
        by_action.setdefault(one.action, set()).add(one.subject)
    grants = {UUID(one.details["grant"]) for one in decisions if one.action == "role_revoked"}
    sessions = {UUID(one.details["session"]) for one in decisions if one.action in {"signed_out", "session_reused"}}
    keys = {str(one.details["withdrawn"]) for one in decisions if "withdrawn" in one.details}
    accounts = {one.subject for one in archived_at_last(decisions)}
    clients = by_action.get("service_client_archived", set())
    found = [
        ("role grant", await queries.GRANTS_OPEN.values(list(grants))),
        ("session", await queries.SESSIONS_OPEN.values(list(sessions))),
        ("signing key", await queries.KEYS_OPEN.values(list(keys))),
        ("account", await queries.ACCOUNTS_OPEN.values(list(accounts))),
        ("service client", await queries.CLIENTS_OPEN.values(list(clients))),
    ]
    return sorted(f"{what} {id}" for what, ids in found for id in ids)
