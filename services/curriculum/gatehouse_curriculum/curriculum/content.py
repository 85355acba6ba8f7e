"""What can be assigned: asks topics for the resources behind the id of a resource, a topic or a path."""

from typing import TypeVar
from uuid import UUID

from gatehouse_chassis import ServiceContext
from gatehouse_chassis.base.problems import Invalid
from gatehouse_curriculum.curriculum.structs import Assign, ResourceToAssign
from gatehouse_curriculum.peers import Path, Resource, ResourceOfTopic, Topic, TopicOfPath

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
            return [_to_assign(resource)]
        if field == "topic_id":
            topic = _current(await topics.find(f"/api/topics/topics/{id}", Topic, token=token), field, id)
            return [_to_assign(resource, topic) for resource in topic.resources]
        path = _current(await topics.find(f"/api/topics/paths/{id}", Path, token=token), field, id)
        return [
            _to_assign(resource, topic, path)
            for module in path.modules
            for topic in module.topics
            for resource in topic.resources
        ]


def _to_assign(
    resource: ResourceOfTopic, topic: TopicOfPath | None = None, path: Path | None = None
) -> ResourceToAssign:
    return ResourceToAssign(
        resource_id=resource.id,
        topic_id=topic.id if topic else None,
        path_id=path.id if path else None,
        resource_name=resource.name,
        topic_name=topic.name if topic else None,
        path_name=path.name if path else None,
        skills=tuple(resource.technologies),
    )


def _current(answer: T | None, field: str, id: UUID) -> T:
    """Raises Invalid where topics has no such thing, or an archived one."""
    if answer is None or answer.archived_at is not None:
        raise Invalid({field: f"there is no {field.removesuffix('_id')} {id}, or it is archived"})
    return answer
