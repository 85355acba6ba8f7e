"""What person knows of an introduction, changed with the caller's own rights: it decides about time-outs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from gatehouse_chassis.base.problems import Conflict, StaleVersion
from gatehouse_chassis.service.client import PeerClient, RequestRefused
from gatehouse_chassis.service.service import ServiceContext
from gatehouse_intake.peers import IntroducedPerson

AWAITED = ("pending", "onboarding")
WAITS_FOR_MENTOR = "matching"


class People:
    def __init__(self, service: ServiceContext) -> None:
        self._service = service

    async def schedule(self, person_id: UUID, at: datetime) -> None:
        """Raises Conflict where person knows them as somebody who awaits no introduction, such as one who timed out."""
        person = await self._read(person_id)
        if person.status not in AWAITED:
            raise Conflict(f"This person is {person.status}: change their status first.")
        if person.intro_scheduled_for != at:
            await self._change(person, {"intro_scheduled_for": at.isoformat()})

    async def hold(self, person_id: UUID, at: datetime) -> None:
        """The introduction was held: they wait for a mentor. What is so already stays."""
        person = await self._read(person_id)
        if person.intro_held_at is None:
            person = await self._change(person, {"intro_held_at": at.isoformat()})
        if person.status == "pending":
            person = await self._move(person, "onboarding")
        if person.status == "onboarding":
            await self._move(person, WAITS_FOR_MENTOR)

    @property
    def _client(self) -> PeerClient:
        return self._service.call("person")

    async def _read(self, id: UUID) -> IntroducedPerson:
        return await self._client.get(f"/api/person/people/{id}", IntroducedPerson)

    async def _change(self, person: IntroducedPerson, values: Mapping[str, Any]) -> IntroducedPerson:
        address = f"/api/person/people/{person.id}"
        try:
            return await self._client.patch(address, IntroducedPerson, json=values, version=person.version)
        except RequestRefused as refused:
            raise _as_said(refused) from refused

    async def _move(self, person: IntroducedPerson, status: str) -> IntroducedPerson:
        address, headers = f"/api/person/people/{person.id}/status", {"If-Match": f'"{person.version}"'}
        try:
            await self._client.request("POST", address, json={"status": status}, headers=headers)
        except RequestRefused as refused:
            raise _as_said(refused) from refused
        return await self._read(person.id)


def _as_said(refused: RequestRefused) -> Exception:
    """Somebody else changed the person meanwhile, or their rules don't allow it."""
    said = refused.problem.detail if refused.problem is not None else ""
    if refused.answered == 412:
        return StaleVersion("Somebody else changed this person meanwhile. Look again.")
    return Conflict(said) if refused.answered == 409 else refused
