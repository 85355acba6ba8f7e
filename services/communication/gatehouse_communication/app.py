"""Assembles the communication service."""

from litestar import Litestar

from gatehouse_catalog.structs import MAIL_TOPIC
from gatehouse_chassis import ServiceContext, create_app
from gatehouse_communication.delivery.digest import weekly_digest
from gatehouse_communication.delivery.routes import DeliveryController
from gatehouse_communication.delivery.sending import Sending
from gatehouse_communication.events import OUTBOX
from gatehouse_communication.handlers import HANDLERS
from gatehouse_communication.mail.mailer import Mailer
from gatehouse_communication.mail.ses import SesMailer
from gatehouse_communication.mail_choice.routes import MailChoiceController
from gatehouse_communication.mail_event.routes import tell_of_mails
from gatehouse_communication.mail_event.topic import MailTopic
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


def create(service: ServiceContext, mailer: Mailer | None = None, topic: MailTopic | None = None) -> Litestar:
    """The application. `mailer` and `topic` are for tests: locally mails stay in the mailbox, elsewhere they leave by
    SES, and the topic of the settings tells what became of them."""
    sending = Sending(service, mailer or _mailer(service))
    app = create_app(
        service,
        [*CONTROLLERS, tell_of_mails],
        database=DB,
        outbox=OUTBOX,
        handlers=HANDLERS,
        jobs={"deliver": sending.deliver, "weekly_digest": weekly_digest},
    )
    app.state["mail_topic"] = topic or MailTopic(service.settings.text(MAIL_TOPIC))
    return app


def _mailer(service: ServiceContext) -> Mailer:
    if service.environment == "local":
        return LocalMailbox()
    return SesMailer(service.settings.text("mail_configuration_set"))
