"""What a resource (the database, a task, a service, the edge) is doing, and what may happen to it next.

Pure: a resource and an event give the next resource. The supervisor makes the events; `gate status`, the live view and
the control port all show the one struct `Status`.
"""

from enum import StrEnum

import msgspec


class State(StrEnum):
    WAITING = "waiting"  # for what it needs
    STARTING = "starting"  # a process is there, not ready yet
    RUNNING = "running"
    RELOADING = "reloading"  # a new process starts beside the one that serves
    RESTARTING = "restarting"  # it crashed; the next attempt comes after a pause
    DONE = "done"  # a task that ended well
    FAILED = "failed"  # a task that ended badly; runs again when its files change
    STOPPING = "stopping"
    STOPPED = "stopped"


class Health(StrEnum):
    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class Status(msgspec.Struct, frozen=True):
    """One row of `gate status`."""

    name: str
    kind: str
    state: State
    health: Health
    port: int | None
    pid: int | None
    uptime_seconds: float | None
    restarts: int
    url: str | None
    last_error: str | None


class Started(msgspec.Struct, frozen=True):
    pid: int


class Ready(msgspec.Struct, frozen=True):
    pass


class NotReady(msgspec.Struct, frozen=True):
    why: str


class Crashed(msgspec.Struct, frozen=True):
    why: str


class Finished(msgspec.Struct, frozen=True):
    """A task ended well."""


class Broke(msgspec.Struct, frozen=True):
    """A task ended badly."""

    why: str


class ReloadBegan(msgspec.Struct, frozen=True):
    pass


class Reloaded(msgspec.Struct, frozen=True):
    pid: int


class ReloadFailed(msgspec.Struct, frozen=True):
    why: str


class StopAsked(msgspec.Struct, frozen=True):
    pass


class Stopped(msgspec.Struct, frozen=True):
    pass


Event = (
    Started
    | Ready
    | NotReady
    | Crashed
    | Finished
    | Broke
    | ReloadBegan
    | Reloaded
    | ReloadFailed
    | StopAsked
    | Stopped
)


class ImpossibleEvent(RuntimeError):
    """A fault in the supervisor: the event can't happen in this state."""


_IDLE = {State.WAITING, State.RESTARTING, State.DONE, State.FAILED, State.STARTING}
_ALLOWED: dict[type, set[State]] = {
    Started: _IDLE,
    Ready: {State.STARTING, State.RUNNING, State.RELOADING},
    NotReady: {State.STARTING, State.RUNNING, State.RELOADING},
    Crashed: {State.STARTING, State.RUNNING, State.RELOADING},
    Finished: {State.STARTING},
    Broke: {State.STARTING},
    ReloadBegan: {State.RUNNING, State.RELOADING},
    Reloaded: {State.RELOADING},
    ReloadFailed: {State.RELOADING},
    StopAsked: set(State),
    Stopped: {State.STOPPING},
}


class Resource(msgspec.Struct, frozen=True):
    name: str
    kind: str
    port: int | None = None
    url: str | None = None
    state: State = State.WAITING
    health: Health = Health.UNKNOWN
    pid: int | None = None
    started_at: float | None = None
    restarts: int = 0
    last_error: str | None = None

    @property
    def well(self) -> bool:
        """It does what it is there for: a task is done, anything else is up and healthy."""
        return self.state is State.DONE or (
            self.state in {State.RUNNING, State.RELOADING} and self.health is Health.HEALTHY
        )

    def status(self, now: float) -> Status:
        return Status(
            name=self.name,
            kind=self.kind,
            state=self.state,
            health=self.health,
            port=self.port,
            pid=self.pid,
            uptime_seconds=None if self.started_at is None else round(max(0.0, now - self.started_at), 1),
            restarts=self.restarts,
            url=self.url,
            last_error=self.last_error,
        )


def advance(resource: Resource, event: Event, now: float) -> Resource:
    """The resource after the event; `now` is a monotonic clock in seconds."""
    if resource.state not in _ALLOWED[type(event)]:
        raise ImpossibleEvent(f"{resource.name}: {type(event).__name__} can't happen while {resource.state}")
    return msgspec.structs.replace(resource, **_changes(resource, event, now))


def _changes(resource: Resource, event: Event, now: float) -> dict:  # noqa: PLR0911 - one return an event
    match event:
        case Started(pid):
            return {"state": State.STARTING, "health": Health.UNKNOWN, "pid": pid, "started_at": now}
        case Ready() if resource.state is State.STARTING:
            return {"state": State.RUNNING, "health": Health.HEALTHY, "last_error": None}
        case Ready():
            return {"health": Health.HEALTHY}
        case NotReady(why):
            return {"health": Health.UNHEALTHY, "last_error": why}
        case Crashed(why):
            return _gone(State.RESTARTING, why) | {"restarts": resource.restarts + 1}
        case Finished():
            return {"state": State.DONE, "health": Health.HEALTHY, "pid": None, "started_at": None, "last_error": None}
        case Broke(why):
            return _gone(State.FAILED, why)
        case ReloadBegan():
            return {"state": State.RELOADING}
        case Reloaded(pid):
            return {
                "state": State.RUNNING,
                "health": Health.HEALTHY,
                "pid": pid,
                "started_at": now,
                "last_error": None,
            }
        case ReloadFailed(why):
            return {"state": State.RUNNING, "last_error": why}
        case StopAsked():
            return {"state": State.STOPPING}
        case Stopped():
            return _gone(State.STOPPED, None) | {"health": Health.UNKNOWN}


def _gone(state: State, why: str | None) -> dict:
    return {"state": state, "health": Health.UNHEALTHY, "pid": None, "started_at": None, "last_error": why}


def hopeless(resource: Resource | Status) -> bool:
    """It won't get well by waiting alone: a task failed, or a process died a second time."""
    return resource.state is State.FAILED or (resource.restarts >= 2 and resource.state is State.RESTARTING)


class Backoff:
    """Pauses between attempts: doubled from `first` to `most` seconds; anew after `calm` healthy ones."""

    def __init__(self, first: float = 0.2, most: float = 10.0, calm: float = 30.0) -> None:
        self._first, self._most, self._calm = first, most, calm
        self._next = first

    def pause(self, healthy_seconds: float) -> float:
        """Seconds to wait before the next attempt, after one that was healthy for `healthy_seconds`."""
        if healthy_seconds >= self._calm:
            self._next = self._first
        pause, self._next = self._next, min(self._next * 2, self._most)
        return pause
