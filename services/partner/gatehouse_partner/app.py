"""Assembles the partner service."""

from litestar import Litestar

from gatehouse_chassis import ServiceContext, create_app
from gatehouse_partner.agreement.routes import AgreementController
from gatehouse_partner.contact.routes import ContactController
from gatehouse_partner.events import OUTBOX
from gatehouse_partner.partner.routes import PartnerController
from gatehouse_partner.tables import DB


def create(service: ServiceContext) -> Litestar:
    return create_app(service, [PartnerController, ContactController, AgreementController], database=DB, outbox=OUTBOX)
