"""All SQL about personas: the accounts of the test data that one may sign in as, locally."""

from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_identity.account.queries import OPEN_ROLES
from gatehouse_identity.persona.structs import Persona
from gatehouse_identity.tables import DB, Account

PERSONAS = DB.prepare(
    Account.select(
        *columns_for(Persona, Account, key="persona", title="coalesce(persona_title, '')", roles=OPEN_ROLES),
    )
    .where(Account.persona.is_not_null() & Account.archived_at.is_null())
    .order_by(Account.name),
    Persona,
)
PERSONA_ACCOUNT = DB.prepare(
    Account.select(Account.id).where((Account.persona == arg(1)) & Account.archived_at.is_null())
)
