"""Assembles the topics service."""

from litestar import Litestar
from litestar.di import Provide

from gatehouse_chassis import ServiceContext, create_app
from gatehouse_chassis.events.service_token import other_services
from gatehouse_topics.events import OUTBOX
from gatehouse_topics.fetch.fetcher import Fetcher
from gatehouse_topics.link_check.jobs import LinkChecking
from gatehouse_topics.link_check.routes import LinkCheckController
from gatehouse_topics.path.routes import PathController
from gatehouse_topics.rating.routes import RatingController
from gatehouse_topics.resource.length_route import length_route
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
        length_route(other_services(service.peer_key, to=service.name)),
    ]
    fetcher = Fetcher()
    return create_app(
        service,
        controllers,
        database=DB,
        outbox=OUTBOX,
        jobs={"check_links": LinkChecking(fetcher).check_links},
        dependencies={"fetcher": Provide(lambda: fetcher, sync_to_thread=False)},
    )
