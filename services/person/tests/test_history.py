"""Who changed a person from what to what; and what of it is left once their keys are destroyed."""

import json
import subprocess
from typing import Any
from uuid import UUID

import psycopg
import pytest

from gatehouse_chassis.data.database import Database
from gatehouse_chassis.privacy.declared import declared_in
from gatehouse_chassis.privacy.history import History
from gatehouse_chassis.privacy.key_store import KeyFolder
from gatehouse_chassis.privacy.person_keys import PersonKeys
from gatehouse_chassis.testing import KEYS, InProcessClient, account_id, person_id
from gatehouse_chassis.testing.people import caller
from gatehouse_local.runner.postgres import binary
from gatehouse_person.person.queries import PERSON

NOAH = person_id(2)


async def changed(person: InProcessClient, id: str, **change: Any) -> None:
    headers = person.by("coordinator")
    now = await person.get(f"/api/person/people/{id}", headers=headers)
    answer = await person.patch(
        f"/api/person/people/{id}", json=change, headers={**headers, "If-Match": now.headers["ETag"]}
    )
    assert answer.status_code == 200, answer.text


async def history(person: InProcessClient, id: str, collection: str = "person") -> list[dict[str, Any]]:
    answer = await person.get(f"/privacy/history/{collection}/{id}", headers=person.by("admin"))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_it_says_who_changed_what_from_what_to_what(person: InProcessClient, database_url: str) -> None:
    before = (await person.get(f"/api/person/people/{NOAH}", headers=person.by("coordinator"))).json()
    for phone in ("+4930111111", "+4930222222", "+4930333333"):
        await changed(person, NOAH, phone=phone, mastery="practitioner")
    entries = await history(person, NOAH)
    assert [entry["changes"]["phone"] for entry in entries[:3]] == [
        ["+4930222222", "+4930333333"],
        ["+4930111111", "+4930222222"],
        [before["phone"], "+4930111111"],
    ]
    assert entries[2]["changes"]["mastery"] == [before["mastery"], "practitioner"]
    assert {entry["actor_id"] for entry in entries[:3]} == {account_id(caller("coordinator").number)}
    assert entries[0]["row_version"] == entries[1]["row_version"] + 1
    assert entries[0]["request_id"]
    with psycopg.connect(database_url) as connection:
        stored = str(connection.execute("select * from person.history").fetchall())
    assert "4930" not in stored, "what is personal is sealed"
    assert "practitioner" in stored, "what is kept of an erased person stands there as it is"


async def test_what_changed_unseen_in_between_is_not_said_to_have_been(
    person: InProcessClient, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    """By hand, without a new version, after the change had read what the row was."""
    change = PERSON.change

    async def once_changed(*args: Any, **more: Any) -> Any:
        with psycopg.connect(database_url) as connection:
            connection.execute("update person.person set phone = '+4930999999' where id = %s", [NOAH])
        return await change(*args, **more)

    monkeypatch.setattr(PERSON, "change", once_changed)
    await changed(person, NOAH, phone="+4930555555")
    (entry, *_) = await history(person, NOAH)
    assert entry["changes"]["phone"] == ["+4930999999", "+4930555555"]


async def test_a_change_that_fails_leaves_no_entry(person: InProcessClient) -> None:
    count = len(await history(person, NOAH))
    headers = person.by("coordinator", if_match='"1"')
    answer = await person.patch(f"/api/person/people/{NOAH}", json={"phone": "+4930444444"}, headers=headers)
    assert answer.status_code == 412
    assert len(await history(person, NOAH)) == count


async def test_erasing_somebody_makes_it_unreadable(person: InProcessClient, database_url: str) -> None:
    id = person_id(3)
    await changed(person, id, phone="+4930777777", location="Canary Wharf")
    mine = await person.get(f"/privacy/people/{id}", headers=person.by("admin"))
    assert "Canary Wharf" in json.dumps(mine.json()["history"])
    answer = await person.post(f"/privacy/people/{id}/erase", json={}, headers=person.by("admin"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["changed"]["person"] == 1
    (entry,) = await history(person, id)
    assert entry["changes"] == {}
    assert sorted(entry["unreadable"]) == ["location", "phone"]
    shown = (await person.get(f"/api/person/people/{id}", headers=person.by("coordinator"))).json()
    assert shown["name"].startswith("erased-")
    assert (shown["phone"], shown["location"]) == (None, None)
    await changed(person, id, location="Berlin")
    (last, _) = await history(person, id)
    assert last["unreadable"] == ["location"], "nothing more is kept of somebody whose keys are destroyed"


@pytest.mark.parametrize("who", ["member", "mentor", "coordinator", "finance", "sre"])
async def test_it_is_for_administrators(person: InProcessClient, who: str) -> None:
    for address in (f"/privacy/people/{NOAH}", f"/privacy/history/person/{NOAH}"):
        assert (await person.get(address, headers=person.by(who))).status_code == 404
    answer = await person.post(f"/privacy/people/{NOAH}/erase", json={}, headers=person.by(who))
    assert answer.status_code == 403


async def test_yesterday_s_backup_cannot_be_read(person: InProcessClient, postgres: Any, database_url: str) -> None:
    """Its rows are there again, their key is not."""
    id = person_id(11)
    await changed(person, id, location="Canary Wharf")
    backup = subprocess.run([binary("pg_dump"), "-Fc", database_url], capture_output=True, check=True).stdout
    await person.post(f"/privacy/people/{id}/erase", json={}, headers=person.by("admin"))
    restored = postgres.create_database()
    try:
        command = [binary("pg_restore"), "--no-owner", "--no-privileges", f"--dbname={restored}"]
        subprocess.run(command, input=backup, capture_output=True, check=False)
        with psycopg.connect(restored) as connection:
            rows = connection.execute("select location from person.person where id = %s", [id]).fetchall()
            (sealed,) = connection.execute("select sealed from person.history where row_id = %s", [id]).fetchall()
        assert rows == [("Canary Wharf",)], "this is what replaying the erasure is for"
        assert len(sealed[0]) > 60
        declared, database = declared_in("gatehouse_person"), Database("person")
        assert declared
        await database.open(restored, application_name="restored", max_size=2)
        keys = PersonKeys(database, KeyFolder(KEYS / "person"))
        (entry,) = await History(database, declared, keys).of_row("person", UUID(id))
        await database.close()
        assert (entry.changes, entry.unreadable) == ({}, ["location"])
    finally:
        postgres.drop_database(restored)
