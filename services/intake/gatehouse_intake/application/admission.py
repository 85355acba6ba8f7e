"""Makes an accepted applicant a mentor: a job, each of whose steps may be repeated."""

from uuid import UUID

import msgspec

from gatehouse_chassis.base.problems import Unavailable
from gatehouse_chassis.events import service_token
from gatehouse_chassis.jobs.structs import JobRun
from gatehouse_chassis.service.client import RequestRefused, TooLate
from gatehouse_chassis.service.service import ServiceContext
from gatehouse_intake.application import queries
from gatehouse_intake.application.queries import APPLICATION
from gatehouse_intake.mentor.queries import begin_mentor
from gatehouse_intake.peers import InvitationOfPerson, KnownPerson

ROLES = ["mentor"]
MENTORS = "active"
"""The status in which somebody can be given members."""
AWAY = "A part of the platform doesn't answer. It is tried again by itself."
SIGNS_IN = "They sign in here already: give them the role of a mentor on the page of their account."
OTHER_STATUS = "They are known here already and {}: make them active on their page, if they are to have members."


class MentorAdmission:
    def __init__(self, service: ServiceContext) -> None:
        self._service = service

    async def admit(self, run: JobRun) -> None:
        """The job. Raises what a service that doesn't answer raises: then it is tried again."""
        row = await APPLICATION.find(UUID(run.key))
        if row is None or row.state != "accepted":
            return
        try:
            body = {
                "name": row.name,
                "email": row.email,
                "time_zone": row.time_zone,
                "status": MENTORS,
                "consents": msgspec.to_builtins(row.consents),
            }
            person = await self._service.call("person").post(
                "/api/person/people/of-sign-ups", KnownPerson, json=body, token=self._token("person")
            )
            new = {"person_id": str(person.id), "name": row.name, "email": row.email, "roles": ROLES}
            invited = await self._service.call("identity").post(
                "/api/identity/invitations/of-people", InvitationOfPerson, json=new, token=self._token("identity")
            )
        except RequestRefused as refused:
            said = refused.problem.detail if refused.problem is not None else refused.answered
            await queries.note(row.id, problem=f"The service {refused.service} refused it: {said}"[:500])
            return
        except (Unavailable, TooLate):
            await queries.note(row.id, problem=AWAY)
            raise
        await begin_mentor(person.id, row.hours_month)
        problem = None if person.status == MENTORS else OTHER_STATUS.format(person.status)
        problem = SIGNS_IN if invited.state == "signed_in" else problem
        await queries.note(row.id, person_id=person.id, problem=problem)

    async def forget(self, run: JobRun) -> None:
        """The job: what was never confirmed goes after 7 days, what was declined after a year."""
        await queries.forget(run.now)

    def _token(self, to: str) -> str:
        return service_token.sign(self._service.peer_key, by=self._service.name, to=to)
