"""Puts together what follows from a service's declarations: routes, history with its keys, and retention."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from litestar import Router

from gatehouse_catalog.errors import CatalogError, Problem
from gatehouse_catalog.structs import PERSON_KEYS_VARIABLE, Job
from gatehouse_chassis.data.database import Database
from gatehouse_chassis.jobs.structs import Handler
from gatehouse_chassis.privacy import person_keys, reads
from gatehouse_chassis.privacy.declared import declared_in
from gatehouse_chassis.privacy.history import History
from gatehouse_chassis.privacy.key_bucket import KeyBucket
from gatehouse_chassis.privacy.key_store import KeyFolder, KeyStore
from gatehouse_chassis.privacy.people import PeopleData
from gatehouse_chassis.privacy.person_keys import PersonKeys
from gatehouse_chassis.privacy.retention import retention_jobs
from gatehouse_chassis.privacy.routes import privacy_routes
from gatehouse_chassis.service.service import ServiceContext


class Privacy:
    """Of one application; nothing where its package declares nothing. Raises CatalogError without a place for keys."""

    def __init__(self, service: ServiceContext, database: Database | None) -> None:
        self.routes: list[Router] = []
        self.jobs: dict[str, tuple[Job, Handler]] = {}
        self.needs: dict[str, str] = {}
        self._keys: PersonKeys | None = None
        declared = declared_in(service.entry.package) if database is not None else None
        if database is None or declared is None:
            return
        history = None
        if any(one.history for one in declared.collections):
            self._keys = PersonKeys(database, store_at(service.person_keys))
            history = History(database, declared, self._keys)
            self.needs |= person_keys.NEEDS
        read_log = None
        if any(one.name in reads.NEEDS for one in declared.collections):
            read_log = reads.ReadLog(database)
            self.needs |= reads.NEEDS
        database.history = history
        self.jobs = retention_jobs(database, declared)
        self.routes = [privacy_routes(PeopleData(database, declared), history, self._keys, read_log)]

    @contextlib.asynccontextmanager
    async def running(self, app: Any) -> AsyncGenerator[None]:
        """Beside the application: there are always some spare keys."""
        making = asyncio.create_task(self._keys.keep_spare()) if self._keys is not None else None
        try:
            yield
        finally:
            if making is not None:
                making.cancel()
                await asyncio.gather(making, return_exceptions=True)


def store_at(place: str) -> KeyStore:
    """`place`: a folder's path, or the address of a bucket and a prefix in it."""
    if not place:
        message = "is not set, and the service keeps a history."
        fix = "Name the folder, or the address of the bucket, where private keys are kept."
        raise CatalogError([Problem(file="environment", key=PERSON_KEYS_VARIABLE, message=message, fix=fix)])
    return KeyBucket(place) if place.startswith(("https://", "http://")) else KeyFolder(Path(place))
