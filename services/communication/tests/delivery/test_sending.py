"""What becomes of a mail: sent once, or not sent for a reason that people can read."""

from email.message import EmailMessage
from uuid import uuid4

import pytest

from gatehouse_chassis.testing import person_id
from gatehouse_communication.mail.mailer import MailNotAccepted, MailRefused, MailUnknown
from gatehouse_communication.tables import DB

API = "/api/communication"


def sent_to(office) -> list[str]:
    return [handover.address for handover in office.mailman.sent]


async def state_of(office, person) -> str:
    (mail,) = await office.mails_of(person)
    return mail["state"]


async def test_a_new_pair_gets_a_mail_each(office):
    member, mentor = await office.pair(name="Nguyễn Thị O'Neil 🌱")
    await office.works()
    assert sorted(sent_to(office)) == ["ada@example.org", "mara@example.org"]
    text = next(one.message for one in office.mailman.sent if one.person_id == mentor)
    assert text["Subject"] == "You and Nguyễn Thị O'Neil 🌱 learn together from now on"
    (mail,) = await office.mails_of(member)
    assert (mail["state"], mail["address"], mail["template_number"], mail["tries"]) == ("sent", "ada@example.org", 0, 1)
    ids = await office.event_ids("communication.mail.sent", mail["id"])
    assert ids == {"person_id": str(member), "kind": "mentoring_started", "about_id": str(mentor)}


async def test_who_waits_for_an_introduction_is_reminded_and_told_when_it_is_over(office):
    person = office.knows(uuid4())
    await office.hears("introduction_awaited", about=person, status="pending")
    for status in ("onboarding", "timed_out", "inactive"):
        await office.hears("status_changed", about=person, status=status)
    await office.works()
    kinds = {one["kind"]: one["state"] for one in await office.mails_of(person)}
    assert kinds == {"intro_reminder": "sent", "application_closed": "sent"}
    subjects = [str(one.message["Subject"]) for one in office.mailman.sent]
    assert subjects == ["Ada, shall we find a time?", "We closed your application, Ada"]


LINK = {"url": "https://gate.example.org/welcome/abc", "expires_at": "2026-12-14T10:00:00Z"}


async def test_an_invitation_becomes_a_welcome_mail_with_its_link(office):
    person, invitation = office.knows(uuid4()), uuid4()
    office.identity.answers["POST", f"/api/identity/invitations/{invitation}/link"] = (200, LINK)
    await office.hears("invited", about=invitation, person_id=person, welcome="member")
    await office.works()
    (handover,) = office.mailman.sent
    text = handover.message.get_body(("plain",)).get_content()
    assert "open your account: https://gate.example.org/welcome/abc" in text
    assert "until 14 December 2026" in text


async def test_who_is_invited_as_a_mentor_is_welcomed_as_one(office):
    person, invitation = office.knows(uuid4()), uuid4()
    office.identity.answers["POST", f"/api/identity/invitations/{invitation}/link"] = (200, LINK)
    await office.hears("invited", about=invitation, person_id=person, welcome="mentor")
    await office.works()
    (handover,) = office.mailman.sent
    assert handover.message["Subject"] == "Welcome as a mentor, Ada"


async def test_who_applies_is_asked_at_an_address_that_is_kept_nowhere_here(office):
    application = uuid4()
    address = f"/api/intake/applications/{application}/link"
    link = {"name": "Zoë O'Neil", "email": "zoe@example.org", **LINK}
    office.intake.answers["POST", address] = (200, link)
    await office.hears("application_received", about=application)
    await office.works()
    assert sent_to(office) == ["zoe@example.org"]
    message = office.mailman.sent[0].message
    text = message.get_body(("plain",)).get_content()
    assert LINK["url"] in text
    assert (message["Subject"], "Neil" in text) == ("Is this application yours?", False), "a stranger typed the name"
    (mail,) = await office.mails_of(application)
    assert (mail["state"], mail["kind"], mail["address"]) == ("sent", "application_confirm", None)
    office.intake.answers["POST", address] = (409, {"type": "conflict", "title": "Conflict", "status": 409})
    await office.hears("application_received", about=application)
    await office.works()
    assert len(office.mailman.sent) == 1


async def test_an_invitation_that_was_used_meanwhile_needs_no_mail(office):
    person, invitation = office.knows(uuid4()), uuid4()
    problem = {"type": "conflict", "title": "Conflict", "status": 409}
    office.identity.answers["POST", f"/api/identity/invitations/{invitation}/link"] = (409, problem)
    await office.hears("invited", about=invitation, person_id=person, welcome="member")
    await office.works()
    (mail,) = await office.mails_of(person)
    assert (mail["state"], mail["skip_reason"]) == ("skipped", "settled")


async def test_the_same_event_twice_is_one_mail(office):
    member, mentor = office.knows(uuid4()), office.knows(uuid4())
    event = await office.hears("mentoring_started", member_id=member, mentor_id=mentor)
    await office.hears_again("mentoring_started", event)
    await office.works()
    assert len(office.mailman.sent) == 2


async def test_an_interrupted_handover_is_unknown_and_never_repeated_by_itself(office):
    office.mailman.fails = RuntimeError("the process dies here, after the mail was accepted")
    member, _ = await office.pair()
    await office.works()
    assert await state_of(office, member) == "sending"
    office.mailman.fails = None
    await office.retried()
    await office.retried()
    assert await state_of(office, member) == "unknown"
    assert sorted(sent_to(office)) == ["ada@example.org", "mara@example.org"]


