"""Takes a sign-up from one state to the next: a job, which may end at any moment and is then repeated.

Each step asks another service for something that the same request twice doesn't do twice, then writes what it learned
in a transaction of its own. So wherever it ends, the next run goes on from there.
"""

from uuid import UUID

from gatehouse_chassis.base.problems import Conflict, Invalid, Unavailable
from gatehouse_chassis.events import service_token
from gatehouse_chassis.jobs.structs import JobRun
from gatehouse_chassis.service.client import PeerClient, RequestRefused, TooLate
from gatehouse_chassis.service.service import ServiceContext
from gatehouse_intake.door.orders import Orders
from gatehouse_intake.door.rules import who_ordered
from gatehouse_intake.peers import InvitationOfPerson, KnownPerson
from gatehouse_intake.sign_up import queries
from gatehouse_intake.sign_up.queries import SIGN_UP
from gatehouse_intake.sign_up.structs import SignUp
from gatehouse_intake.tables import DB

ROLES = ["member"]
"""What somebody may do from their first sign-in on."""

AWAY = "A part of the platform, or the site, doesn't answer. It is tried again by itself."


class Advancing:
    def __init__(self, service: ServiceContext, orders: Orders) -> None:
        self._service = service
        self._orders = orders

    async def advance(self, run: JobRun) -> None:
        """The job. Raises what a service that doesn't answer raises: then it is tried again."""
        sign_up = await SIGN_UP.find(UUID(run.key))
        steps = {"received": self._find_person, "person": self._invite}
        while sign_up is not None and (step := steps.get(sign_up.state)) is not None:
            try:
                sign_up = await step(sign_up)
            except RequestRefused as refused:
                await queries.failed(sign_up.id, _words(refused))
                return
            except (Conflict, Invalid) as refused:
                await queries.failed(sign_up.id, refused.detail or "The order names no e-mail address.")
                return
            except (Unavailable, TooLate):
                await queries.failed(sign_up.id, AWAY)
                raise

    async def _find_person(self, sign_up: SignUp) -> SignUp:
        if sign_up.email is None:
            return await self._read_order(sign_up)
        client, token = self._peer("person")
        body = {"name": sign_up.name, "email": sign_up.email, "time_zone": sign_up.time_zone}
        known = await client.post("/api/person/people/of-sign-ups", KnownPerson, json=body, token=token)
        return await queries.take_person(sign_up.id, known.id, known.status)

    async def _read_order(self, sign_up: SignUp) -> SignUp:
        name, email = who_ordered(await self._orders.get(sign_up.external_id))
        async with DB.transaction():
            return await queries.take_address(sign_up.id, name, email)

    async def _invite(self, sign_up: SignUp) -> SignUp:
        client, token = self._peer("identity")
        body = {"person_id": str(sign_up.person_id), "name": sign_up.name, "email": sign_up.email, "roles": ROLES}
        invited = await client.post("/api/identity/invitations/of-people", InvitationOfPerson, json=body, token=token)
        return await queries.take_invitation(sign_up.id, invited.id)

    def _peer(self, name: str) -> tuple[PeerClient, str]:
        return self._service.call(name), service_token.sign(self._service.peer_key, by=self._service.name, to=name)


def _words(refused: RequestRefused) -> str:
    said = refused.problem.detail if refused.problem is not None else ""
    return f"The service {refused.service} refused it: {said or refused.answered}"[:500]
