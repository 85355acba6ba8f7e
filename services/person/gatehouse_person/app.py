"""Assembles the person service."""

from litestar import Litestar

from gatehouse_chassis import ServiceContext, create_app
from gatehouse_chassis.events.service_token import other_services
from gatehouse_person.consent.routes import ConsentController, consent_documents
from gatehouse_person.events import OUTBOX
from gatehouse_person.mentor_assignment.routes import MentorAssignmentController
from gatehouse_person.person.contact_route import contact_route
from gatehouse_person.person.introduction_route import introduction_route
from gatehouse_person.person.jobs import mark_intro_reminders, time_out
from gatehouse_person.person.routes import PersonController
from gatehouse_person.person.sign_up_route import sign_up_route
from gatehouse_person.profile.routes import ProfileController
from gatehouse_person.tables import DB


def create(service: ServiceContext) -> Litestar:
    consents = [ConsentController, consent_documents]
    services = other_services(service.peer_key, to=service.name)
    asked_by_services = [contact_route(services), sign_up_route(services), introduction_route(services)]
    routes = [PersonController, ProfileController, *consents, MentorAssignmentController, *asked_by_services]
    jobs = {"mark_intro_reminders": mark_intro_reminders, "time_out": time_out}
    return create_app(service, routes, database=DB, outbox=OUTBOX, jobs=jobs)
