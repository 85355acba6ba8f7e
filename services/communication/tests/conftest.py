"""The communication service on a real, seeded database, with person and identity played by peers."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest_asyncio

from gatehouse_chassis.events.event import PublishedEvent
from gatehouse_chassis.testing import InProcessClient, Peer, peer, serving
from gatehouse_communication.app import create
from gatehouse_communication.handlers import HANDLERS
from gatehouse_communication.mail.mailer import Handover
from gatehouse_communication.mail_event.topic import MailTopic
from gatehouse_communication.tables import DB

from .mail_event.played_sns import PlayedSns

KEY = "for-tests-only-0123456789-0123456789"


class Mailman:
    """A mailer that a test tells how handovers end. `on_send` is called with the mail accepted or not."""

    def __init__(self) -> None:
        self.sent: list[Handover] = []
        self.fails: Exception | None = None

    async def send(self, handover: Handover) -> str:
        self.sent.append(handover)
        if self.fails is not None:
            raise self.fails
        return f"accepted-{len(self.sent)}"


class Office:
    """The service under test, and what surrounds it."""

    def __init__(
        self,
        service: InProcessClient,
        mailman: Mailman,
        *,
        people: Peer,
        identity: Peer,
        intake: Peer,
        ledger: Peer,
        encounters: Peer,
    ) -> None:
        self.service, self.mailman, self.people, self.identity, self.intake = service, mailman, people, identity, intake
        self.ledger, self.encounters = ledger, encounters

    sns: PlayedSns

    def knows(self, person: UUID, name: str = "Ada", email: str = "ada@example.org", **more: Any) -> UUID:
        contact = {"id": str(person), "name": name, "email": email, "preferred_name": None, "archived_at": None}
        self.people.answers["GET", f"/api/person/contacts/{person}"] = (200, contact | more)
        return person

    async def hears(self, handler: str, *, about: UUID | None = None, **ids: Any) -> PublishedEvent:
        """One event, as the reader gives it to its handler. `about`: its subject."""
        event = PublishedEvent(
            epoch=1,
            tx=1,
            id=uuid4(),
            type="person.mentoring.started",
            subject_id=about or uuid4(),
            subject_version=1,
            at=await DB.now(),
            ids={name: str(value) if isinstance(value, UUID) else value for name, value in ids.items()},
        )
        async with DB.transaction():
            await HANDLERS[handler].apply(event, None)
        return event

    async def hears_again(self, handler: str, event: PublishedEvent) -> None:
        async with DB.transaction():
            await HANDLERS[handler].apply(event, None)

    async def decides(self, mail: dict[str, Any], what: str) -> httpx.Response:
        """A coordinator about one mail."""
        version = f'"{mail["version"]}"'
        headers = self.service.by("coordinator", if_match=version)
        return await self.service.post(f"/api/communication/deliveries/{mail['id']}/{what}", headers=headers)

    async def event_ids(self, name: str, subject: str) -> dict[str, Any]:
        """The ids of the newest event of this type about this subject."""
        text = "select ids from communication.event where type = $1 and subject_id = $2 order by id desc limit 1"
        return await DB.fetchval(text, name, UUID(subject))

    async def pair(self, **about_member: Any) -> tuple[UUID, UUID]:
        """A member and a mentor who were just brought together."""
        member, mentor = self.knows(uuid4(), **about_member), self.knows(uuid4(), "Mara", "mara@example.org")
        await self.hears("mentoring_started", member_id=member, mentor_id=mentor)
        return member, mentor

    async def works(self) -> None:
        """Jobs that are due run; those that failed are due later."""
        await self.service.app.state.jobs.run_due()

    async def mails_of(self, person: UUID, **headers: str) -> list[dict[str, Any]]:
        answer = await self.service.get(
            "/api/communication/deliveries", params={"person": str(person)}, headers=self.service.by("coordinator")
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    async def retried(self) -> None:
        """What failed is due now."""
        await DB.execute("update communication.job set due_at = now() where name = 'deliver'")
        await self.works()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(postgres: Any, database_url: str) -> AsyncGenerator[Office]:
    mailman = Mailman()
    async with peer() as people, peer() as identity, peer() as intake, peer() as ledger, peer() as encounters:
        environ = {
            "GATEHOUSE_URL_PERSON": people.url,
            "GATEHOUSE_URL_IDENTITY": identity.url,
            "GATEHOUSE_URL_ENCOUNTER": encounters.url,
            "GATEHOUSE_URL_INTAKE": intake.url,
            "GATEHOUSE_URL_LEDGER": ledger.url,
            "GATEHOUSE_PEER_KEY": KEY,
            "GATEHOUSE_PUBLIC_URL": "https://gate.example.org",
        }
        url = postgres.role_url(database_url, "communication_service")
        sns = PlayedSns()
        topic = MailTopic(sns.arn, sns.transport, sns.now)
        made = serving("communication", lambda one: create(one, mailman, topic), database_url=url, environ=environ)
        async with made as service:
            office = Office(
                service,
                mailman,
                people=people,
                identity=identity,
                intake=intake,
                ledger=ledger,
                encounters=encounters,
            )
            office.sns = sns
            yield office


@pytest_asyncio.fixture(loop_scope="module")
async def office(running: Office) -> AsyncIterator[Office]:
    running.mailman.sent.clear()
    running.mailman.fails = None
    yield running
