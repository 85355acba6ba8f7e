"""Who read private data of somebody else, what and why: that person sees it. Reading one's own is nobody's business."""

from datetime import UTC, datetime, timedelta
from typing import Any

from gatehouse_chassis.testing import InProcessClient, account_id, person_id
from gatehouse_chassis.testing.people import caller

NOAH = person_id(2)
READS = f"/api/person/people/{NOAH}/reads"


async def reads(person: InProcessClient, who: str = "member") -> list[tuple[Any, ...]]:
    answer = await person.get(READS, headers=person.by(who))
    assert answer.status_code == 200, answer.text
    return [(entry["what"], entry["why"], entry["reader_id"]) for entry in answer.json()]


async def test_a_person_sees_who_read_their_data_and_why(person: InProcessClient) -> None:
    one, consents = f"/api/person/people/{NOAH}", f"/api/person/people/{NOAH}/consents"
    assert await reads(person) == []
    for who in ("coordinator", "coordinator", "mentor", "member", "candidate"):
        await person.get(one, headers=person.by(who))
    await person.get(consents, headers=person.by("coordinator"))
    coordinator, mentor = (person_id(caller(who).number) for who in ("coordinator", "mentor"))
    assert await reads(person) == [
        ("ListConsents", "staff", coordinator),
        ("GetPerson", "mentor", mentor),
        ("GetPerson", "staff", coordinator),
    ]
    assert await reads(person, "admin") == await reads(person)


async def test_a_list_counts_for_whom_it_shows_in_full(person: InProcessClient) -> None:
    await person.get("/api/person/people?limit=50", headers=person.by("finance"))
    assert ("ListPeople", "staff", person_id(caller("finance").number)) in await reads(person)
    ava = person.by(3)
    await person.get("/api/person/people?limit=50", headers=ava)
    assert person_id(3) not in {reader for _, _, reader in await reads(person)}, "a peer is shown the public part"


async def test_an_export_of_their_data_stands_there_too(person: InProcessClient) -> None:
    for _ in range(2):
        assert (await person.get(f"/privacy/people/{NOAH}", headers=person.by("admin"))).status_code == 200
    accounts = [account_id(99), account_id(caller("mentor").number)]  # who changed something, perhaps
    for account in accounts:
        assert (await person.get(f"/privacy/people/{account}", headers=person.by("admin"))).status_code == 200
    exports = [entry for entry in await reads(person) if entry[0] == "ExportPerson"]
    assert exports == [("ExportPerson", "admin", person_id(caller("admin").number))]


async def test_nobody_else_sees_it(person: InProcessClient) -> None:
    for who in ("mentor", "coordinator", "finance", 3):
        assert (await person.get(READS, headers=person.by(who))).status_code == 404


async def test_the_entry_names_the_account(person: InProcessClient) -> None:
    await person.get(f"/api/person/people/{NOAH}", headers=person.by("coordinator"))
    (entry, *_) = (await person.get(READS, headers=person.by("admin"))).json()[-1:]
    assert entry["actor_id"] == account_id(caller("coordinator").number)


async def test_entries_go_after_13_months(person: InProcessClient) -> None:
    jobs = person.app.state.jobs
    began = datetime.now(UTC)
    try:
        for days, are_there in ((380, True), (400, False)):
            jobs.clock = lambda days=days: began + timedelta(days=days)
            await jobs.run_now("apply_retention")
            await jobs.run_due()
            assert bool(await reads(person)) is are_there
    finally:
        jobs.clock = lambda: None
