"""Classifies errors of PostgreSQL: whether a retry helps, and how to fix them."""

import psycopg
from psycopg import errors


def passes(error: psycopg.Error) -> bool:
    """Whether a retry may help: another session held a lock or changed the same catalog row."""
    if isinstance(error, errors.LockNotAvailable | errors.DeadlockDetected | errors.SerializationFailure):
        return True
    return isinstance(error, errors.InternalError_) and "concurrently" in str(error)


def explain(error: psycopg.Error) -> str:
    """PostgreSQL's message, its detail, and the fix if known."""
    parts = [error.diag.message_primary or str(error).strip()]
    if error.diag.message_detail:
        parts.append(error.diag.message_detail)
    if isinstance(error, errors.CheckViolation):
        parts.append("Change the rows that violate it, or the rule.")
    elif isinstance(error, errors.UniqueViolation):
        parts.append("Change the duplicate rows, or the rule.")
    elif isinstance(error, errors.InsufficientPrivilege):
        parts += [part for part in (error.diag.message_hint,) if part]
        parts.append("Connect as the owner of the object, or grant this role the privilege")
    elif isinstance(error, errors.DiskFull):
        parts.append("The database's disk is full: free some space first.")
    elif isinstance(error, errors.LockNotAvailable):
        parts.append("Another session holds the lock; find long transactions in pg_stat_activity.")
    elif error.diag.message_hint:
        parts.append(error.diag.message_hint)
    return ". ".join(part.rstrip(".") for part in parts) + "."
