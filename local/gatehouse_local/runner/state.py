"""The state machine of a resource (the database, a task, a service, the edge).

Pure: a snapshot and an event give the next snapshot. ManagedResource produces the events; `gate status`, the live view
and the control port all show the struct `ResourceStatus`.
"""

from enum import StrEnum

import msgspec


class ResourceState(StrEnum):
    WAITING = "waiting"  # for what it needs
    STARTING = "starting"  # its process isn't ready yet
    RUNNING = "running"
    RELOADING = "reloading"  # a new process starts beside the serving one
    RESTARTING = "restarting"  # it crashed; the next attempt follows after a pause
    DONE = "done"  # a task that succeeded
    FAILED = "failed"  # a task that failed; runs again when its files change
    STOPPING = "stopping"
    STOPPED = "stopped"


class ResourceHealth(StrEnum):
    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class ResourceStatus(msgspec.Struct, frozen=True):
    """One row of `gate status`."""

    name: str
    kind: str
    state: ResourceState
    health: ResourceHealth
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
    """A task succeeded."""


class Broke(msgspec.Struct, frozen=True):
    """A task failed."""

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
    why: str | None = None


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
    """A bug in the runner: the event can't happen in this state."""


_IDLE = {
    ResourceState.WAITING,
    ResourceState.RESTARTING,
    ResourceState.DONE,
    ResourceState.FAILED,
    ResourceState.STARTING,
}
_ALLOWED: dict[type, set[ResourceState]] = {
    Started: _IDLE,
    Ready: {ResourceState.STARTING, ResourceState.RUNNING, ResourceState.RELOADING},
    NotReady: {ResourceState.STARTING, ResourceState.RUNNING, ResourceState.RELOADING},
    Crashed: {ResourceState.STARTING, ResourceState.RUNNING, ResourceState.RELOADING},
    Finished: {ResourceState.STARTING},
    Broke: {ResourceState.STARTING},
    ReloadBegan: {ResourceState.RUNNING, ResourceState.RELOADING},
    Reloaded: {ResourceState.RELOADING},
    ReloadFailed: {ResourceState.RELOADING},
    StopAsked: set(ResourceState),
    Stopped: {ResourceState.STOPPING},
}


class ResourceSnapshot(msgspec.Struct, frozen=True):
    name: str
    kind: str
    port: int | None = None
    url: str | None = None
    state: ResourceState = ResourceState.WAITING
    health: ResourceHealth = ResourceHealth.UNKNOWN
    pid: int | None = None
    started_at: float | None = None
    restarts: int = 0
    last_error: str | None = None

    @property
    def well(self) -> bool:
        """Whether a task is done, or anything else is running and healthy."""
        return self.state is ResourceState.DONE or (
            self.state in {ResourceState.RUNNING, ResourceState.RELOADING} and self.health is ResourceHealth.HEALTHY
        )

    def status(self, now: float) -> ResourceStatus:
        return ResourceStatus(
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


def advance(resource: ResourceSnapshot, event: Event, now: float) -> ResourceSnapshot:
    """The snapshot after the event; `now` is a monotonic time in seconds."""
    if resource.state not in _ALLOWED[type(event)]:
        raise ImpossibleEvent(f"{resource.name}: {type(event).__name__} can't happen while {resource.state}")
    return msgspec.structs.replace(resource, **_changes(resource, event, now))


def _changes(resource: ResourceSnapshot, event: Event, now: float) -> dict:  # noqa: PLR0911 - one return per event
    match event:
        case Started(pid):
            return {"state": ResourceState.STARTING, "health": ResourceHealth.UNKNOWN, "pid": pid, "started_at": now}
        case Ready() if resource.state is ResourceState.STARTING:
            return {"state": ResourceState.RUNNING, "health": ResourceHealth.HEALTHY, "last_error": None}
        case Ready():
            # The reason it wasn't ready is over; that of a failed reload stays until the next one.
            recovered = {"last_error": None} if resource.health is ResourceHealth.UNHEALTHY else {}
            return {"health": ResourceHealth.HEALTHY} | recovered
        case NotReady(why):
            return {"health": ResourceHealth.UNHEALTHY, "last_error": why}
        case Crashed(why):
            return _gone(ResourceState.RESTARTING, why) | {"restarts": resource.restarts + 1}
        case Finished():
            return {
                "state": ResourceState.DONE,
                "health": ResourceHealth.HEALTHY,
                "pid": None,
                "started_at": None,
                "last_error": None,
            }
        case Broke(why):
            return _gone(ResourceState.FAILED, why)
        case ReloadBegan():
            return {"state": ResourceState.RELOADING}
        case Reloaded(pid):
            return {
                "state": ResourceState.RUNNING,
                "health": ResourceHealth.HEALTHY,
                "pid": pid,
                "started_at": now,
                "last_error": None,
            }
        case ReloadFailed(why):
            return {"state": ResourceState.RUNNING, "last_error": why}
        case StopAsked():
            return {"state": ResourceState.STOPPING}
        case Stopped(why):
            return _gone(ResourceState.STOPPED, why) | {"health": ResourceHealth.UNKNOWN}


def _gone(state: ResourceState, why: str | None) -> dict:
    return {"state": state, "health": ResourceHealth.UNHEALTHY, "pid": None, "started_at": None, "last_error": why}


def hopeless(resource: ResourceSnapshot | ResourceStatus) -> bool:
    """Whether waiting won't help: a task failed, or a process crashed a second time."""
    return resource.state is ResourceState.FAILED or (
        resource.restarts >= 2 and resource.state is ResourceState.RESTARTING
    )


class Backoff:
    """Pauses between attempts: doubled from `first` up to `most` seconds, reset after `calm` healthy seconds."""

    def __init__(self, first: float = 0.2, most: float = 10.0, calm: float = 30.0) -> None:
        self._first, self._most, self._calm = first, most, calm
        self._next = first

    def pause(self, healthy_seconds: float) -> float:
        """Seconds to wait before the next attempt, given how long the last one was healthy."""
        if healthy_seconds >= self._calm:
            self._next = self._first
        pause, self._next = self._next, min(self._next * 2, self._most)
        return pause
