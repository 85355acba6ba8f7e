"""What happened to people: each sees their own, and nobody else's."""

from uuid import uuid4

API = "/api/communication/notifications"


async def kinds(office, headers, **params):
    answer = await office.service.get(API, headers=headers, params=params)
    assert answer.status_code == 200, answer.text
    return [one["kind"] for one in answer.json()["items"]]


async def test_events_are_shown_to_those_they_are_about(office):
    member, mentor = await office.pair()
    await office.hears("plan_committed", person_id=member)
    await office.hears("roles_changed", person_id=member)
    await office.hears("roles_changed", person_id=None)
    await office.hears("mentoring_ended", member_id=member, mentor_id=mentor)
    mine = office.service.tokens.headers("member", person=member)
    assert await kinds(office, mine) == ["mentoring_ended", "roles_changed", "plan_committed", "mentoring_started"]
    assert await kinds(office, office.service.tokens.headers("mentor", person=mentor)) == [
        "mentoring_ended",
        "mentoring_started",
    ]
    assert await kinds(office, office.service.tokens.headers("admin")) == []


async def test_a_mentor_hears_that_their_private_texts_were_opened_and_the_member_doesnt(office):
    member, mentor = uuid4(), uuid4()
    await office.hears("texts_opened", member_id=member, mentor_id=mentor)
    assert await kinds(office, office.service.tokens.headers("mentor", person=mentor)) == ["texts_opened"]
    assert await kinds(office, office.service.tokens.headers("member", person=member)) == []


async def test_reading_leaves_unread_what_came_later(office):
    member = uuid4()
    mine = office.service.tokens.headers("member", person=member)
    await office.hears("plan_committed", person_id=member)
    shown = (await office.service.get(API, headers=mine)).json()["items"]
    await office.hears("roles_changed", person_id=member)
    read = await office.service.post(f"{API}/read", headers=mine, json={"until": shown[0]["created_at"]})
    assert read.json() == {"read": 1}
    assert await kinds(office, mine, read="false") == ["roles_changed"]
    one = await office.service.get(f"{API}/{shown[0]['id']}", headers=office.service.by("admin"))
    assert one.status_code == 404
