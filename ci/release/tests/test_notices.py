"""Who is told what of a release's way, and that it is told once, by whoever wrote the record."""

from datetime import timedelta

from gatehouse_release.model import Requester
from gatehouse_release.notices import in_text, notices
from gatehouse_release.ports import PortFailed

from .conftest import SERVICES, World


def kinds(world: World) -> list[str]:
    return [one.kind for one in world.ports.notices.told]


def test_a_go_live_is_told_from_the_proposal_on(world: World):
    world.live()
    told = world.ports.notices.told
    assert kinds(world) == ["approval-wanted", "approval-wanted", "approved", "live"]
    assert told[0].roles == {"release-manager"}
    assert told[0].about == "0 of 2 approvals"
    assert told[-1].title == "A set of 5 services went live"
    assert list(in_text(told[-1], "https://portal.example/"))[-1] == (
        f"https://portal.example/releases/records/{told[-1].record[-16:]}"
    )


def test_what_fails_and_what_is_held_reaches_those_who_can_act(world: World):
    world.merge(**dict.fromkeys(SERVICES, 1))
    world.ports.black_box.failing["dev"] = "2 failed, 40 passed"
    world.merge(person=2)
    world.ask("sam", "hold", "test", services=("person",), reason="loses mail")
    failed, hold = world.ports.notices.told
    assert (failed.kind, failed.about) == ("failed", "2 failed, 40 passed")
    assert (hold.title, hold.about) == ("person is held in Test", "loses mail")
    tester = Requester(name="kofi", roles=frozenset({"tester"}))
    since = world.ports.clock.now() - timedelta(days=1)
    assert [one.kind for one in notices(world.state, tester, since)] == ["hold"]
    assert notices(world.state, Requester(name=hold.by, roles=frozenset({"sre"})), since)[0].kind != "hold"


def test_a_chat_that_does_not_answer_stops_nothing(world: World, monkeypatch):
    def refuse(_: object) -> None:
        raise PortFailed("the webhook at chat.example answers 404.")

    monkeypatch.setattr(world.ports.notices, "tell", refuse)
    assert world.live().state == "verified"
    assert "nobody was told: the webhook at chat.example answers 404." in world.lines
