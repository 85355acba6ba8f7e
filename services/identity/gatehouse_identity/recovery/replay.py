"""After a restore: what identity decided since the backup is done again, from its log.

A restored database knows nothing of what came after: revoked roles are open again, withdrawn keys are published, and
who refreshed a session since would be taken for a thief. Each entry of the audit trail and each new refresh token
(its digest) is therefore a line of the log too, which no restore takes back. Replaying takes away and never gives: what
was granted since isn't granted again.
"""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from gatehouse_identity.digests import digest, new_secret
from gatehouse_identity.recovery import queries
from gatehouse_identity.recovery.rules import archived_at_last, read
from gatehouse_identity.recovery.structs import Decision, Replayed, SessionTokenDigests
from gatehouse_identity.tables import DB


async def replay(lines: Iterable[bytes]) -> Replayed:
    """Does again what the log says and the database doesn't know; once more changes nothing. All or nothing."""
    decisions, sessions = read(lines)
    done = Replayed()
    async with DB.transaction():
        known = set(await queries.KNOWN_ENTRIES.values([one.id for one in decisions]))
        unknown = list({one.id: one for one in decisions if one.id not in known}.values())
        for session in sessions:
            done.sessions_kept += await _keep(session)
        for decision in unknown:
            await _redo(decision, done)
        for decision in archived_at_last(unknown):
            done.accounts_archived += await queries.ACCOUNT_ARCHIVE.execute(decision.subject)
            done.sessions_ended += await queries.SESSIONS_END.execute(decision.subject)
        done.decisions = len(unknown)
    return done


async def _redo(decision: Decision, done: Replayed) -> None:
    details = decision.details
    match decision.action:
        case "role_revoked":
            by = decision.by or decision.subject
            done.roles_revoked += await queries.ROLE_REVOKE.execute(UUID(details["grant"]), by)
        case "signed_out" | "session_reused":
            reason = "signed_out" if decision.action == "signed_out" else "reused"
            done.sessions_ended += await queries.SESSION_END.execute(UUID(details["session"]), reason)
        case "service_client_archived":
            done.clients_restricted += await queries.CLIENT_ARCHIVE.execute(decision.subject)
        case "service_client_secret_rotated":
            done.clients_restricted += await queries.CLIENT_SECRET_VOID.execute(decision.subject, digest(new_secret()))
        case "service_client_changed":
            done.clients_restricted += await queries.CLIENT_ROLES_KEEP.execute(decision.subject, details["roles"])
        case "keys_rotated" if "withdrawn" in details:
            done.keys_withdrawn += await queries.KEY_WITHDRAW.execute(details["withdrawn"])
        case "role_granted":
            done.granted_since += 1
        case _:
            pass
    await queries.ENTRY_ADD.execute(
        decision.id,
        decision.timestamp,
        decision.by,
        decision.request_id[:200],
        decision.action,
        decision.subject,
        {**details, "replayed": True},
    )


async def _keep(session: SessionTokenDigests) -> int:
    idle, longest = timedelta(seconds=session.idle), timedelta(seconds=session.longest)
    if session.method is not None:
        return await queries.SESSION_ADD.execute(
            session.session,
            session.account,
            session.method,
            session.family_hash,
            session.token_hash,
            session.timestamp,
            idle,
            longest,
        )
    return await queries.SESSION_TOKEN.execute(session.session, session.token_hash, session.timestamp, idle)
