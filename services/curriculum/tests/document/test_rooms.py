"""Two people write the prose of a plan at once: nothing of either is lost, and only who may hears of it."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from pycrdt import Doc, Map, Text

from gatehouse_chassis.events.event import PublishedEvent
from gatehouse_chassis.testing import InProcessClient, account_id, socket_to
from gatehouse_curriculum.document import messages, queries
from gatehouse_curriculum.document.rooms import ROOMS
from gatehouse_curriculum.live import CHANGES, end_mentoring
from gatehouse_curriculum.tables import DB

from ..conftest import AVA, BASE, MARA, MEMBERS, NOAH, Headers
from .yjs import Client

TEXTS = f"{BASE}/{NOAH}/texts"


async def address_of(service: InProcessClient, headers: Headers, person: str = NOAH) -> tuple[str, tuple[str, str]]:
    answer = await service.post(f"{BASE}/{person}/texts/ticket", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["path"], ("gatehouse.v1", answer.json()["ticket"])


@asynccontextmanager
async def joined(service: InProcessClient, headers: Headers, client: Client | None = None) -> AsyncGenerator[Client]:
    client = client or Client()
    path, protocols = await address_of(service, headers)
    async with socket_to(service.app, path, protocols=protocols) as socket:
        client.stored = b""
        assert await client.join(socket) is None
        yield client
        client.socket = None


@pytest.fixture(autouse=True)
async def fresh(curriculum: InProcessClient) -> None:
    """Each test has a document of its own."""
    await DB.execute("delete from document_update")
    await DB.execute("delete from document")
    async with asyncio.timeout(60):
        await CHANGES.listening.wait()


async def rows() -> int:
    return await DB.fetchval("select count(*) from document_update")


async def texts(service: InProcessClient, headers: Headers) -> dict[str, str]:
    found = (await service.get(TEXTS, headers=headers)).json()["texts"]
    return {name: one["text"] for name, one in found.items()}


async def end_her_mentoring() -> None:
    ended = PublishedEvent(
        epoch=1,
        tx=1,
        id=uuid4(),
        type="person.mentoring.ended",
        subject_id=uuid4(),
        subject_version=2,
        at=datetime.now(UTC),
        ids={"member_id": NOAH, "mentor_id": MARA},
    )
    async with DB.transaction():
        await end_mentoring(ended, None)


async def test_both_write_in_one_text_and_all_three_have_the_same(
    curriculum: InProcessClient, noah: Headers, mara: Headers
) -> None:
    async with joined(curriculum, noah) as his, joined(curriculum, mara) as hers:
        await his.write("goals", 0, "Ship")
        await hers.hear_until("goals", "Ship")
        await asyncio.gather(his.write("goals", 4, " it"), hers.write("goals", 0, "Learn. "))
        await his.hear_until("goals", "Learn. Ship it")
        await hers.hear_until("goals", "Learn. Ship it")
        await his.saved()
        assert await texts(curriculum, noah) == {"goals": "Learn. Ship it"}
    assert not len(ROOMS)


async def test_what_was_written_offline_on_both_sides_is_there_afterwards(
    curriculum: InProcessClient, noah: Headers, mara: Headers
) -> None:
    his, hers = Client(), Client()
    async with joined(curriculum, noah, his), joined(curriculum, mara, hers):
        await his.write("notes", 0, "begin")
        await hers.hear_until("notes", "begin")
    for number in range(60):  # a key each ten seconds, for ten minutes
        await his.write("notes", 5 + number, "h")
        await hers.write("notes", 0, "m")
    async with joined(curriculum, mara, hers), joined(curriculum, noah, his):
        whole = "m" * 60 + "begin" + "h" * 60
        await hers.hear_until("notes", whole)
        await his.hear_until("notes", whole)
    assert await texts(curriculum, mara) == {"notes": whole}


async def test_a_form_writes_beside_whoever_types(curriculum: InProcessClient, noah: Headers, mara: Headers) -> None:
    async with joined(curriculum, noah) as his:
        await his.write("goals", 0, "one two three")
        await his.saved()
        seen = (await curriculum.get(TEXTS, headers=mara)).json()["texts"]["goals"]["digest"]
        body = {"text": "one 2 three", "seen": seen}
        answer = await curriculum.put(f"{TEXTS}/goals", json=body, headers=mara)
        assert answer.json()["texts"]["goals"]["text"] == "one 2 three"
        await his.hear_until("goals", "one 2 three")
        again = await curriculum.put(f"{TEXTS}/goals", json={"text": "other", "seen": seen}, headers=mara)
        assert again.status_code == 412
    assert (await curriculum.put(f"{TEXTS}/evil", json={"text": "x"}, headers=mara)).status_code == 400
    assert await texts(curriculum, noah) == {"goals": "one 2 three"}


async def test_a_former_mentor_is_cut_off_and_the_others_text_unharmed(
    curriculum: InProcessClient, noah: Headers, mara: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with joined(curriculum, noah) as his, joined(curriculum, mara) as hers:
        await hers.write("goals", 0, "hers")
        await his.hear_until("goals", "hers")
        monkeypatch.setitem(MEMBERS, MARA, [AVA])
        await end_her_mentoring()
        while (code := await hers.hear()) is None:
            pass
        assert code == 4404
        await his.write("goals", 4, " and his")
        await his.saved()
    assert await texts(curriculum, noah) == {"goals": "hers and his"}


async def test_a_page_that_goes_while_its_change_is_stored_disturbs_nobody(
    curriculum: InProcessClient, noah: Headers, mara: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, began, may = queries.append, asyncio.Event(), asyncio.Event()

    async def slow(*given: Any) -> queries.Appended:
        began.set()
        await may.wait()
        return await append(*given)

    async with joined(curriculum, noah) as his, joined(curriculum, mara) as hers:
        monkeypatch.setattr(queries, "append", slow)
        await hers.write("goals", 0, "hers")
        await began.wait()
        monkeypatch.setitem(MEMBERS, MARA, [AVA])
        await end_her_mentoring()
        while (code := await hers.hear()) is None:
            pass
        assert code == 4404
        may.set()
        await his.hear_until("goals", "hers")
        await his.write("goals", 4, " and his")
        await his.saved()
    assert await texts(curriculum, noah) == {"goals": "hers and his"}


async def test_a_change_of_who_may_no_longer_write_is_not_taken(
    curriculum: InProcessClient, noah: Headers, mara: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with joined(curriculum, mara) as hers:
        monkeypatch.setitem(MEMBERS, MARA, [AVA])
        await hers.write("goals", 0, "too late")
        while (code := await hers.hear()) is None:
            pass
        assert code == 4404
    assert await texts(curriculum, noah) == {}


async def test_a_ticket_is_for_one_document_and_for_who_may_write_it(
    curriculum: InProcessClient, noah: Headers, mara: Headers
) -> None:
    assert (await curriculum.post(f"{BASE}/{AVA}/texts/ticket", headers=noah)).status_code == 404
    path, protocols = await address_of(curriculum, noah)
    elsewhere = f"{BASE}/{NOAH}/documents/{uuid4()}"
    for where, offered, headers, code in (
        (path, ("gatehouse.v1",), {}, 4401),
        (elsewhere, protocols, {}, 4401),
        (elsewhere, ("gatehouse.v1",), noah, 4404),
        (path.replace(NOAH, AVA), ("gatehouse.v1",), mara, 4404),
        (path, protocols, {"origin": "https://elsewhere.example"}, 0),
    ):
        async with socket_to(curriculum.app, where, protocols=offered, headers=headers) as page:
            assert await page.message() == code


async def test_an_erased_document_takes_nothing_back(curriculum: InProcessClient, noah: Headers) -> None:
    his = Client()
    async with joined(curriculum, noah, his):
        await his.write("notes", 0, "canary")
        await his.saved()
        await DB.execute("delete from document_update")
        await DB.execute("delete from document")
        await his.write("notes", 6, " again")
        while (code := await his.hear()) is None:
            pass
        assert code == 4404
    async with joined(curriculum, noah) as new:
        assert new.text("notes") == ""
    assert await texts(curriculum, noah) == {}


async def test_after_it_is_put_together_nothing_deleted_is_stored(
    curriculum: InProcessClient, noah: Headers, mara: Headers
) -> None:
    his, hers = Client(), Client()
    async with joined(curriculum, mara, hers):
        async with joined(curriculum, noah, his):
            await his.write("notes", 0, "a canary sings")
            await his.delete("notes", 2, 9)
            await his.saved()
        assert await stored_bytes(b"canary")
        id = await DB.fetchval("select id from document")
        assert await queries.due(datetime.now(UTC)) == []
        assert await queries.due(datetime.now(UTC) + timedelta(hours=13)) == [id]
        await queries.rebuild(id)
        assert not await stored_bytes(b"canary")
        assert await rows() == 0
        assert await queries.due(datetime.now(UTC) + timedelta(days=1)) == []
        assert await queries.due(datetime.now(UTC) + timedelta(days=31)) == [id]
        # Whoever had it open goes on.
        await hers.hear_until("notes", "a sings")
        await hers.write("notes", 7, " well")
        await hers.saved()
    async with joined(curriculum, noah, his):
        await his.hear_until("notes", "a sings well")
    assert await texts(curriculum, noah) == {"notes": "a sings well"}


async def stored_bytes(word: bytes) -> bool:
    """Whether it stands in anything that is stored of documents."""
    return await DB.fetchval(
        "select exists (select 1 from document where strpos(encode(coalesce(state, ''), 'hex'), $1) > 0 "
        "or strpos(coalesce(texts::text, ''), $2) > 0) or exists "
        "(select 1 from document_update where strpos(encode(content, 'hex'), $1) > 0)",
        word.hex(),
        word.decode(),
    )


async def test_a_long_log_is_put_together_while_it_is_written(
    curriculum: InProcessClient, noah: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MOST_UPDATES", 10)
    async with joined(curriculum, noah) as his:
        for number in range(25):
            await his.write("notes", number, "x")
        await his.saved()
        assert await rows() < 10
    async with joined(curriculum, noah) as again:
        await again.hear_until("notes", "x" * 25)


async def test_another_task_hears_of_it(curriculum: InProcessClient, noah: Headers, mara: Headers) -> None:
    """What another task wrote and put together, this one reads by the number that it is told of."""
    async with joined(curriculum, noah) as his:
        await his.write("goals", 0, "one")
        await his.saved()
        other = Client()
        other.doc.apply_update(his.doc.get_update())
        before = other.doc.get_state()
        other.doc.get("goals", type=Text).insert(3, " two")
        id = await DB.fetchval("select id from document")
        await queries.append(id, [(other.doc.get_update(before), UUID(account_id(1)))])
        await queries.rebuild(id)
        await his.hear_until("goals", "one two")
        await his.write("goals", 7, " three")
        await his.saved()
    assert await texts(curriculum, mara) == {"goals": "one two three"}


async def test_what_cannot_be_stored_is_sent_again(
    curriculum: InProcessClient, noah: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, refused = queries.append, []

    async def broken_once(*args: Any) -> Any:
        if not refused:
            refused.append(args)
            raise ConnectionResetError
        return await append(*args)

    monkeypatch.setattr(queries, "append", broken_once)
    his = Client()
    async with joined(curriculum, noah, his):
        await his.write("goals", 0, "kept")
        while (code := await his.hear()) is None:
            pass
        assert code == 1013
    assert await texts(curriculum, noah) == {}
    async with joined(curriculum, noah, his):
        await his.saved()
    assert await texts(curriculum, noah) == {"goals": "kept"}


async def test_each_sees_who_is_there_and_nobody_speaks_for_another(
    curriculum: InProcessClient, noah: Headers, mara: Headers
) -> None:
    said = messages.awareness_frame([messages.Presence(7, 1, '{"account": "somebody else", "at": 3}')])
    async with joined(curriculum, noah) as his:
        async with joined(curriculum, mara) as hers:
            await hers.say(said)
            while 7 not in his.presence:
                await his.hear()
            shown = msgspec.json.decode(his.presence[7])
            assert shown["account"] == account_id(1)
            assert shown["at"] == 3
            # Pages say again what they heard of others; nobody's is changed by that.
            await his.say(messages.awareness_frame([messages.Presence(7, 9, '{"at": 99}')]))
            await his.say(messages.awareness_frame([messages.Presence(8, 1, "{}")]))
            while 8 not in hers.presence:
                await hers.hear()
        while his.presence[7] != "null":
            await his.hear()
    assert not len(ROOMS)


async def test_who_is_there_on_another_task_is_seen_and_made_up_by_no_other_role(
    curriculum: InProcessClient, noah: Headers
) -> None:
    tickets = curriculum.app.state.tickets
    async with joined(curriculum, noah) as his:
        id = await DB.fetchval("select id from document")
        frame = messages.awareness_frame([messages.Presence(9, 4, '{"name": "Mara"}')])
        for said in (
            tickets.seal(b"12345678" + frame, str(uuid4())),
            "made up",
            tickets.seal(b"12345678" + frame, str(id)),
        ):
            CHANGES.say(id, said)
            await asyncio.sleep(0.1)
        while 9 not in his.presence:
            await his.hear()
        CHANGES.say(id, tickets.seal(b"12345678" + messages.awareness_frame([]), str(id)))
        while his.presence[9] != "null":
            await his.hear()


MALFORMED = [b"", b"\x00", b"\x05\x00", b"\x00\x02\xff\xff\x7f", b"\x01\x03\x01\x01\x01x", b"\xff" * 40]


async def test_what_no_page_sends_ends_its_socket_and_nothing_else(
    curriculum: InProcessClient, noah: Headers, mara: Headers
) -> None:
    nested: Doc = Doc()
    nested["goals"] = Map({"a": "b"})
    frames = [*MALFORMED, messages.update_frame(nested.get_update())]
    async with joined(curriculum, mara) as hers:
        for frame in frames:
            async with joined(curriculum, noah) as his:
                await his.say(frame)
                while (code := await his.hear()) is None:
                    pass
                assert code == 1007
        async with joined(curriculum, noah) as his:
            assert his.socket is not None
            await his.socket.send("text")
            while (code := await his.hear()) is None:
                pass
            assert code == 1007
        # What builds on something that never came isn't kept either, and whoever sent it may send all of it.
        async with joined(curriculum, noah) as his:
            socket, his.socket = his.socket, None
            await his.write("goals", 0, "first")
            his.socket = socket
            await his.write("goals", 5, " second")
            while (code := await his.hear()) is None:
                pass
            assert code == 1007
        async with joined(curriculum, noah, his):
            await hers.hear_until("goals", "first second")
        assert hers.socket is not None
        assert hers.socket.code is None


@pytest.mark.deep
async def test_ten_thousand_malformed_frames_leave_nothing_behind(
    curriculum: InProcessClient, noah: Headers, mara: Headers
) -> None:
    """Random bytes, and good frames changed in a few: no error that wasn't foreseen, no row, no room, no memory."""
    chance = random.Random(11)
    author = Client()
    async with joined(curriculum, mara) as hers:
        async with joined(curriculum, noah, author):
            await author.write("goals", 0, "Ship it")
            await hers.hear_until("goals", "Ship it")
        good = [
            messages.update_frame(author.doc.get_update()),
            messages.state_frame(author.doc.get_state()),
            messages.awareness_frame([messages.Presence(7, 1, '{"at": 3}')]),
        ]
        counted, begun, taken = await rows(), memory(), 0
        path, _ = await address_of(curriculum, noah)
        for number in range(10_000):
            frame = bytearray(chance.choice(good)) if chance.random() < 0.7 else bytearray(chance.randbytes(80))
            for _ in range(chance.randint(1, 4)):
                frame[chance.randrange(len(frame))] = chance.randrange(256)
            async with socket_to(curriculum.app, path, headers=noah) as page:
                await page.send_bytes(bytes(frame))
                await page.send("end")
                while not isinstance(code := await page.message(), int):
                    taken += 1
                assert code in (1007, 1013), (number, bytes(frame))
            if number == 1_000:
                begun = memory()
        more = f"{taken} answers; {await rows() - counted} rows more; {memory() - begun} kB more since the first 1,000"
        assert await rows() - counted < 200, more  # those whose changed bytes are another text
        assert memory() - begun < 20_000, more
        assert hers.socket is not None
        assert hers.socket.code is None
    assert not len(ROOMS)


def memory() -> int:
    """Of this process, in kB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0])


async def test_nobody_else_reads_the_texts(curriculum: InProcessClient) -> None:
    tomas = curriculum.by(4)
    assert (await curriculum.get(TEXTS, headers=tomas)).status_code == 404
    assert (await curriculum.put(f"{TEXTS}/goals", json={"text": "x"}, headers=tomas)).status_code == 404
