"""Why db-manager stopped. Each error knows its exit code, so that a script can tell a typo from a lock never freed.

0 in place, 2 configuration invalid, 3 refused, 4 failed and resumable, 5 no lock in time.
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
    """A lesson: what is dangerous, why, and how it looks done badly and well.

    `rows`: how many are concerned, if they could be counted. `approve`: the fingerprint that allows it; empty when
    nothing does.
    """

    danger: str = ""
    why: str = ""
    bad: str = ""
    good: str = ""
    rows: int | None = None
    approve: str = ""


class DbManagerError(Exception):
    """Anything that db-manager itself says no to."""

    exit_code = 4


class _Problems(DbManagerError):
    """An error with one reason a line; `problems` has each."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ConfigurationError(_Problems):
    """Files below services/*/database or db-manager/types can't be used; nothing was touched."""

    exit_code = 2


class RefusedError(_Problems):
    """The configuration is valid, but bringing the database to it isn't safe; nothing was touched."""

    exit_code = 3


class FailedError(DbManagerError):
    """A step failed. What stood before still stands, and the next apply resumes."""

    exit_code = 4


class NoDatabaseError(FailedError):
    """There is no database at the address given."""


class TableLockError(FailedError):
    """Somebody held a table all the time that a step kept trying; what stood before still stands."""

    exit_code = 5


class LockError(DbManagerError):
    """Another run held the schema's lock all the time that was given."""

    exit_code = 5
