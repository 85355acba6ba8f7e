"""Who may grant and revoke which roles. Pure functions: no database, no HTTP.

An administrator decides about every role, their own included (it is audited). A coordinator may create accounts, and
decide about `member` and `mentor`, but not for themselves. Changing and archiving accounts takes an administrator:
whoever could change an address could sign in as its owner.
"""

from uuid import UUID

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Forbidden

COORDINATED_ROLES = frozenset({"member", "mentor"})


def refuse_decision(actor: Actor, account_id: UUID, role: str) -> None:
    """Raises Forbidden unless the caller may grant and revoke `role` for this account."""
    if "admin" in actor.roles:
        return
    if role not in COORDINATED_ROLES:
        message = (
            f"A coordinator decides about {' and '.join(sorted(COORDINATED_ROLES))}; {role} takes an administrator."
        )
        raise Forbidden(message)
    if actor.account == account_id:
        raise Forbidden("Only an administrator decides about their own roles.")
