"""Mails to donors: once for the event, at an address that the ledger keeps, and for finance alone to follow up."""

from uuid import uuid4

from gatehouse_communication.mail.mailer import MailRefused

API = "/api/communication"
RECEIPT = {
    "name": "Edda O'Neil",
    "email": "edda@example.org",
    "number": "2026-00042",
    "kind": "single",
    "of_year": None,
    "valid": True,
    "url": "https://gate.example.org/receipts/abc",
    "until": "2026-12-30T10:00:00Z",
}
PROBLEM = {"type": "not-found", "title": "Not found", "status": 404}


async def mails(office, kind: str, caller: str = "finance") -> list[dict]:
    answer = await office.service.get(f"{API}/deliveries", params={"kind": kind}, headers=office.service.by(caller))
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_a_receipt_goes_to_a_donor_outside_once_with_their_link(office):
    receipt = uuid4()
    office.ledger.answers["POST", f"/api/ledger/receipts/{receipt}/mail"] = (200, RECEIPT)
    event = await office.hears("receipt_issued", about=receipt, donor_id=uuid4(), person_id=None, kind="single")
    await office.hears_again("receipt_issued", event)
    await office.works()
    (handover,) = office.mailman.sent
    text = handover.message.get_body(("plain",)).get_content()
    assert (handover.address, handover.person_id) == ("edda@example.org", None)
    assert "Open your receipt: https://gate.example.org/receipts/abc" in text
    assert "2026-00042" in text
    (mail,) = [one for one in await mails(office, "gift_receipt") if one["about_id"] == str(receipt)]
    assert (mail["state"], mail["address"], mail["person_id"]) == ("sent", None, None)
    ids = await office.event_ids("communication.mail.sent", mail["id"])
    assert ids == {"person_id": None, "kind": "gift_receipt", "about_id": str(receipt)}


async def test_a_statement_names_its_year_and_a_donor_who_is_a_person_stays_erasable(office):
    receipt, person = uuid4(), uuid4()
    office.ledger.answers["POST", f"/api/ledger/receipts/{receipt}/mail"] = (200, RECEIPT | {"of_year": 2025})
    await office.hears("receipt_issued", about=receipt, donor_id=uuid4(), person_id=person, kind="annual")
    await office.works()
    (handover,) = office.mailman.sent
    assert str(handover.message["Subject"]) == "Your gifts in 2025, Edda O'Neil: a statement for your taxes"
    (mail,) = [one for one in await mails(office, "annual_statement") if one["about_id"] == str(receipt)]
    assert (mail["person_id"], mail["address"]) == (str(person), "edda@example.org")


async def test_nothing_is_sent_without_an_address_or_for_what_is_settled(office):
    ways = {
        "no address": ("receipt_issued", "receipts", (200, RECEIPT | {"email": None}), {"kind": "single"}),
        "void": ("receipt_issued", "receipts", (200, RECEIPT | {"valid": False}), {"kind": "single"}),
        "gone": ("receipt_issued", "receipts", (404, PROBLEM), {"kind": "annual"}),
        "has a receipt": ("gift_recorded", "gifts", (200, {"name": "A", "email": "a@example.org", "due": False}), {}),
    }
    for handler, what, answer, ids in ways.values():
        about = uuid4()
        office.ledger.answers["POST", f"/api/ledger/{what}/{about}/mail"] = answer
        await office.hears(handler, about=about, person_id=None, **ids)
    gift = uuid4()
    thanks = (200, {"name": "Otto", "email": "otto@example.org", "due": True})
    office.ledger.answers["POST", f"/api/ledger/gifts/{gift}/mail"] = thanks
    await office.hears("gift_recorded", about=gift, person_id=None)
    await office.works()
    (handover,) = office.mailman.sent
    assert (handover.address, str(handover.message["Subject"])) == (
        "otto@example.org",
        "Thank you for your gift, Otto",
    )


async def test_only_finance_follows_up_mails_to_donors(office):
    receipt = uuid4()
    office.ledger.answers["POST", f"/api/ledger/receipts/{receipt}/mail"] = (200, RECEIPT)
    office.mailman.fails = MailRefused("MessageRejected")
    await office.hears("receipt_issued", about=receipt, person_id=None, kind="single")
    await office.works()
    (mail,) = [one for one in await mails(office, "gift_receipt") if one["about_id"] == str(receipt)]
    assert mail["state"] == "failed"
    assert await mails(office, "gift_receipt", "coordinator") == []
    path, by = f"{API}/deliveries/{mail['id']}", office.service.by
    assert (await office.service.get(path, headers=by("coordinator"))).status_code == 404
    again = f"{path}/send-again"
    assert (await office.service.post(again, headers=by("coordinator", if_match='"3"'))).status_code == 404
    office.mailman.fails = None
    version = f'"{mail["version"]}"'
    assert (await office.service.post(again, headers=by("finance", if_match=version))).status_code == 200
    await office.works()
    (mail,) = [one for one in await mails(office, "gift_receipt") if one["about_id"] == str(receipt)]
    assert mail["state"] == "sent"
