"""Goals: said, settled, taken up again; seen by who sees the plan."""

from uuid import uuid4

from gatehouse_chassis.testing import InProcessClient

from ..conftest import AVA, BASE, NOAH, Headers


async def test_a_goal_is_said_reached_and_taken_up_again(
    curriculum: InProcessClient, noah: Headers, mara: Headers
) -> None:
    goals = f"{BASE}/{NOAH}/goals"
    made = await curriculum.post(goals, json={"text": "Ship a service alone", "horizon": "year"}, headers=noah)
    assert (made.status_code, made.json()["state"]) == (201, "open")
    one = f"{goals}/{made.json()['id']}/settle"
    reached = (await curriculum.post(one, json={"state": "reached"}, headers=mara)).json()
    assert (reached["state"], reached["settled_at"] is not None) == ("reached", True)
    again = (await curriculum.post(one, json={"state": "open"}, headers=noah)).json()
    assert (again["state"], again["settled_at"]) == ("open", None)
    way = (await curriculum.get(f"{BASE}/{NOAH}/way", headers=mara)).json()
    assert way["goals"][0] == again


async def test_nonsense_and_strangers_are_refused(curriculum: InProcessClient, noah: Headers) -> None:
    goals = f"{BASE}/{NOAH}/goals"
    for wrong in ({"text": "", "horizon": "year"}, {"text": "x", "horizon": "soon"}, {"text": "x"}):
        assert (await curriculum.post(goals, json=wrong, headers=noah)).status_code == 400
    new = {"text": "Not mine", "horizon": "year"}
    assert (await curriculum.post(f"{BASE}/{AVA}/goals", json=new, headers=noah)).status_code == 404
    settle = f"{goals}/{uuid4()}/settle"
    assert (await curriculum.post(settle, json={"state": "reached"}, headers=noah)).status_code == 404
