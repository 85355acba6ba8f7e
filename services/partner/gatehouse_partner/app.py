"""Assembles the partner service."""

from litestar import Litestar

from gatehouse_chassis import ServiceContext, create_app
from gatehouse_partner.agreement_routes import AgreementController
from gatehouse_partner.contact_routes import ContactController
from gatehouse_partner.routes import PartnerController
from gatehouse_partner.tables import DB


def create(service: ServiceContext) -> Litestar:
    return create_app(service, [PartnerController, ContactController, AgreementController], database=DB)
