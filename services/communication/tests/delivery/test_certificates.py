"""Who has a new certificate gets one mail, which says where it is, and not what it is for."""

from typing import Any
from uuid import uuid4


async def test_a_certificate_is_told_of_once(office: Any) -> None:
    person, award = office.knows(uuid4(), "Nguyễn Thị O'Neil 🌱", "thi@example.org"), uuid4()
    event = await office.hears("certificate_issued", about=award, person_id=person, achievement_id=uuid4())
    await office.hears_again("certificate_issued", event)
    await office.works()
    (mail,) = await office.mails_of(person)
    assert (mail["kind"], mail["state"]) == ("certificate_issued", "sent")
    text = office.mailman.sent[-1].message.get_body(("plain",)).get_content()
    assert f"/certificates/{award}" in text
    assert "Nobody else sees it" in text


async def test_one_that_is_taken_back_is_told_of_in_the_portal_only(office: Any) -> None:
    person = office.knows(uuid4(), "Mara", "mara@example.org")
    await office.hears("certificate_revoked", about=uuid4(), person_id=person, achievement_id=uuid4())
    await office.works()
    assert await office.mails_of(person) == []
