"""Progress of an apply as typed events, for the local runner, a terminal or a log to show."""

import msgspec


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    schema: str


class Planned(_Event, frozen=True, kw_only=True):
    """A schema is planned; `steps` follow."""

    steps: int


class LockWait(_Event, frozen=True, kw_only=True):
    """Another run holds the schema's lock; `seconds` waited so far."""

    seconds: float


class StepStarted(_Event, frozen=True, kw_only=True):
    position: int
    total: int
    collection: str
    what: str


class StepRetried(_Event, frozen=True, kw_only=True):
    """The lock was not free within 100 ms; the step backed off and will retry."""

    position: int
    attempt: int
    reason: str


class OldTransaction(_Event, frozen=True, kw_only=True):
    """CONCURRENTLY waits for a transaction that began `seconds` ago. `query`: its last query."""

    position: int
    process: int
    user: str
    application: str
    query: str
    seconds: float

    @property
    def words(self) -> str:
        """Names the session and its query, so that you can find and end it."""
        who = f"session {self.process} of {self.user}{f', {self.application},' if self.application else ''}"
        query = " ".join(self.query.split())
        what = f": {query[:77] + '...' if len(query) > 80 else query}" if query else ""
        return f"{who} whose transaction is open for {self.seconds:.0f} s{what}"


class StepEnded(_Event, frozen=True, kw_only=True):
    position: int
    total: int
    collection: str
    what: str
    seconds: float
    attempts: int


class BackfillProgress(_Event, frozen=True, kw_only=True):
    """A batch is complete: `rows` so far, `done` from 0 to 1."""

    position: int
    collection: str
    rows: int
    done: float
    rows_per_second: float


class RowsLoaded(_Event, frozen=True, kw_only=True):
    collection: str
    rows: int


class SchemaDone(_Event, frozen=True, kw_only=True):
    """All steps of a schema are complete and its Version documents are written."""

    steps: int
    versions: int
    seconds: float


Event = (
    Planned
    | LockWait
    | StepStarted
    | StepRetried
    | OldTransaction
    | StepEnded
    | BackfillProgress
    | RowsLoaded
    | SchemaDone
)
