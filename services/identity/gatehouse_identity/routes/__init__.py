"""Identity's routes, a file for each aggregate. They translate HTTP; the rules stand beside this folder."""

from gatehouse_identity.routes.accounts import Accounts, get_me
from gatehouse_identity.routes.grants import Grants
from gatehouse_identity.routes.keys import Keys, get_jwks
from gatehouse_identity.routes.service_clients import Clients, issue_service_token
from gatehouse_identity.routes.sessions import MySessions
from gatehouse_identity.routes.sign_in import Personas, SignInPages
from gatehouse_identity.routes.trail import list_audit_entries

ROUTES = [
    SignInPages,
    Personas,
    MySessions,
    get_me,
    Accounts,
    Grants,
    Clients,
    issue_service_token,
    Keys,
    get_jwks,
    list_audit_entries,
]
