"""Assembles the intake service."""

from litestar import Litestar

from gatehouse_chassis import ServiceContext, create_app
from gatehouse_chassis.events.service_token import other_services
from gatehouse_intake.application.admission import MentorAdmission
from gatehouse_intake.application.routes import ApplicationController, link_route
from gatehouse_intake.availability.routes import AvailabilityController
from gatehouse_intake.calendar_feed.routes import CalendarFeedController
from gatehouse_intake.door.form_routes import FormController
from gatehouse_intake.door.orders import Orders
from gatehouse_intake.door.routes import ArrivalController, DoorController
from gatehouse_intake.events import OUTBOX
from gatehouse_intake.form_proof import form_proofs
from gatehouse_intake.form_token import form_tokens
from gatehouse_intake.handlers import HANDLERS
from gatehouse_intake.introduction.people import People
from gatehouse_intake.introduction.routes import IntroductionController
from gatehouse_intake.match.people import Mentorships
from gatehouse_intake.match.routes import MatchController, proposed_times_route, watch_matches
from gatehouse_intake.mentor.routes import MentorController, ask_mentors, pulse_link_route
from gatehouse_intake.sign_up.routes import SignUpController
from gatehouse_intake.slot.appointments import Appointments
from gatehouse_intake.slot.routes import SlotController
from gatehouse_intake.steps import Advancing
from gatehouse_intake.tables import DB

CONTROLLERS = [
    FormController,
    SignUpController,
    IntroductionController,
    ApplicationController,
    ArrivalController,
    DoorController,
    MentorController,
    AvailabilityController,
    MatchController,
    SlotController,
    CalendarFeedController,
]


def create(service: ServiceContext) -> Litestar:
    """The application. Raises CatalogError where form_secret is missing or too short."""
    orders, admission = Orders(service), MentorAdmission(service)
    services = other_services(service.peer_key, to=service.name)
    for_services = [link_route(services), pulse_link_route(services), proposed_times_route(services)]
    app = create_app(
        service,
        [*CONTROLLERS, *for_services],
        database=DB,
        outbox=OUTBOX,
        handlers=HANDLERS,
        jobs={
            "advance": Advancing(service, orders).advance,
            "admit": admission.admit,
            "ask_mentors": ask_mentors,
            "forget_applications": admission.forget,
            "watch_matches": watch_matches,
        },
    )
    app.state.update(
        {
            "appointments": Appointments(service),
            "form_proofs": form_proofs(service),
            "form_tokens": form_tokens(service),
            "mentorships": Mentorships(service),
            "orders": orders,
            "people": People(service),
        }
    )
    return app
