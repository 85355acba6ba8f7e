"""Outside of the local environment there is no mailbox, whoever asks, and mails leave."""

from uuid import uuid4

import pytest

from gatehouse_chassis.testing import serving
from gatehouse_communication.app import _mailer, create
from gatehouse_communication.mail.ses import SesMailer

API = "/api/communication/mailbox"
PEERS = ("CREDENTIAL", "PERSON", "IDENTITY", "CURRICULUM", "ENCOUNTER", "INTAKE", "LEDGER")
ELSEWHERE = {
    "GATEHOUSE_PEER_KEY": "k" * 40,
    **{f"GATEHOUSE_URL_{name}": "http://127.0.0.1:9" for name in PEERS},
}


@pytest.mark.parametrize("environment", ["dev", "test", "staging", "production"])
async def test_elsewhere_there_is_no_mailbox_and_mails_leave_by_ses(postgres, database_url, environment):
    url = postgres.role_url(database_url, "communication_service")
    environ = {"GATEHOUSE_ENVIRONMENT": environment, **ELSEWHERE}
    async with serving("communication", create, database_url=url, environ=environ) as service:
        for path in (API, f"{API}/{uuid4()}"):
            answer = await service.get(path, headers=service.by("admin"))
            assert answer.status_code == 404
        assert isinstance(_mailer(service.app.state.service), SesMailer)
