"""Assembles the intake service."""

from litestar import Litestar

from gatehouse_chassis import ServiceContext, create_app
from gatehouse_chassis.events.service_token import other_services
from gatehouse_intake.application.admission import MentorAdmission
from gatehouse_intake.application.routes import ApplicationController, link_route
from gatehouse_intake.door.form_routes import FormController
from gatehouse_intake.door.orders import Orders
from gatehouse_intake.door.routes import ArrivalController, DoorController
from gatehouse_intake.events import OUTBOX
from gatehouse_intake.form_token import form_tokens
from gatehouse_intake.handlers import HANDLERS
from gatehouse_intake.introduction.people import People
from gatehouse_intake.introduction.routes import IntroductionController
from gatehouse_intake.sign_up.routes import SignUpController
from gatehouse_intake.steps import Advancing
from gatehouse_intake.tables import DB

CONTROLLERS = [
    FormController,
    SignUpController,
    IntroductionController,
    ApplicationController,
    ArrivalController,
    DoorController,
]


def create(service: ServiceContext) -> Litestar:
    """The application. Raises CatalogError where form_secret is missing or too short."""
    orders, admission = Orders(service), MentorAdmission(service)
    links = link_route(other_services(service.peer_key, to=service.name))
    app = create_app(
        service,
        [*CONTROLLERS, links],
        database=DB,
        outbox=OUTBOX,
        handlers=HANDLERS,
        jobs={
            "advance": Advancing(service, orders).advance,
            "admit": admission.admit,
            "forget_applications": admission.forget,
        },
    )
    app.state.update({"form_tokens": form_tokens(service), "orders": orders, "people": People(service)})
    return app