@pytest.mark.parametrize(
    ("failure", "state", "tries"),
    [
        (MailRefused("MessageRejected"), "failed", 1),
        (MailUnknown("ReadTimeoutError"), "unknown", 1),
        (MailNotAccepted("TooManyRequestsException"), "queued", 1),
    ],
)
async def test_how_a_handover_ends(office, failure, state, tries):
    office.mailman.fails = failure
    member, _ = await office.pair()
    await office.works()
    (mail,) = await office.mails_of(member)
    assert (mail["state"], mail["tries"]) == (state, tries)
    assert str(failure) in mail["error"]


async def test_what_is_put_off_is_sent_later_and_given_up_after_eight_times(office):
    office.mailman.fails = MailNotAccepted("Throttling")
    member, _ = await office.pair()
    await office.works()
    await DB.execute("update communication.delivery set tries = 7 where person_id = $1", member)
    await office.retried()
    assert await state_of(office, member) == "failed"
    office.mailman.fails = None
    (mail,) = await office.mails_of(member)
    again = await office.decides(mail, "send-again")
    assert again.json()["state"] == "queued"
    await office.works()
    assert await state_of(office, member) == "sent"


async def test_people_say_what_became_of_an_unknown_one(office):
    office.mailman.fails = MailUnknown("ReadTimeoutError")
    member, mentor = await office.pair()
    await office.works()
    (mail,), (other,) = await office.mails_of(member), await office.mails_of(mentor)
    assert (await office.decides(mail, "settle")).json()["state"] == "sent"
    office.mailman.fails = None
    assert (await office.decides(other, "send-again")).json()["state"] == "queued"
    await office.works()
    assert await state_of(office, mentor) == "sent"
    refused = await office.decides((await office.mails_of(mentor))[0], "send-again")
    assert (refused.status_code, "unknown, failed or bounced" in refused.text) == (409, True)
    assert (await office.decides((await office.mails_of(mentor))[0], "settle")).status_code == 409
    headers = office.service.by("member", if_match='"1"')
    assert (await office.service.post(f"{API}/deliveries/{mail['id']}/settle", headers=headers)).status_code == 403


async def test_who_is_gone_or_declines_or_is_suppressed_gets_nothing(office):
    archived = office.knows(uuid4(), archived_at="2026-01-01T00:00:00Z")
    declining, blocked = office.knows(uuid4(), email="no@example.org"), office.knows(uuid4(), email="Gone@example.org")
    me = office.service.tokens.headers("member", person=declining)
    choice = {"declined": ["mentoring_started"], "locale": "de"}
    answer = await office.service.put(f"{API}/people/{declining}/mail-choice", json=choice, headers=me)
    assert answer.json() == choice
    office.mailman.sent.clear()
    staff = office.service.by("coordinator")
    made = await office.service.post(f"{API}/suppressions", json={"address": "gone@example.org"}, headers=staff)
    assert made.status_code == 201, made.text
    for person, reason in (
        (archived, "archived"),
        (declining, "declined"),
        (blocked, "suppressed"),
        (uuid4(), "archived"),
    ):
        await office.hears(
            "mentoring_started", member_id=person, mentor_id=office.knows(uuid4(), email="x@example.org")
        )
        await office.works()
        (mail,) = await office.mails_of(person)
        assert (mail["state"], mail["skip_reason"]) == ("skipped", reason)
    assert "gone@example.org" not in " ".join(sent_to(office)).lower()
    lifted = await office.service.post(
        f"{API}/suppressions/{made.json()['id']}/lift", headers=office.service.by("coordinator", if_match='"1"')
    )
    assert lifted.json()["lifted_at"] is not None


async def test_mails_to_new_members_cannot_be_declined(office):
    me = office.service.by("member")
    address = f"{API}/people/{person_id(2)}/mail-choice"
    refused = await office.service.put(address, json={"declined": ["welcome"]}, headers=me)
    assert (refused.status_code, "welcome can't be declined" in refused.text) == (400, True)
    assert (await office.service.get(address, headers=office.service.by("mentor"))).status_code == 404


async def test_while_person_is_away_the_mail_waits(office):
    member, mentor = uuid4(), office.knows(uuid4())
    office.people.answers["GET", f"/api/person/contacts/{member}"] = (500, {"status": 500})
    await office.hears("mentoring_started", member_id=member, mentor_id=mentor)
    await office.works()
    assert await state_of(office, member) == "queued"
    office.knows(member)
    await office.retried()
    assert await state_of(office, member) == "sent"


async def test_the_words_are_the_newest_in_the_readers_language(office):
    member = office.knows(uuid4())
    me = office.service.tokens.headers("member", person=member)
    await office.service.put(f"{API}/people/{member}/mail-choice", json={"locale": "de"}, headers=me)
    words = {"kind": "mentoring_started", "locale": "de", "subject": "Hallo {name}", "body": "{other}: {other_email}"}
    for number in (1, 2):
        made = await office.service.post(
            f"{API}/templates",
            json=words | {"body": f"{number} {words['body']}"},
            headers=office.service.by("marketing"),
        )
        assert (made.status_code, made.json()["number"]) == (201, number), made.text
    await office.hears("mentoring_started", member_id=member, mentor_id=office.knows(uuid4(), "Mara", "m@example.org"))
    await office.works()
    message = next(one.message for one in office.mailman.sent if one.person_id == member)
    assert isinstance(message, EmailMessage)
    assert message["Content-Language"] == "de"
    assert message.get_body(("plain",)).get_content().strip() == "2 Mara: m@example.org"
    (mail,) = await office.mails_of(member)
    assert (mail["locale"], mail["template_number"]) == ("de", 2)
    wrong = words | {"body": "{name} {iban}"}
    refused = await office.service.post(f"{API}/templates", json=wrong, headers=office.service.by("marketing"))
    assert (refused.status_code, "{iban}" in refused.text) == (400, True)
