"""Assembles the intake service."""

from litestar import Litestar

from gatehouse_chassis import ServiceContext, create_app
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


def create(service: ServiceContext) -> Litestar:
    """The application. Raises CatalogError where a secret is missing or can't be used."""
    orders = Orders(service)
    app = create_app(
        service,
        [FormController, SignUpController, IntroductionController, ArrivalController, DoorController],
        database=DB,
        outbox=OUTBOX,
        handlers=HANDLERS,
        jobs={"advance": Advancing(service, orders).advance},
    )
    app.state.update({"form_tokens": form_tokens(service), "orders": orders, "people": People(service)})
    return app
