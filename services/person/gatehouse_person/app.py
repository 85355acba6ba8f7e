"""Assembles the person service."""

from litestar import Litestar

from gatehouse_chassis import ServiceContext, create_app
from gatehouse_person.consent_routes import ConsentController
from gatehouse_person.mentoring_routes import MentorAssignmentController
from gatehouse_person.routes import PersonController
from gatehouse_person.tables import DB


def create(service: ServiceContext) -> Litestar:
    return create_app(service, [PersonController, ConsentController, MentorAssignmentController], database=DB)
