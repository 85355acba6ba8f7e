"""A task that sends mails: `python task.py URL NOTES LEASE PAUSE`. Ends when it is killed, or on SIGTERM.

Its mail server takes a mail, and answers after PAUSE seconds. It notes in a file what it accepted.
"""

import asyncio
import signal
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from gatehouse_catalog import find_root
from gatehouse_chassis import ServiceContext
from gatehouse_chassis.jobs.runner import JobRunner
from gatehouse_chassis.jobs.structs import DeclaredJob
from gatehouse_communication.delivery.sending import Sending
from gatehouse_communication.delivery.values import MailValues
from gatehouse_communication.mail.mailer import Handover
from gatehouse_communication.peers import PersonContact
from gatehouse_communication.tables import DB

url, notes, lease, pause = sys.argv[1:]


class Server:
    async def send(self, handover: Handover) -> str:
        with Path(notes).open("a", encoding="ascii") as file:
            file.write(f"accepted {handover.person_id}\n")
        await asyncio.sleep(float(pause))
        return "accepted"


class KnownPeople(MailValues):
    """Person is played here: everybody is called so, and has such an address."""

    async def contact(self, person_id: UUID | None) -> PersonContact:
        assert person_id is not None
        return PersonContact(id=person_id, name="Zoë 🌱 O'Neil", email="zoe+mail@xn--bcher-kva.example")


async def live() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    folder = find_root(Path(__file__)) / "services" / "communication"
    service = ServiceContext.load(folder, {"GATEHOUSE_ENVIRONMENT": "local", "GATEHOUSE_PEER_KEY": "k" * 40})
    await DB.open(url, application_name="test", max_size=3)
    job = DeclaredJob(handler=Sending(service, Server(), KnownPeople(service)).deliver, schedule=None, help="h")
    runner = JobRunner(service, DB, {"deliver": job}, lease=timedelta(seconds=float(lease)))
    runner.start()
    await stop.wait()
    await runner.stop()
    await DB.close()


asyncio.run(live())
