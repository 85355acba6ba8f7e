"""What can be assigned: asks topics for the resources behind the id of a resource, a topic or a path."""

from typing import Any, TypeVar
from uuid import UUID

from gatehouse_chassis import ServiceContext
from gatehouse_chassis.base.problems import Invalid
from gatehouse_curriculum.curriculum.structs import Assign, Proposal
from gatehouse_curriculum.peers import Path, Resource, Topic

T = TypeVar("T", Resource, Topic, Path)


class Content:
    def __init__(self, service: ServiceContext) -> None:
        self._service = service

    async def proposals(self, assign: Assign, token: str) -> list[Proposal]:
        """In order. Raises Invalid for what topics doesn't have, Unavailable when it doesn't answer."""
        field, id = assign.subject()
        if field == "resource_id":
            return [Proposal((await self._current("resources", id, Resource, field, token)).id)]
        if field == "topic_id":
            topic = await self._current("topics", id, Topic, field, token)
            return [Proposal(resource.id, topic.id) for resource in topic.resources]
        path = await self._current("paths", id, Path, field, token)
        topics = [topic for module in path.modules for topic in module.topics]
        return [Proposal(resource.id, topic.id, path.id) for topic in topics for resource in topic.resources]

    async def _current(self, what: str, id: UUID, shape: type[T], field: str, token: str) -> T:
        client: Any = self._service.call("topics")
        answer = await client.find(f"/api/topics/{what}/{id}", shape, token=token)
        if answer is None or answer.archived_at is not None:
            raise Invalid({field: f"there is no {field.removesuffix('_id')} {id}, or it is archived"})
        return answer
