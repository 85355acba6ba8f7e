"""Assembles the topics service."""

from litestar import Litestar

from gatehouse_chassis import ServiceContext, create_app
from gatehouse_topics.events import OUTBOX
from gatehouse_topics.link_check.routes import LinkCheckController
from gatehouse_topics.path.routes import PathController
from gatehouse_topics.rating.routes import RatingController
from gatehouse_topics.resource.routes import LinkController, ResourceController
from gatehouse_topics.skill.routes import SkillController
from gatehouse_topics.tables import DB
from gatehouse_topics.topic.routes import TopicController


def create(service: ServiceContext) -> Litestar:
    controllers = [
        ResourceController,
        LinkController,
        LinkCheckController,
        RatingController,
        SkillController,
        TopicController,
        PathController,
    ]
    return create_app(service, controllers, database=DB, outbox=OUTBOX)
