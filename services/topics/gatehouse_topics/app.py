"""Puts the service topics together."""

from litestar import Litestar

from gatehouse_chassis import ServiceContext, create_app
from gatehouse_topics.routes.paths import PathsController
from gatehouse_topics.routes.resources import ResourcesController
from gatehouse_topics.routes.skills import SkillsController
from gatehouse_topics.routes.topics import TopicsController
from gatehouse_topics.tables import DB


def create(service: ServiceContext) -> Litestar:
    routes = [ResourcesController, SkillsController, TopicsController, PathsController]
    return create_app(service, routes=routes, database=DB)
