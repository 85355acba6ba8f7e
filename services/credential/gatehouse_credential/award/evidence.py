"""What a certificate can rest on: completed items and meetings, read with the caller's own rights."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import msgspec

from gatehouse_chassis import ServiceContext
from gatehouse_chassis.base.problems import ApiProblem, Conflict, Forbidden, Invalid, Unavailable
from gatehouse_chassis.service.client import RequestRefused, TooLate
from gatehouse_credential.achievement.structs import Achievement
from gatehouse_credential.award.structs import ChosenEvidence, Evidence, OfferedEvidence, OfferedEvidenceList
from gatehouse_credential.peers import CompletedItems, HeldEncounters, NamedPerson

MOST_MEETINGS = 50
NEWEST = 12
"""So many are chosen for an achievement that names no skill."""
LONGEST_NAME = 300


class EvidenceSources:
    def __init__(self, service: ServiceContext) -> None:
        self._service = service

    async def person(self, id: UUID) -> NamedPerson:
        """Raises NotFound for whom the caller doesn't see."""
        return await self._service.call("person").get(f"/api/person/people/{id}", NamedPerson)

    async def offered(self, person: UUID, achievement: Achievement) -> OfferedEvidenceList:
        """All that the caller sees, the newest first. What fits the achievement's skills is marked; where it names
        none, the newest are."""
        sources = {"curriculum": self._items(person, achievement), "encounter": self._meetings(person)}
        answers = await asyncio.gather(*sources.values(), return_exceptions=True)
        items: list[OfferedEvidence] = []
        missing = []
        for name, answer in zip(sources, answers, strict=True):
            if isinstance(answer, BaseException):
                if not isinstance(answer, Unavailable | TooLate | RequestRefused):
                    raise answer
                missing.append(name)
            else:
                items += answer
        items.sort(key=lambda one: one.at, reverse=True)
        if not achievement.skills:  # then all fit; the newest say most
            items[NEWEST:] = [msgspec.structs.replace(one, fits=False) for one in items[NEWEST:]]
        return OfferedEvidenceList(items=items, missing=missing)

    async def chosen(self, person: UUID, achievement: Achievement, wanted: Sequence[ChosenEvidence]) -> list[Evidence]:
        """As it is called where it is kept. Raises Invalid for what isn't there, Unavailable where that isn't known."""
        if not wanted:
            return []
        found = await self.offered(person, achievement)
        known = {(one.kind, one.id): one for one in found.items}
        missing = [one for one in wanted if (one.kind, one.id) not in known]
        if missing and found.missing:
            raise Unavailable(f"The evidence can't be read now: {' and '.join(found.missing)} doesn't answer.")
        if missing:
            raise Invalid({"evidence": f"there is no {missing[0].kind} {missing[0].id} of this person that is done"})
        listed = dict.fromkeys((one.kind, one.id) for one in wanted)
        return [Evidence(kind=one.kind, id=one.id, name=one.name, at=one.at) for one in map(known.__getitem__, listed)]

    async def raise_mastery(self, person: UUID, mastery: str) -> None:
        """With the caller's own rights. Raises Conflict with person's words where it can't be."""
        client = self._service.call("person")
        address = f"/api/person/people/{person}"
        try:
            known = await client.get(address, NamedPerson)
            if known.mastery != mastery:
                await client.patch(address, NamedPerson, json={"mastery": mastery}, version=known.version)
        except RequestRefused as refused:
            said = refused.problem.detail if refused.problem is not None else ""
            raise _refusal(refused.answered, said) from refused

    async def _items(self, person: UUID, achievement: Achievement) -> list[OfferedEvidence]:
        client = self._service.call("curriculum")
        found = await client.find(f"/api/curriculum/curricula/{person}", CompletedItems)
        wanted = {skill.lower() for skill in achievement.skills}
        return [
            OfferedEvidence(
                kind="item",
                id=one.id,
                name=(one.resource_name or "Something that was completed")[:LONGEST_NAME],
                at=one.completed_at,
                fits=not wanted or not wanted.isdisjoint(skill.lower() for skill in one.skills),
            )
            for one in (found.completed if found is not None else ())
            if one.completed_at is not None
        ]

    async def _meetings(self, person: UUID) -> list[OfferedEvidence]:
        client = self._service.call("encounter")
        params = {"member": str(person), "state": "finished", "limit": str(MOST_MEETINGS)}
        found = await client.get("/api/encounter/encounters", HeldEncounters, params=params)
        return [
            OfferedEvidence(
                kind="encounter", id=one.id, name=one.script_name[:LONGEST_NAME], at=one.held_from, fits=True
            )
            for one in found.items
            if one.held_from is not None
        ]


def _refusal(status: int, said: str) -> ApiProblem:
    if status in (403, 404):
        return Forbidden(said or "You may not change this person's level.")
    return Conflict(said or "This person's level can't be changed now.")
