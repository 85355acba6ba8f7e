"""The changes that planning a period makes. The SQL is that of curricula, periods and commitments."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import structlog
from msgspec import structs

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, NotFound
from gatehouse_curriculum.curriculum.commands import Change, locked, written
from gatehouse_curriculum.curriculum.structs import Curriculum
from gatehouse_curriculum.enumerators import Standing
from gatehouse_curriculum.events import OUTBOX, AtVersion, PeriodIds
from gatehouse_curriculum.forecast.queries import log_forecast
from gatehouse_curriculum.peers import Agreement
from gatehouse_curriculum.period import queries
from gatehouse_curriculum.period.rules import LONGEST_DAYS, end_after, end_on, usual_days, zone_of
from gatehouse_curriculum.planning import rules
from gatehouse_curriculum.planning.structs import Before, CurriculumAfterCommitting, NewCommitment, NewPeriod
from gatehouse_curriculum.tables import DB

LONGEST = timedelta(days=LONGEST_DAYS)

log = structlog.get_logger()


async def commit(
    person: UUID, version: int, actor: Actor, standing: Standing, new: NewPeriod, time_zone: str | None
) -> CurriculumAfterCommitting:
    """Inside a transaction. What is committed already, to the same day, isn't committed again."""
    begun = await locked(person, version, actor, standing)
    zone, begin = zone_of(time_zone), begun.stamp.at
    commitments = await queries.commitments_of(begun.row.id)
    end = end_on(begin, new.until, zone) if new.until else end_after(begin, usual_days(commitments), zone)
    return await _commit(begun, new.assignment_ids, end, zone)


async def apply_agreement(person: UUID, actor: Actor, agreed: Agreement) -> None:
    """Inside a transaction: what two agreed on at an encounter is the now-list until they meet again.

    What was completed or taken out meanwhile is left out. Somebody without a curriculum, or with an archived one, has
    none afterwards either.
    """
    try:
        begun = await locked(person, None, actor, "mentorship")
    except (NotFound, Conflict) as refused:
        log.info("an agreement isn't applied", person_id=person, kind=type(refused).__name__)
        return
    open_ones = {one.id for one in begun.before if one.state != "completed"}
    listed = [id for id in agreed.assignment_ids if id in open_ones]
    if not listed:
        return
    last = await queries.last_period(begun.row.id)
    zone, begin = zone_of(last.time_zone if last else agreed.time_zone), begun.stamp.at
    end = end_after(begin, usual_days(await queries.commitments_of(begun.row.id)), zone)
    if agreed.until is not None and timedelta() < agreed.until - begin <= LONGEST:
        end = agreed.until
    await _commit(begun, listed, end, zone)


async def _commit(
    begun: Change, assignment_ids: list[UUID], end: datetime, zone: ZoneInfo
) -> CurriculumAfterCommitting:
    last = await queries.last_period(begun.row.id)
    after = rules.commit(begun.before, assignment_ids, begun.stamp)
    listed = [one.id for one in sorted(begun.before, key=lambda one: one.position) if one.state == "now"]
    if (
        last is not None
        and listed == last.assignment_ids == assignment_ids
        and last.ends_at.astimezone(zone).date() == end.astimezone(zone).date()
    ):
        return _after(await written(begun, begun.before), last.id)
    id = await queries.commit(
        begun.row.id,
        assignment_ids,
        msgspec.to_builtins(rules.before(begun.before, after)),
        at=begun.stamp.at,
        ends_at=end,
        time_zone=zone.key,
        by=begun.actor.account,
        version=begun.row.version + 1,
    )
    curriculum = await written(begun, after, otherwise=True)
    await log_forecast(begun.row.id, id, assignment_ids, begun.stamp.at, end)
    await _publish("curriculum.period.committed", curriculum, id, assignment_ids, begun.actor)
    return _after(curriculum, id)


async def undo(person: UUID, version: int, actor: Actor, standing: Standing, period: UUID) -> Curriculum:
    """Raises Conflict unless it is the last period, and nothing has changed since."""
    async with DB.transaction():
        begun = await locked(person, version, actor, standing)
        last = await queries.last_period(begun.row.id)
        if last is None or last.id != period:
            await queries.period_of(begun.row.id, period)
            raise Conflict("Only the last period can be undone.")
        if last.committed_version != begun.row.version:
            raise Conflict("The plan has changed since the period was committed. Commit another list instead.")
        await queries.withdraw(period, begun.stamp.at.astimezone(UTC), actor.account)
        former = msgspec.convert(last.before, list[Before])
        curriculum = await written(begun, rules.undone(begun.before, former), otherwise=True)
        await _publish("curriculum.period.undone", curriculum, period, last.assignment_ids, actor)
    return curriculum


async def state_commitment(
    person: UUID, version: int, actor: Actor, standing: Standing, new: NewCommitment
) -> Curriculum:
    """What is said already isn't said again."""
    async with DB.transaction():
        begun = await locked(person, version, actor, standing)
        commitments = await queries.commitments_of(begun.row.id)
        said = (new.minutes_per_week, new.meets_every_days)
        if commitments and (commitments[-1].minutes_per_week, commitments[-1].meets_every_days) == said:
            return await written(begun, begun.before)
        await queries.state(begun.row.id, *said, at=begun.stamp.at, by=actor.account)
        return await written(begun, begun.before, otherwise=True)


async def _publish(what: str, curriculum: Curriculum, period: UUID, assignments: list[UUID], actor: Actor) -> None:
    ids = PeriodIds(curriculum.person_id, assignments)
    await OUTBOX.publish(what, AtVersion(period, curriculum.version), by=actor, ids=ids)


def _after(curriculum: Curriculum, period: UUID) -> CurriculumAfterCommitting:
    return CurriculumAfterCommitting(**structs.asdict(curriculum), period_id=period)
