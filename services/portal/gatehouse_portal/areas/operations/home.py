"""On the home page of operators: whether every service is healthy."""

from typing import Any

from litestar import Request

from gatehouse_chassis.base.actor import OPERATOR_ROLES, Actor


async def load(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    """None for who isn't an operator."""
    if not actor.has(*OPERATOR_ROLES):
        return None
    return {"services": await request.app.state.status_probe.all(actor.token)}
