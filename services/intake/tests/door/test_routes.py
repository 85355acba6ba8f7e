"""Squarespace's notifications, the sheet's rows, files, and the switches."""

import asyncio
import base64
import hmac

import pytest

from gatehouse_intake.door.orders import Orders, _bytes

API = "/api/intake"


def notice(desk, order: str, *, topic: str = "order.create", signature: str | None = None):
    body = b'{"topic":"%s","createdOn":"2020-04-22T22:18+00:00","data":{"orderId":"%s"}}' % (
        topic.encode(),
        order.encode(),
    )
    right = hmac.digest(bytes.fromhex(desk.squarespace_secret), body, "sha256").hex()
    headers = {"Squarespace-Signature": right if signature is None else signature, "Content-Type": "application/json"}
    return desk.service.post(f"{API}/webhooks/squarespace", content=body, headers=headers)


def sells(desk, order: str, email: str | None, status: int = 200) -> None:
    answer = {"customerEmail": email, "billingAddress": {"firstName": "Zoë 🌱", "lastName": "O'Neil"}}
    desk.squarespace.answers["GET", f"/1.0/commerce/orders/{order}"] = (status, answer)


async def test_fifty_identical_notifications_at_once_are_one_person_and_one_invitation(desk):
    sells(desk, "order-50", "Order+50@example.org")

    async def one() -> int:
        while (answer := await notice(desk, "order-50")).status_code == 503:
            pass
        return answer.status_code

    assert set(await asyncio.gather(*(one() for _ in range(50)))) == {202}
    await notice(desk, "order-50", topic="order.update")
    await desk.works()
    (found,) = await desk.of("order+50@example.org")
    assert (found["state"], found["name"], found["source"]) == ("invited", "Zoë 🌱 O'Neil", "squarespace_order")
    assert desk.asked() == (1, 1)


async def test_a_wrong_signature_leaves_nothing(desk):
    for wrong in ("", "00" * 32):
        assert (await notice(desk, "order-forged", signature=wrong)).status_code == 401
    assert (await notice(desk, "no such order!")).status_code == 400
    assert (await notice(desk, "gone", topic="extension.uninstall")).status_code == 202
    listed = await desk.service.get(
        f"{API}/sign-ups", params={"search": "Order "}, headers=desk.service.by("coordinator")
    )
    assert {one["external_id"] for one in listed.json()["items"]} & {"order-forged", "gone"} == set()


async def test_a_secret_that_is_not_squarespaces_leaves_the_door_closed(desk):
    assert Orders(desk.service.app.state.service).is_ready
    assert _bytes("made up, as every secret is until it is given") == b""


async def test_an_order_that_cannot_be_read_waits_for_a_coordinator(desk):
    sells(desk, "order-late", None, 404)
    await notice(desk, "order-late")
    await desk.works()
    params = {"search": "order-late", "problem": "true"}
    listed = await desk.service.get(f"{API}/sign-ups", params=params, headers=desk.service.by("coordinator"))
    (found,) = listed.json()["items"]
    assert (found["state"], "Squarespace answers 404" in found["problem"]) == ("received", True)
    sells(desk, "order-late", "late-order@example.org")
    assert (await desk.decides(found, "retry")).status_code == 200
    await desk.works()
    assert await desk.states_of("late-order@example.org") == ["invited"]


async def script(desk) -> dict[str, str]:
    made = await desk.service.post(f"{API}/doors/sheet_row/token", headers=desk.service.by("coordinator"))
    assert made.status_code == 201, made.text
    return {"Authorization": f"Bearer {made.json()['token']}"}


async def test_a_row_is_taken_once_and_answered_with_how_it_stands(desk):
    headers = await script(desk)
    row = {"row_id": "sheet-7", "name": "ליאור", "email": "lior at example"}
    answer = await desk.service.post(f"{API}/sheet-rows", json=row, headers=headers)
    assert (answer.status_code, answer.json()["state"]) == (200, "received")
    assert "can't be read" in answer.json()["problem"]
    row["email"] = "lior@example.org"
    for _ in range(2):
        answer = await desk.service.post(f"{API}/sheet-rows", json=row, headers=headers)
    assert answer.json() == {"row_id": "sheet-7", "state": "received", "problem": None}
    await desk.works()
    answer = await desk.service.post(f"{API}/sheet-rows", json=row, headers=headers)
    assert answer.json()["state"] == "invited"
    assert desk.asked() == (1, 1)


async def test_a_token_that_leaked_is_worthless_after_the_next_and_a_door_is_closed_by_one_switch(desk):
    leaked, row = await script(desk), {"row_id": "sheet-8", "name": "Ada", "email": "sheet8@example.org"}
    headers = await script(desk)
    for refused in (leaked, {}, {"Authorization": "Bearer "}, desk.service.by("admin")):
        assert (await desk.service.post(f"{API}/sheet-rows", json=row, headers=refused)).status_code == 401
    for is_open, status in ((False, 409), (True, 200)):
        body = {"state": "open" if is_open else "closed"}
        turned = await desk.service.put(f"{API}/doors/sheet_row", json=body, headers=desk.service.by("coordinator"))
        shown = {one["source"]: (one["is_open"], one["is_ready"]) for one in turned.json()}
        assert shown["sheet_row"] == (is_open, True)
        answer = await desk.service.post(f"{API}/sheet-rows", json=row, headers=headers)
        assert answer.status_code == status, answer.text
    member = desk.service.by("member")
    assert (await desk.service.get(f"{API}/doors", headers=member)).status_code == 404
    assert (await desk.service.put(f"{API}/doors/form", json={"state": "closed"}, headers=member)).status_code == 403


@pytest.mark.parametrize("by", ["coordinator", "staff"])
async def test_a_file_is_taken_whole_and_a_second_time_changes_nothing(desk, by):
    lines = f"name,email\nAda,csv-{by}@example.org\nBob,CSV-{by}@example.org\n"
    headers = desk.service.by(by if by == "coordinator" else 7, roles=[by])
    counts = []
    for _ in range(2):
        body = {"content": base64.b64encode(lines.encode()).decode()}
        answer = await desk.service.post(f"{API}/imports", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        counts.append(answer.json())
    assert counts == [{"new": 1, "known": 1}, {"new": 0, "known": 2}]
    await desk.works()
    assert await desk.states_of(f"csv-{by}@example.org") == ["invited"]
