"""Assembles the communication service."""

from litestar import Litestar

from gatehouse_chassis import ServiceContext, create_app
from gatehouse_communication.delivery.routes import DeliveryController
from gatehouse_communication.delivery.sending import Sending
from gatehouse_communication.events import OUTBOX
from gatehouse_communication.handlers import HANDLERS
from gatehouse_communication.mail.mailer import Mailer
from gatehouse_communication.mail.ses import SesMailer
from gatehouse_communication.mail_choice.routes import MailChoiceController
from gatehouse_communication.mailbox.queries import LocalMailbox
from gatehouse_communication.mailbox.routes import MailboxController
from gatehouse_communication.notification.routes import NotificationController
from gatehouse_communication.suppression.routes import SuppressionController
from gatehouse_communication.tables import DB
from gatehouse_communication.template.routes import TemplateController

CONTROLLERS = [
    NotificationController,
    MailChoiceController,
    DeliveryController,
    TemplateController,
    SuppressionController,
    MailboxController,
]


def create(service: ServiceContext, mailer: Mailer | None = None) -> Litestar:
    """The application. `mailer` is for tests: locally mails stay in the mailbox, elsewhere they leave by SES."""
    sending = Sending(service, mailer or _mailer(service))
    return create_app(
        service, CONTROLLERS, database=DB, outbox=OUTBOX, handlers=HANDLERS, jobs={"deliver": sending.deliver}
    )


def _mailer(service: ServiceContext) -> Mailer:
    if service.environment == "local":
        return LocalMailbox()
    return SesMailer(service.settings.text("mail_configuration_set"))
