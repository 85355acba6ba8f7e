"""What became of mails, told by a topic: only what it signed counts, and each event counts once."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from gatehouse_communication.mail.mailer import MailUnknown

from .played_sns import HOST, PlayedSns, Signer

API = "/api/communication"
TEXT = {"Content-Type": "text/plain; charset=UTF-8"}


async def post(office, message: Any) -> int:
    content = message if isinstance(message, bytes) else json.dumps(message).encode()
    return (await office.service.post(f"{API}/mail-events", content=content, headers=TEXT)).status_code


def event(mail: dict[str, Any], kind: str, **more: Any) -> dict[str, Any]:
    """As SES publishes it."""
    sent = {"messageId": mail["message_id"], "destination": [mail["address"]], "tags": {"delivery": [mail["id"]]}}
    return {"eventType": kind, "mail": sent, **more}


BOUNCE = {"bounce": {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": []}}
COMPLAINT = {"complaint": {"complaintFeedbackType": "abuse", "complainedRecipients": []}}


async def sent_mail(office) -> tuple[Any, dict[str, Any]]:
    person = office.knows(uuid4(), email=f"{uuid4().hex}+x@example.org")
    await office.hears("introduction_awaited", about=person, status="pending")
    await office.works()
    (mail,) = await office.mails_of(person)
    assert mail["state"] == "sent"
    return person, mail


async def suppressions(office) -> list[tuple[str, str]]:
    found = await office.service.get(f"{API}/suppressions", headers=office.service.by("coordinator"))
    return [(one["address"], one["reason"]) for one in found.json()["items"]]


async def test_a_bounce_is_shown_and_its_address_is_never_used_again(office):
    person, mail = await sent_mail(office)
    message = office.sns.signed(event(mail, "Bounce", **BOUNCE), Subject="Amazon SES")
    assert await post(office, message) == 204
    (bounced,) = await office.mails_of(person)
    assert (bounced["state"], bounced["error"]) == ("bounced", "The address doesn't exist, or takes no mail.")
    assert (mail["address"], "bounced") in await suppressions(office)
    ids = {"person_id": str(person), "kind": "intro_reminder", "about_id": None}
    assert await office.event_ids("communication.mail.bounced", mail["id"]) == ids
    await office.hears("status_changed", about=person, status="timed_out")
    await office.works()
    assert {one["kind"]: one["state"] for one in await office.mails_of(person)}["application_closed"] == "skipped"
    # Told again, after a person decided: nothing changes.
    again = await office.decides(bounced, "send-again")
    assert await post(office, message) == 204
    assert (
        await office.service.get(f"{API}/deliveries/{mail['id']}", headers=office.service.by("coordinator"))
    ).json()["version"] == again.json()["version"]


@pytest.mark.parametrize(
    ("kind", "more", "state", "reason"),
    [
        ("Complaint", COMPLAINT, "complained", "complained"),
        ("Complaint", {"complaint": {"complaintFeedbackType": "not-spam"}}, "sent", None),
        ("Bounce", {"bounce": {"bounceType": "Transient"}}, "bounced", None),
        ("Bounce", {"bounce": {"bounceType": "Undetermined"}}, "bounced", None),
        ("Reject", {"reject": {"reason": "Bad content"}}, "failed", None),
        ("Delivery", {"delivery": {}}, "sent", None),
        ("Whatever", {"new": 1}, "sent", None),
    ],
)
async def test_what_each_event_means(office, kind, more, state, reason):
    person, mail = await sent_mail(office)
    for _ in range(2):  # SNS may say anything twice
        assert await post(office, office.sns.signed(event(mail, kind, **more))) == 204
    (now,) = await office.mails_of(person)
    assert now["state"] == state
    assert [why for address, why in await suppressions(office) if address == mail["address"]] == (
        [reason] if reason else []
    )


async def test_an_event_of_an_earlier_try_or_of_no_mail_of_ours_changes_nothing(office):
    person, mail = await sent_mail(office)
    for other in ({**mail, "message_id": "earlier"}, {**mail, "id": str(uuid4())}, {**mail, "id": "x"}):
        assert await post(office, office.sns.signed(event(other, "Bounce", **BOUNCE))) == 204
    assert await post(office, office.sns.signed("Successfully validated SNS topic for Amazon SES.")) == 204
    (now,) = await office.mails_of(person)
    assert now["state"] == "sent"


async def test_what_somebody_took_for_sent_may_still_come_back(office):
    office.mailman.fails = MailUnknown("ReadTimeoutError")
    person = office.knows(uuid4(), email="settled@example.org")
    await office.hears("introduction_awaited", about=person, status="pending")
    await office.works()
    (mail,) = await office.mails_of(person)
    settled = (await office.decides(mail, "settle")).json()
    assert (settled["state"], settled["message_id"]) == ("sent", None)
    bounce = event(settled | {"message_id": "as the mail server calls it"}, "Bounce", **BOUNCE)
    assert await post(office, office.sns.signed(bounce)) == 204
    (now,) = await office.mails_of(person)
    assert now["state"] == "bounced"


OTHERS = Signer()
FORGED: dict[str, Any] = {
    "no signature": lambda sns, good: good | {"Signature": ""},
    "a signature that isn't base64": lambda sns, good: good | {"Signature": "é!"},
    "another's signature": lambda sns, good: OTHERS.sign(good),
    "another text": lambda sns, good: good | {"Message": good["Message"] + " "},
    "a subject that wasn't signed": lambda sns, good: good | {"Subject": "x"},
    "another id": lambda sns, good: good | {"MessageId": "x"},
    "signed as version 1, called version 2": lambda sns, good: (
        sns.signer.sign(good | {"SignatureVersion": "1"}) | {"SignatureVersion": "2"}
    ),
    "another topic, well signed": lambda sns, good: sns.signer.sign(good | {"TopicArn": good["TopicArn"] + "2"}),
    "another account's topic": lambda sns, good: sns.signer.sign(
        good | {"TopicArn": good["TopicArn"].replace("111122223333", "999988887777")}
    ),
    "a confirmation dressed as a notification": lambda sns, good: (
        sns.signer.sign(good | {"Type": "SubscriptionConfirmation", "Token": "a" * 32, "SubscribeURL": "x"})
        | {"Type": "Notification"}
    ),
    "of yesterday": lambda sns, good: sns.signer.sign(good | {"Timestamp": stamp(hours=-3)}),
    "of tomorrow": lambda sns, good: sns.signer.sign(good | {"Timestamp": stamp(hours=1)}),
    "at no time": lambda sns, good: sns.signer.sign(good | {"Timestamp": "2026-13-40T99:00:00Z"}),
} | {
    f"its certificate at {place}": lambda sns, good, place=place: OTHERS.sign(good | {"SigningCertURL": place})
    for place in (
        "http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-central-1.amazonaws.com.evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-central-1.amazonaws.com@evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-central-1.amazonaws.com:8443/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-central-1.amazonaws.com/?Action=X&/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-central-1.amazonaws.com/../SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem\n",
        "https://snsXeu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "file:///etc/passwd",
        "",
    )
}


def stamp(**ago: int) -> str:
    return (datetime.now(UTC) + timedelta(**ago)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.parametrize("how", FORGED)
async def test_what_our_topic_didnt_sign_is_refused(office, how):
    person, mail = await sent_mail(office)
    message = FORGED[how](office.sns, office.sns.signed(event(mail, "Bounce", **BOUNCE)))
    office.sns.asked.clear()
    assert await post(office, message) == 403
    (now,) = await office.mails_of(person)
    assert now["state"] == "sent"
    # Nobody makes us ask anywhere but at SNS.
    assert [address for address in office.sns.asked if not address.startswith(f"{HOST}/Simple")] == []


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"Type": "Notification"}', b'{"Type": "Other"}'],
    ids=range(8),
)
async def test_what_is_no_message_is_refused(office, content):
    assert await post(office, content) == 400
    assert await post(office, office.sns.signed() | {"Message": 7}) == 400
    # 1 is SHA-1, which our topic doesn't sign with.
    for version in ("1", "3"):
        assert await post(office, office.sns.signed(SignatureVersion=version)) == 400


async def test_a_subscription_is_confirmed_by_its_token_and_never_at_the_address_it_names(office):
    token = uuid4().hex * 4
    asked = office.sns.signed(
        Type="SubscriptionConfirmation", Token=token, SubscribeURL="https://169.254.169.254/latest/meta-data"
    )
    office.sns.asked.clear()
    assert await post(office, asked) == 204
    (address,) = [one for one in office.sns.asked if ".pem" not in one]
    assert address == f"{HOST}/?Action=ConfirmSubscription&TopicArn={PlayedSns.arn}&Token={token}"
    odd = office.sns.signed(Type="SubscriptionConfirmation", Token="a&Action=Unsubscribe", SubscribeURL="x")
    office.sns.asked.clear()
    assert await post(office, odd) == 403
    assert [one for one in office.sns.asked if ".pem" not in one] == []
    assert await post(office, office.sns.signed(Type="UnsubscribeConfirmation", Token=token, SubscribeURL="x")) == 204
