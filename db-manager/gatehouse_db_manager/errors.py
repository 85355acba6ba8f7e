"""Errors of db-manager, each with its exit code, so that a script can tell a typo from a lock timeout.

0 up to date, 2 invalid configuration, 3 refused, 4 failed and resumable, 5 lock timeout.
"""

from collections.abc import Iterable

from gatehouse_catalog.errors import Problem, nearest

__all__ = [
    "ConfigurationError",
    "DbManagerError",
    "FailedError",
    "LockError",
    "NoDatabaseError",
    "Problem",
    "Refusal",
    "RefusedError",
    "nearest",
]


class Refusal(Problem, frozen=True, kw_only=True):
    """A refusal that teaches: what is dangerous, why, a bad and a good example.

    `rows`: how many are affected, if they could be counted. `approve`: the fingerprint that approves it; empty if
    nothing can."""

    danger: str = ""
    why: str = ""
    bad: str = ""
    good: str = ""
    rows: int | None = None
    approve: str = ""


class DbManagerError(Exception):
    """Base class of db-manager's errors."""

    exit_code = 4


class _Problems(DbManagerError):
    """An error with several `problems`."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ConfigurationError(_Problems):
    """Files in services/*/database or db-manager/types are invalid; nothing was changed."""

    exit_code = 2


class RefusedError(_Problems):
    """The configuration is valid, but applying it isn't safe; nothing was changed."""

    exit_code = 3


class FailedError(DbManagerError):
    """A step failed. Existing objects are unchanged, and the next apply resumes."""

    exit_code = 4


class NoDatabaseError(FailedError):
    """No database can be reached at the address."""


class TableLockError(FailedError):
    """A step could not lock its table in time; existing objects are unchanged."""

    exit_code = 5


class LockError(DbManagerError):
    """Another run held the schema's lock for too long."""

    exit_code = 5
