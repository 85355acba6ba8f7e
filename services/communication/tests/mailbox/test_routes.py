"""The mailbox: locally it shows what would have left; anywhere else there is none."""

from uuid import uuid4

from gatehouse_communication.mailbox.queries import LocalMailbox

API = "/api/communication/mailbox"


async def test_what_is_sent_locally_is_shown_and_goes_nowhere(office):
    # The deliveries of this test go to the mailbox, as they do outside of tests.
    office.mailman.send, before = LocalMailbox().send, office.mailman.send
    try:
        member, _ = await office.pair(name="Zoë 🌱", email="zoe+x@example.org")
        await office.works()
    finally:
        office.mailman.send = before
    (delivery,) = await office.mails_of(member)
    listed = (await office.service.get(API)).json()
    mail = next(one for one in listed if one["delivery_id"] == delivery["id"])
    assert mail["recipient"] == "zoe+x@example.org"
    whole = (await office.service.get(f"{API}/{mail['id']}")).json()
    assert (whole["to"], "Hello Zoë 🌱," in whole["text"]) == ("Zoë 🌱 <zoe+x@example.org>", True)
    assert whole["html"].startswith("<!doctype html>")
    assert 'From: "Agile Learning Institute" <hello@institute.invalid>' in whole["source"]
    assert (await office.service.get(f"{API}/{uuid4()}")).status_code == 404
