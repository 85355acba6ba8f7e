"""When an invitation is good. Pure functions: no database, no HTTP."""

from datetime import datetime

from gatehouse_chassis.base.problems import Conflict
from gatehouse_identity.invitation.structs import HeldInvitation, Invitation, InvitationState


def state_of(invitation: Invitation | HeldInvitation, now: datetime) -> InvitationState:
    if invitation.used_at is not None:
        return "used"
    if invitation.withdrawn_at is not None:
        return "withdrawn"
    if invitation.expires_at is not None and invitation.expires_at <= now:
        return "expired"
    return "open"


def refuse_ended(invitation: Invitation) -> None:
    """Raises Conflict for one that was used or withdrawn; an expired one can be sent again."""
    if invitation.used_at is not None:
        raise Conflict("This invitation was used: the person signs in without it.")
    if invitation.withdrawn_at is not None:
        raise Conflict("This invitation was withdrawn; invite the person again.")
