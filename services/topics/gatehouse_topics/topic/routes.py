"""Topics and the resources they are learned from, over HTTP."""

from uuid import UUID

from litestar import Controller, Request, Response, get, patch, post

from gatehouse_chassis import Actor
from gatehouse_chassis.http.etags import IfMatch, has_already, required_version, versioned
from gatehouse_chassis.http.guards import signed_in
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_topics.access import editors
from gatehouse_topics.topic import queries
from gatehouse_topics.topic.queries import TOPIC, TOPICS
from gatehouse_topics.topic.structs import NewTopic, TopicChange, TopicInList, TopicRow, TopicWithResources


class TopicController(Controller):
    path = "/topics"
    tags = ("topics",)

    @get(operation_id="ListTopics", operation_class=TOPICS.operation, summary="List topics", guards=[signed_in])
    async def list_topics(self, request: Request) -> Page[TopicInList]:
        return await TOPICS.page(request.query_params)

    @get("/{id:uuid}", operation_id="GetTopic", summary="Read a topic with its resources", guards=[signed_in])
    async def get_topic(self, request: Request, id: UUID) -> Response[TopicWithResources]:
        row = await TOPIC.get(id)
        settled = has_already(request, row.version) and await queries.topic_settled(id)
        return versioned(await queries.topic_with_resources(row), request if settled else None)

    @post(operation_id="CreateTopic", summary="Add a topic", guards=[editors])
    async def create_topic(self, data: NewTopic, actor: Actor, once: Once) -> Response[TopicWithResources]:
        return await once(queries.create_topic, data, actor)

    @patch("/{id:uuid}", operation_id="ChangeTopic", summary="Change a topic or its resources", guards=[editors])
    async def change_topic(
        self, id: UUID, data: TopicChange, actor: Actor, if_match: IfMatch = None
    ) -> Response[TopicWithResources]:
        return versioned(await queries.change_topic(id, required_version(if_match), data, actor))

    @post(
        "/{id:uuid}/archive",
        operation_id="ArchiveTopic",
        summary="Archive a topic: paths leave it out from then on",
        guards=[editors],
        status_code=200,
    )
    async def archive_topic(self, id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[TopicRow]:
        return versioned(await TOPIC.archive(id, required_version(if_match), by=actor))
