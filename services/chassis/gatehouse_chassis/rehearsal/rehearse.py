"""`python -m gatehouse_chassis rehearse NAME`: restores the environment's database beside it, and looks.

It runs once a day in AWS (platform/gatehouse_platform/components/rehearsal.py) and rehearses where the last success is
27 days ago: monthly, and again the next day where it failed. Whatever happens, the copy is deleted; what an earlier run
left is deleted first. NAME is the service whose decisions are done again in the copy, as a restore must (`recover`).
"""

import asyncio
import contextlib
import os
import secrets
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

from gatehouse_catalog import CatalogError, Service
from gatehouse_catalog.rehearsal import DAYS_SINCE, FAILED, REHEARSAL_VARIABLE, RehearsalPlace
from gatehouse_chassis import recover
from gatehouse_chassis.base import logs
from gatehouse_chassis.rehearsal import reads
from gatehouse_chassis.rehearsal.aws_calls import AwsCalls, AwsRefused, AwsUnreachable
from gatehouse_chassis.rehearsal.log_groups import DECISIONS, REHEARSED, days_since_success, lines_since
from gatehouse_chassis.rehearsal.outcome import RPO, RTO, RehearsalOutcome, embedded
from gatehouse_chassis.rehearsal.restored_copy import BACK, POLL_SECONDS, RehearsalError, RestoredCopy, Source

DUE_DAYS = 27
LONGEST_SECONDS = 4 * 3600

log = structlog.get_logger()


class Rehearsing:
    """One run. `place` (for tests): where the copy listens, instead of where RDS says. `poll` in seconds."""

    def __init__(
        self,
        wanted: RehearsalPlace,
        service: Service,
        aws: AwsCalls,
        *,
        password: str,
        poll: float = POLL_SECONDS,
        place: Callable[[tuple[str, int]], tuple[str, int]] = lambda told: told,
    ) -> None:
        self._wanted, self._service, self._aws = wanted, service, aws
        self._copy = RestoredCopy(wanted, aws, password, poll=poll)
        self._password, self._poll, self._place = password, poll, place

    async def run(self) -> bool:
        """Deletes what was left, and rehearses where it is time. One line says what came of it; whether all is well."""
        outcome, days = RehearsalOutcome(), None
        with _reason_in(outcome):
            days = await days_since_success(self._aws, self._wanted.outcomes, datetime.now(UTC))
            outcome.leftover = await self._copy.delete()
        due = days is not None and days >= DUE_DAYS
        if due and not outcome.reason:
            async with asyncio.timeout(LONGEST_SECONDS):
                await self.rehearse(outcome)
        succeeded = due and not outcome.reason
        event = REHEARSED if due else "restore rehearsal isn't due"
        metrics = {
            DAYS_SINCE: 0.0 if succeeded else days,
            FAILED: float(bool(outcome.reason)),
            RTO: outcome.rto_minutes,
            RPO: outcome.rpo_minutes,
        }
        said = {"outcome": outcome.outcome, **msgspec.structs.asdict(outcome)}
        log.log(
            40 if outcome.reason else 20,
            event,
            **said,
            **embedded(self._wanted.environment, datetime.now(UTC), metrics),
        )
        return not outcome.reason

    async def rehearse(self, outcome: RehearsalOutcome) -> None:
        """Restores, looks, deletes. What goes wrong is the outcome's reason."""
        with _reason_in(outcome):
            source = await self._copy.source()
            outcome.rpo_minutes = (datetime.now(UTC) - source.latest).total_seconds() / 60
            outcome.restored_to = source.moment or source.latest
            try:
                await self._look(source, outcome)
            finally:
                await asyncio.shield(self._delete(outcome))

    async def _look(self, source: Source, outcome: RehearsalOutcome) -> None:
        began = time.monotonic()
        await self._copy.restore(source)
        place = self._place(await self._copy.wait())
        wanted, database = self._wanted, self._service.database
        assert database is not None
        as_master = reads.address(wanted.master, self._password, place, wanted.database, wanted.options)
        as_service = reads.address(database.service_role, self._password, place, wanted.database, wanted.options)
        master = await reads.connected(as_master, poll=self._poll)
        try:
            outcome.rows = await reads.rows_by_schema(master, wanted.environment)
            await reads.let_in(master, database.service_role, self._password)
        finally:
            await master.close()
        assert outcome.restored_to is not None
        found = await lines_since(self._aws, wanted.decisions, outcome.restored_to - BACK, DECISIONS)
        lines = [line for _, line in found]
        outcome.decisions = len(lines)
        done = await recover.recover(self._service.package, as_service, lines)
        outcome.replayed = {name: count for name, count in msgspec.to_builtins(done).items() if count}
        outcome.still_open = await recover.still_open(self._service.package, as_service, lines)
        outcome.rto_minutes = (time.monotonic() - began) / 60
        if outcome.still_open:
            raise RehearsalError(f"After the replay {len(outcome.still_open)} things are open that the log says ended.")

    async def _delete(self, outcome: RehearsalOutcome) -> None:
        """The first reason stays; that the copy stands is added to it."""
        failed = RehearsalOutcome()
        with _reason_in(failed):
            await self._copy.delete()
        if failed.reason:
            outcome.reason = f"{outcome.reason} The copy may still be there: {failed.reason}".strip()
            log.error("the copy may still be there", copy=self._wanted.copy, reason=failed.reason)


@contextlib.contextmanager
def _reason_in(outcome: RehearsalOutcome) -> Any:
    """Whatever is raised is the outcome's reason; nothing hides that a rehearsal failed."""
    try:
        yield
    except (RehearsalError, AwsRefused, AwsUnreachable) as error:
        outcome.reason = f"{error} {outcome.reason}".strip()
    except (Exception, asyncio.CancelledError) as error:
        outcome.reason = f"{type(error).__name__}: {error} {outcome.reason}".strip()
        log.exception("the rehearsal broke off")


async def _run(wanted: RehearsalPlace, service: Service) -> bool:
    """A stop of the task (SIGTERM) breaks off the rehearsal, and deletes the copy first."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    aws = AwsCalls(wanted.region)
    try:
        return await Rehearsing(wanted, service, aws, password=secrets.token_urlsafe(32)).run()
    finally:
        await aws.close()


def main(names: list[str]) -> str | int:
    """0 where all is well, 1 where it isn't; or what is wrong with the call."""
    told = os.environ.get(REHEARSAL_VARIABLE)
    if len(names) != 1 or not told:
        return f"usage: {REHEARSAL_VARIABLE}=... python -m gatehouse_chassis rehearse NAME"
    try:
        service = recover.service_called(names[0])
        wanted = msgspec.json.decode(told, type=RehearsalPlace)
    except (CatalogError, msgspec.MsgspecError) as error:
        return f"{REHEARSAL_VARIABLE}: {error}"
    if not recover.is_recovered(service):
        return f"{service.name} decides nothing that a restore takes back; there is nothing to rehearse."
    logs.configure("restore-rehearsal", terminal=False)
    return 0 if asyncio.run(_run(wanted, service)) else 1
