"""All SQL about personas: the accounts of the test data that one may sign in as, locally."""

# ruff: noqa: S608 - the only texts put in are constants of this file

from gatehouse_identity.account.queries import OPEN_ROLES
from gatehouse_identity.persona.structs import Persona
from gatehouse_identity.tables import DB

PERSONAS = DB.prepare(
    f"select persona as key, name, coalesce(persona_title, '') as title, {OPEN_ROLES} as roles from identity.account "
    "where persona is not null and archived_at is null order by name",
    Persona,
)
PERSONA_ACCOUNT = DB.prepare("select id from identity.account where persona = $1 and archived_at is null")
