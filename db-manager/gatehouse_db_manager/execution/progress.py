"""What happens during an apply, as typed events: the local runner, a terminal and a log each show it their way."""

import msgspec


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    schema: str


class Planned(_Event, frozen=True, kw_only=True):
    """The plan of a schema is made; `steps` of them follow."""

    steps: int


class LockWait(_Event, frozen=True, kw_only=True):
    """Another run holds the schema's lock; `seconds` is how long we have waited for it."""

    seconds: float


class StepStarted(_Event, frozen=True, kw_only=True):
    position: int
    total: int
    collection: str
    what: str


class StepRetried(_Event, frozen=True, kw_only=True):
    """Somebody held a lock for more than 100 ms, so the step gave way and will try again."""

    position: int
    attempt: int
    reason: str


class OldTransaction(_Event, frozen=True, kw_only=True):
    """CONCURRENTLY has to wait for a transaction that began `seconds` ago. `query`: the last one that it sent."""

    position: int
    process: int
    user: str
    application: str
    query: str
    seconds: float

    @property
    def words(self) -> str:
        """Whose it is and what it does, to find it and to end it."""
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
    """A batch is done. `rows` so far, `done` from 0 to 1."""

    position: int
    collection: str
    rows: int
    done: float
    rows_per_second: float


class RowsLoaded(_Event, frozen=True, kw_only=True):
    collection: str
    rows: int


class SchemaDone(_Event, frozen=True, kw_only=True):
    """All steps of the schema are done and its Version documents are written."""

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
