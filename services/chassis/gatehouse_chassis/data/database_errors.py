"""Maps PostgreSQL's errors to problems: which of them the client caused, and what to say.

PostgreSQL's own text contains values, so only the constraint's name is used; db-manager names constraints
<table>_<column>_<what> or <table>_<name>. A service that can say more catches the exception itself.
"""

import asyncpg

from gatehouse_chassis.base.problems import ApiProblem, Conflict, Invalid
from gatehouse_chassis.data.database_problems import Busy, ChangesRefused, ConnectionLost

UNSTORABLE = (
    asyncpg.CharacterNotInRepertoireError,  # NUL in a text
    asyncpg.UntranslatableCharacterError,  # NUL in a document
    asyncpg.NumericValueOutOfRangeError,
    asyncpg.StringDataRightTruncationError,
    asyncpg.DatetimeFieldOverflowError,
)

# What trying at once doesn't help: somebody has to make room, or a failover has to end.
TAKES_NO_CHANGES = (asyncpg.InsufficientResourcesError, asyncpg.ReadOnlySQLTransactionError)
REFUSED_RETRY = 30  # seconds

# A connection that is killed at a bad moment raises InternalClientError: "cannot switch to state 15".
LOST = (
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.exceptions.AdminShutdownError,
    asyncpg.exceptions.CrashShutdownError,
    asyncpg.InternalClientError,
    ConnectionError,
)


def as_problem(error: Exception) -> ApiProblem | None:
    """The problem to answer with; None when it is our fault (a 500)."""
    return _of_the_database(error) or _of_the_client(error)


def _of_the_database(error: Exception) -> ApiProblem | None:
    if isinstance(error, LOST) or (isinstance(error, asyncpg.InterfaceError) and "closed" in str(error)):
        return ConnectionLost(
            "A change may or may not have been made: look before you repeat it, or repeat it with its Idempotency-Key."
        )
    if isinstance(error, (asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)):
        return Busy("The database took too long, or someone else is changing the same. Try again.")
    if isinstance(error, TAKES_NO_CHANGES):
        return ChangesRefused("The change was not made. Reading works; try again later.", retry_after=REFUSED_RETRY)
    return None


def _of_the_client(error: Exception) -> ApiProblem | None:
    name = _constraint(error)
    if isinstance(error, (asyncpg.UniqueViolationError, asyncpg.ExclusionViolationError)):
        return Conflict(f"There is one like this already ({name}).")
    if isinstance(error, asyncpg.ForeignKeyViolationError):
        return Conflict(f"This refers to something that doesn't exist, or something still refers to this ({name}).")
    if isinstance(error, asyncpg.CheckViolationError):
        return Invalid({name: "breaks a rule of the database"})
    # asyncpg itself raises a bare DataError for a value that its column's type can't hold.
    if isinstance(error, UNSTORABLE) or type(error) is asyncpg.DataError:
        return Invalid({"request": "a value can't be stored: too large, or a text with a NUL character"})
    return None


def _constraint(error: Exception) -> str:
    """`email_unique` of `person_email_unique`."""
    name = getattr(error, "constraint_name", None) or "a rule"
    table = getattr(error, "table_name", None) or ""
    return name.removeprefix(f"{table}_")
