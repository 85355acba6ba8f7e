"""A coordinator says when an introduction is, and that it was held; person decides who times out."""

from typing import Any
from uuid import UUID

API = "/api/intake"
AT = "2026-12-10T17:00:00Z"


class PlayedPerson:
    """Somebody at person, who changes as they are told to."""

    def __init__(self, desk: Any, id: str) -> None:
        self.now: dict[str, Any] = {
            "id": id,
            "version": 1,
            "status": "pending",
            "intro_scheduled_for": None,
            "intro_held_at": None,
        }
        path = f"/api/person/people/{id}"
        self.told: list[str] = []
        desk.people.answers["GET", path] = lambda *_: (200, self.now)
        desk.people.answers["PATCH", path] = lambda *_: self._change("time", intro_scheduled_for=AT)
        self._desk, self._path = desk, path

    def held(self) -> None:
        answers = self._desk.people.answers
        answers["PATCH", self._path] = lambda *_: self._change("held", intro_held_at=AT)
        answers["POST", f"{self._path}/status"] = lambda *_: self._move()

    def _change(self, told: str, **values: Any) -> tuple[int, Any]:
        self.told.append(told)
        self.now = {**self.now, **values, "version": self.now["version"] + 1}
        return 200, self.now

    def _move(self) -> tuple[int, Any]:
        after = {"pending": "onboarding", "onboarding": "matching"}[self.now["status"]]
        return self._change(after, status=after)


async def welcomed(desk: Any, email: str) -> dict[str, Any]:
    await desk.signs_up(email)
    await desk.works()
    (found,) = await desk.of(email)
    await desk.hears("mail_sent", person_id=found["person_id"], kind="welcome", about_id=found["invitation_id"])
    (found,) = await desk.of(email)
    return found


async def says(desk: Any, sign_up: dict[str, Any], what: str, **body: Any) -> Any:
    headers = desk.service.by("coordinator", if_match=f'"{sign_up["version"]}"')
    return await desk.service.post(f"{API}/sign-ups/{sign_up['id']}/{what}", json=body or None, headers=headers)


async def test_from_the_welcome_to_waiting_for_a_mentor(desk):
    found = await welcomed(desk, "introduced@example.org")
    person = PlayedPerson(desk, found["person_id"])
    scheduled = await says(desk, found, "introduction", at=AT)
    assert (scheduled.status_code, scheduled.json()["state"]) == (200, "scheduled")
    await desk.hears("status_changed", about=UUID(found["person_id"]), status="timed_out")
    assert await desk.states_of(found["email"]) == ["scheduled"], "who has a time doesn't time out"
    person.held()
    held = await says(desk, scheduled.json(), "introduction/held")
    assert (held.status_code, held.json()["state"]) == (200, "introduced")
    assert person.told == ["time", "held", "onboarding", "matching"]
    again = await says(desk, held.json(), "introduction/held")
    assert again.status_code == 409


async def test_who_timed_out_meanwhile_is_opened_first(desk):
    found = await welcomed(desk, "toolate@example.org")
    person = PlayedPerson(desk, found["person_id"])
    person.now["status"] = "timed_out"
    refused = await says(desk, found, "introduction", at=AT)
    assert (refused.status_code, "is timed_out" in refused.text, person.told) == (409, True, [])
    desk.people.answers["PATCH", f"/api/person/people/{found['person_id']}"] = (412, {"status": 412})
    person.now["status"] = "pending"
    assert (await says(desk, found, "introduction", at=AT)).status_code == 412
    assert await desk.states_of(found["email"]) == ["welcomed"]
