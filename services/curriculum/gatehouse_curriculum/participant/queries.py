"""All SQL about who changed a curriculum."""

from collections.abc import Sequence
from uuid import UUID

from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import NOW, arg, columns_for
from gatehouse_curriculum import tables
from gatehouse_curriculum.participant.structs import Participant
from gatehouse_curriculum.tables import DB

_PEOPLE = DB.prepare(
    tables.Participant.select(*columns_for(Participant, tables.Participant))
    .where(tables.Participant.curriculum_id == arg(1))
    .order_by(tables.Participant.account_id),
    Participant,
)
_JOIN = DB.prepare(
    InsertOf(
        {
            tables.Participant.curriculum_id: arg(1),
            tables.Participant.account_id: arg(2),
            tables.Participant.person_id: arg(3),
            tables.Participant.standing: arg(4),
        }
    ).on_conflict(
        (tables.Participant.curriculum_id, tables.Participant.account_id),
        "DO UPDATE",
        [
            (tables.Participant.person_id, arg(3)),
            (tables.Participant.standing, arg(4)),
            (tables.Participant.changed_at, NOW),
        ],
    )
)


async def people_of(curriculum: UUID) -> list[Participant]:
    return await _PEOPLE.all(curriculum)


async def joined(curriculum: UUID, people: Sequence[Participant], editor: Participant) -> list[Participant]:
    """These people and the editor, as they are from now on; writes what is new about the editor."""
    if editor in people:
        return list(people)
    await _JOIN.execute(curriculum, editor.account_id, editor.person_id, editor.standing)
    others = [one for one in people if one.account_id != editor.account_id]
    return sorted([*others, editor], key=lambda one: one.account_id)
