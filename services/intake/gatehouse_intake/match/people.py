"""What person knows of those who could learn together, read and changed with the caller's own rights."""

from collections.abc import Sequence
from uuid import UUID

from gatehouse_chassis.base.problems import Conflict
from gatehouse_chassis.service.client import PeerClient, RequestRefused
from gatehouse_chassis.service.service import ServiceContext
from gatehouse_intake.peers import Candidate, Candidates, OpenMentorship, OpenMentorships

WAITING = "matching"
MOST = 200
ASKED_AT_ONCE = 50
"""Ids in the address of one question."""


class Mentorships:
    def __init__(self, service: ServiceContext) -> None:
        self._service = service

    async def mentor(self, id: UUID) -> Candidate:
        return await self._client.get(f"/api/person/people/{id}", Candidate)

    async def waiting(self) -> list[Candidate]:
        """Who waits for a mentor."""
        found = await self._client.get("/api/person/people", Candidates, params={"status": WAITING, "limit": str(MOST)})
        return found.items

    async def mentored(self, members: Sequence[UUID]) -> set[UUID]:
        """Those of them who have a mentor, whatever their status says."""
        found: set[UUID] = set()
        for first in range(0, len(members), ASKED_AT_ONCE):
            asked = [str(one) for one in members[first : first + ASKED_AT_ONCE]]
            params = {"member": asked, "ended": "false", "limit": str(ASKED_AT_ONCE)}
            page = await self._client.get("/api/person/mentor-assignments", OpenMentorships, params=params)
            found.update(one.member_id for one in page.items)
        return found

    async def members_of(self, mentor_id: UUID) -> int:
        """How many members somebody mentors now."""
        params = {"mentor": str(mentor_id), "ended": "false", "total": "true", "limit": "1"}
        found = await self._client.get("/api/person/mentor-assignments", OpenMentorships, params=params)
        return found.total or 0

    async def begin(self, match_id: UUID, mentor_id: UUID, member_id: UUID) -> None:
        """The member has this mentor and takes part; the same again changes nothing.

        Raises Conflict with person's words where it can't be.
        """
        body = {"mentor_id": str(mentor_id), "member_id": str(member_id)}
        try:
            await self._client.post(
                "/api/person/mentor-assignments", OpenMentorship, json=body, idempotency_key=f"match-{match_id}"
            )
            await self._take_part(member_id)
        except RequestRefused as refused:
            if refused.answered not in (400, 409, 412):
                raise
            raise Conflict(refused.problem.detail if refused.problem is not None else "") from refused

    async def _take_part(self, id: UUID) -> None:
        person = await self._client.get(f"/api/person/people/{id}", Candidate)
        if person.status == WAITING:
            headers = {"If-Match": f'"{person.version}"'}
            address = f"/api/person/people/{id}/status"
            await self._client.request("POST", address, json={"status": "active"}, headers=headers)

    @property
    def _client(self) -> PeerClient:
        return self._service.call("person")
