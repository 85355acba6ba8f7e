"""Puts a service's events together: its feed, its readers, and what runs beside its requests."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import structlog
from litestar.types import ControllerRouterHandler

from gatehouse_catalog.errors import CatalogError, Problem
from gatehouse_catalog.structs import PEER_KEY_VARIABLE, Service
from gatehouse_chassis.data.database import Database
from gatehouse_chassis.events import outbox, service_token, store
from gatehouse_chassis.events.event import EventPage, FeedPosition
from gatehouse_chassis.events.feed import EventFeed, feed_route
from gatehouse_chassis.events.figures import EventsCollector
from gatehouse_chassis.events.outbox import Outbox
from gatehouse_chassis.events.reader import BATCH, EventHandler, EventReader, ReaderFigures, ReadFeed
from gatehouse_chassis.events.routes import follower_routes
from gatehouse_chassis.events.store import EventStore
from gatehouse_chassis.events.wakeup import WakeUp
from gatehouse_chassis.metrics.registry import Metrics
from gatehouse_chassis.service.service import ServiceContext

PAGE = 4 * BATCH
STOP_SECONDS = 10.0  # for what is under way; then it is rolled back, and the next task does it

log = structlog.get_logger()


class Following:
    """The events of one application. `handlers` by the names that `[events.handles]` gives them.

    Raises CatalogError where the catalog and the code differ.
    """

    def __init__(
        self,
        service: ServiceContext,
        database: Database | None,
        published: Outbox | None,
        handlers: Mapping[str, EventHandler],
        metrics: Metrics,
    ) -> None:
        entry = service.entry
        problems = [*_differences(entry, published, handlers), *_missing(service)]
        if problems:
            raise CatalogError(problems)
        self._service = service
        self._database = database
        self._outbox = published
        self._handlers = handlers
        self._stores: dict[str, EventStore] = {}
        self._figures: dict[str, ReaderFigures] = {}
        if database is not None:
            self._stores = {producer: EventStore(database, producer) for producer in entry.followed}
        if self._stores:
            metrics.registry.register(EventsCollector(service.name, lambda: self._figures))

    @property
    def needs(self) -> dict[str, str]:
        """Collections and their least versions."""
        return (outbox.NEEDS if self._outbox is not None else {}) | (store.NEEDS if self._stores else {})

    @property
    def routes(self) -> Sequence[ControllerRouterHandler]:
        entry = self._service.entry
        found: list[ControllerRouterHandler] = []
        if self._outbox is not None and self._database is not None:
            guard = service_token.other_services(self._service.peer_key, to=entry.name)
            found.append(feed_route(EventFeed(self._database), sorted(entry.events.publishes), guard))
        if self._stores:
            found.append(follower_routes(self._stores, entry.followed, self._figures))
        return found

    @contextlib.asynccontextmanager
    async def running(self, app: Any) -> AsyncGenerator[None]:
        """Beside the application: wakes followers, and reads every feed that can be reached."""
        tasks: list[asyncio.Task[None]] = []
        if self._outbox is not None:
            tasks.append(asyncio.create_task(self._outbox.wake_followers()))
        followed = {name: one for name, one in self._stores.items() if name in self._service.addresses}
        for producer in self._stores.keys() - followed.keys():
            log.warning("not followed: its address isn't known", producer=producer)
        wakeup = None
        readers: list[EventReader] = []
        if followed and self._database is not None and self._service.database_url:
            wakeup = WakeUp(self._database, followed)
            for one in followed.values():
                reader = self._reader(one, wakeup)
                readers.append(reader)
                self._figures[one.producer] = reader.figures
        reading = [asyncio.create_task(reader.run()) for reader in readers]
        try:
            yield
        finally:
            for reader in readers:
                reader.stop()
            if reading:
                await asyncio.wait(reading, timeout=STOP_SECONDS)
            for task in (*tasks, *reading):
                task.cancel()
            await asyncio.gather(*tasks, *reading, return_exceptions=True)
            if wakeup is not None:
                await wakeup.close()

    def _reader(self, one: EventStore, wakeup: WakeUp) -> EventReader:
        handles = self._service.entry.events.handles
        types = self._service.entry.followed[one.producer]
        handlers = {name: self._handlers[handles[name]] for name in types}
        return EventReader(one, handlers, wakeup, self._feed_of(one.producer, types))

    def _feed_of(self, producer: str, types: list[str]) -> ReadFeed:
        service = self._service

        async def read(after: FeedPosition, count: bool) -> EventPage:
            params = {"types": ",".join(types), "after": str(after), "limit": PAGE, "count": str(count).lower()}
            token = service_token.sign(service.peer_key, by=service.name, to=producer)
            return await service.call(producer).get("/events", EventPage, params=params, token=token)

        return read


def _differences(entry: Service, published: Outbox | None, handlers: Mapping[str, EventHandler]) -> list[Problem]:
    file = f"services/{entry.name}/service.toml"
    said, written = set(entry.events.publishes), set(published.types if published else ())
    problems = [
        Problem(file=file, key="events.publishes", value=name, message="isn't in the service's Outbox.", fix="Add it.")
        for name in sorted(said - written)
    ]
    problems += [
        Problem(file=file, key="events.publishes", message=f"leaves out {name}, which the Outbox has.", fix="Add it.")
        for name in sorted(written - said)
    ]
    for name, handler in sorted(entry.events.handles.items()):
        if handler not in handlers:
            message = "is no handler that the service gives to create_app."
            fix = f"Known: {', '.join(sorted(handlers)) or 'none'}."
            problems.append(Problem(file=file, key=f'events.handles."{name}"', value=handler, message=message, fix=fix))
    for handler in sorted(handlers.keys() - set(entry.events.handles.values())):
        message = f"names no event for the handler {handler}."
        fix = "Add one, or remove the handler."
        problems.append(Problem(file=file, key="events.handles", message=message, fix=fix))
    return problems


def _missing(service: ServiceContext) -> list[Problem]:
    """What the platform has to give a service with events. Tests of a service alone give neither."""
    if service.environment == "local" or not service.entry.has_events:
        return []
    problems = []
    if len(service.peer_key) < service_token.SHORTEST_KEY:
        message = "is not set, or shorter than 32 characters."
        fix = "Pass the same random characters to every service with events."
        problems.append(Problem(file="environment", key=PEER_KEY_VARIABLE, message=message, fix=fix))
    for producer in service.entry.followed:
        if producer not in service.addresses:
            message = f"is not set, and {service.name} follows {producer}."
            variable = "GATEHOUSE_URL_" + producer.replace("-", "_").upper()
            problems.append(Problem(file="environment", key=variable, message=message, fix="Pass its address."))
    return problems
