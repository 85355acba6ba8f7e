"""What person is told of an introduction that somebody agreed on by taking a time: it decides about time-outs.

And what it is asked: who holds it, as those who come may not look that up themselves.
"""

from datetime import datetime
from uuid import UUID

from gatehouse_chassis.base.problems import Conflict
from gatehouse_chassis.events import service_token
from gatehouse_chassis.service.client import PeerClient, RequestRefused
from gatehouse_chassis.service.service import ServiceContext
from gatehouse_intake.peers import HostContact


class Appointments:
    def __init__(self, service: ServiceContext) -> None:
        self._service = service

    async def tell(self, person_id: UUID, at: datetime | None) -> None:
        """`at`: None where there is no time any more. Raises Conflict for who awaits no introduction."""
        body = {"at": None if at is None else at.isoformat()}
        address = f"/api/person/people/{person_id}/introduction"
        try:
            await self._client.request("PUT", address, json=body, token=self._token())
        except RequestRefused as refused:
            if refused.answered != 409:
                raise
            raise Conflict(refused.problem.detail if refused.problem is not None else "") from refused

    async def host(self, id: UUID) -> HostContact | None:
        """None: person knows nobody of this id."""
        return await self._client.find(f"/api/person/contacts/{id}", HostContact, token=self._token())

    def _token(self) -> str:
        return service_token.sign(self._service.peer_key, by=self._service.name, to="person")

    @property
    def _client(self) -> PeerClient:
        return self._service.call("person")
