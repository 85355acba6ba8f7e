"""What two agreed on at an encounter becomes the now-list, once."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from gatehouse_chassis.events.event import PublishedEvent
from gatehouse_chassis.testing import InProcessClient, Peer, account_id
from gatehouse_curriculum.planning.agreements import agreement_handler
from gatehouse_curriculum.tables import DB

from ..conftest import MARA, Headers
from ..curriculum.test_commands import Editor


class Meeting:
    """An encounter that was finished, as encounter tells of it; `happens` handles its event."""

    def __init__(self, editor: Editor, encounter: Peer, service: InProcessClient) -> None:
        self.id = uuid4()
        self.editor = editor
        self._encounter = encounter
        self._handler = agreement_handler(service.app.state.service)

    async def happens(self, ids: list[str], until: datetime | None = None) -> Any:
        body = {"assignment_ids": ids, "until": until and until.isoformat(), "time_zone": "Europe/Oslo"}
        self._encounter.answers["GET", f"/api/encounter/agreements/{self.id}"] = (200, body)
        event = PublishedEvent(
            epoch=1,
            tx=1,
            id=uuid4(),
            type="encounter.finished",
            subject_id=self.id,
            subject_version=3,
            at=datetime.now(UTC),
            actor_id=UUID(account_id(1)),
            ids={"member_id": self.editor.seen["person_id"], "mentor_id": MARA, "assignment_ids": ids},
        )
        assert self._handler.prepare is not None
        prepared = await self._handler.prepare(event)
        async with DB.transaction():
            await self._handler.apply(event, prepared)
        return await self.editor.read()


@pytest.fixture
async def meeting(curriculum: InProcessClient, coordinator: Headers, empty: Any, encounter: Peer) -> Meeting:
    editor = Editor(curriculum, coordinator, await empty())
    await editor.read()
    await editor.assign(1, 2, 3, 4, 5, state="next")
    return Meeting(editor, encounter, curriculum)


async def test_the_agreed_list_is_planned_until_the_two_meet_again(meeting: Meeting) -> None:
    ids = [meeting.editor.id_of(number) for number in (4, 2)]
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=9, hours=3)
    after = await meeting.happens(ids, until)
    assert [one["id"] for one in after["now"]] == ids
    assert datetime.fromisoformat(after["planning"]["period"]["ends_at"]) == until
    assert after["planning"]["period"]["committed_by"] == account_id(1)
    assert {one["standing"] for one in after["people"] if one["account_id"] == account_id(1)} == {"mentorship"}
    again = await meeting.happens(ids, until)
    assert again["version"] == after["version"]


async def test_what_is_done_or_gone_meanwhile_is_left_out(meeting: Meeting) -> None:
    done, gone, left = (meeting.editor.id_of(number) for number in (1, 2, 3))
    await meeting.editor.send(f"assignments/{done}/complete")
    await meeting.editor.send(f"assignments/{gone}/unassign")
    after = await meeting.happens([done, gone, left, str(uuid4())])
    assert [one["id"] for one in after["now"]] == [left]
    begun, ends = (datetime.fromisoformat(after["planning"]["period"][name]) for name in ("committed_at", "ends_at"))
    assert timedelta(days=6) < ends - begun < timedelta(days=8)
    nothing = await meeting.happens([done])
    assert nothing["version"] == after["version"]


async def test_an_archived_curriculum_stays_as_it_is(meeting: Meeting) -> None:
    ids = [meeting.editor.id_of(1)]
    assert (await meeting.editor.send("archive")).status_code == 200
    before = await meeting.editor.read()
    assert await meeting.happens(ids) == before
