"""On the home page: what a member is learning now."""

from typing import Any

from litestar import Request

from gatehouse_chassis.base.actor import Actor
from gatehouse_portal.areas.learning.view import view_of


async def load(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    """None for who isn't a member."""
    if actor.person is None or "member" not in actor.roles:
        return None
    return {"own": await view_of(request.app.state.peers, actor, actor.person)}
