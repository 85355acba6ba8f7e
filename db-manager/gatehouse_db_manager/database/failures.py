"""What an error of PostgreSQL means: whether waiting helps, and what to do about it."""

import psycopg
from psycopg import errors


def passes(error: psycopg.Error) -> bool:
    """Whether waiting a moment may help: somebody else had a lock, or changed the same shared row."""
    if isinstance(error, errors.LockNotAvailable | errors.DeadlockDetected | errors.SerializationFailure):
        return True
    return isinstance(error, errors.InternalError_) and "concurrently" in str(error)


def explain(error: psycopg.Error) -> str:
    """PostgreSQL's message, its detail, and the fix where we know one."""
    parts = [error.diag.message_primary or str(error).strip()]
    if error.diag.message_detail:
        parts.append(error.diag.message_detail)
    if isinstance(error, errors.CheckViolation):
        parts.append("Rows break it; change them, or the rule.")
    elif isinstance(error, errors.UniqueViolation):
        parts.append("Rows share it; change them, or the rule.")
    elif isinstance(error, errors.InsufficientPrivilege):
        parts += [part for part in (error.diag.message_hint,) if part]
        parts.append("Apply as the owner of what is there, or give this administrator the right")
    elif isinstance(error, errors.DiskFull):
        parts.append("The database's disk is full: make room there first.")
    elif isinstance(error, errors.LockNotAvailable):
        parts.append(
            "Somebody holds the table for longer than we wait; look for long transactions in pg_stat_activity."
        )
    elif error.diag.message_hint:
        parts.append(error.diag.message_hint)
    return ". ".join(part.rstrip(".") for part in parts) + "."
