"""What can be assigned: asks topics for the resources behind the id of a resource, a topic or a path."""

from typing import TypeVar
from uuid import UUID

from gatehouse_chassis import ServiceContext
from gatehouse_chassis.base.problems import Invalid
from gatehouse_curriculum.curriculum.structs import Assign, ResourceToAssign
from gatehouse_curriculum.peers import Path, Resource, Topic

T = TypeVar("T", Resource, Topic, Path)


class Content:
    def __init__(self, service: ServiceContext) -> None:
        self._service = service

    async def resources(self, assign: Assign, token: str) -> list[ResourceToAssign]:
        """In order. Raises Invalid for what topics doesn't have, Unavailable when it doesn't answer."""
        field, id = assign.subject()
        topics = self._service.call("topics")
        if field == "resource_id":
            resource = _current(await topics.find(f"/api/topics/resources/{id}", Resource, token=token), field, id)
            return [ResourceToAssign(resource.id)]
        if field == "topic_id":
            topic = _current(await topics.find(f"/api/topics/topics/{id}", Topic, token=token), field, id)
            return [ResourceToAssign(resource.id, topic.id) for resource in topic.resources]
        path = _current(await topics.find(f"/api/topics/paths/{id}", Path, token=token), field, id)
        return [
            ResourceToAssign(resource.id, topic.id, path.id)
            for module in path.modules
            for topic in module.topics
            for resource in topic.resources
        ]


def _current(answer: T | None, field: str, id: UUID) -> T:
    """Raises Invalid where topics has no such thing, or an archived one."""
    if answer is None or answer.archived_at is not None:
        raise Invalid({field: f"there is no {field.removesuffix('_id')} {id}, or it is archived"})
    return answer
