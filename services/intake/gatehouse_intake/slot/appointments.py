"""What person is told of an introduction that somebody agreed on by taking a time: it decides about time-outs."""

from datetime import datetime
from uuid import UUID

from gatehouse_chassis.base.problems import Conflict
from gatehouse_chassis.events import service_token
from gatehouse_chassis.service.client import PeerClient, RequestRefused
from gatehouse_chassis.service.service import ServiceContext


class Appointments:
    def __init__(self, service: ServiceContext) -> None:
        self._service = service

    async def tell(self, person_id: UUID, at: datetime | None) -> None:
        """`at`: None where there is no time any more. Raises Conflict for who awaits no introduction."""
        token = service_token.sign(self._service.peer_key, by=self._service.name, to="person")
        body = {"at": None if at is None else at.isoformat()}
        address = f"/api/person/people/{person_id}/introduction"
        try:
            await self._client.request("PUT", address, json=body, token=token)
        except RequestRefused as refused:
            if refused.answered != 409:
                raise
            raise Conflict(refused.problem.detail if refused.problem is not None else "") from refused

    @property
    def _client(self) -> PeerClient:
        return self._service.call("person")
