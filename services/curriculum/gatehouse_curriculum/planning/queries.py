"""The changes that planning a period makes. The SQL is that of curricula, periods and commitments."""

from datetime import UTC
from uuid import UUID

import msgspec
from msgspec import structs

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict
from gatehouse_curriculum.curriculum.queries import locked, written
from gatehouse_curriculum.curriculum.structs import Curriculum
from gatehouse_curriculum.enumerators import Standing
from gatehouse_curriculum.events import OUTBOX, AtVersion, PeriodIds
from gatehouse_curriculum.period import queries
from gatehouse_curriculum.period.rules import end_after, end_on, usual_days, zone_of
from gatehouse_curriculum.planning import rules
from gatehouse_curriculum.planning.structs import Before, CurriculumAfterCommitting, NewCommitment, NewPeriod
from gatehouse_curriculum.tables import DB


async def commit(
    person: UUID, version: int, actor: Actor, standing: Standing, new: NewPeriod, time_zone: str | None
) -> CurriculumAfterCommitting:
    """Inside a transaction. What is committed already, to the same day, isn't committed again."""
    begun = await locked(person, version, actor, standing)
    zone, begin = zone_of(time_zone), begun.stamp.at
    last = await queries.last_period(begun.row.id)
    commitments = await queries.commitments_of(begun.row.id)
    end = end_on(begin, new.until, zone) if new.until else end_after(begin, usual_days(commitments), zone)
    after = rules.commit(begun.before, new.assignment_ids, begun.stamp)
    listed = [one.id for one in sorted(begun.before, key=lambda one: one.position) if one.state == "now"]
    if (
        last is not None
        and listed == last.assignment_ids == new.assignment_ids
        and last.ends_at.astimezone(zone).date() == end.astimezone(zone).date()
    ):
        return _after(await written(begun, begun.before), last.id)
    id = await queries.commit(
        begun.row.id,
        new.assignment_ids,
        msgspec.to_builtins(rules.before(begun.before, after)),
        at=begin,
        ends_at=end,
        time_zone=zone.key,
        by=actor.account,
        version=begun.row.version + 1,
    )
    curriculum = await written(begun, after, otherwise=True)
    await _publish("curriculum.period.committed", curriculum, id, new.assignment_ids, actor)
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
