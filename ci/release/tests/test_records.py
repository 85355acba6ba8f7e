"""Records are sealed: an edit is noticed, and one file that can't be read stops its own environment only."""

from datetime import UTC, datetime

import pytest

from gatehouse_release.matrix import matrix
from gatehouse_release.model import Record
from gatehouse_release.records import SEALED_SINCE, next_id, parse, render
from gatehouse_release.yaml_text import TextError

from .conftest import World, rules_of, told


def edited(world: World, environment: str, old: str, new: str) -> str:
    """Edits the newest record of an environment by hand; its path."""
    record = world.state.of(environment)[-1]
    text = world.ports.repository.texts[record.path]
    assert old in text
    world.ports.repository.commit({record.path: text.replace(old, new, 1)})
    return record.path


@pytest.mark.parametrize(
    ("old", "new"), [("by: eva", "by: tim"), ("state: verified", "state: reverted"), ('"42 passed"', '"43 passed"')]
)
def test_an_edited_record_is_noticed_and_stops_its_environment(world: World, old: str, new: str):
    world.merge(person=1)
    world.to_test("people")
    path = edited(world, "test", old, new)
    world.merge(person=2)
    decision = world.explain("eva", "promote", "test", domain="people")
    assert rules_of(decision) == {"unreadable"}
    assert f"{path}: seal" in told(decision)
    assert "git log -p" in told(decision)
    assert world.ask("eva", "promote", "test", domain="people").decision.reasons == decision.reasons
    assert rules_of(world.explain("tim", "promote", "staging")) == {"unreadable"}


@pytest.mark.parametrize(
    "path", ["stacks/releases/test/note.yaml", "stacks/releases/test/01KAZ5M2F8BBBBBBBBBBBBBBBB.yaml"]
)
def test_one_bad_file_stops_no_other_environment(world: World, path: str):
    world.merge(person=1)
    world.ports.repository.commit({path: "kind: [\n"})
    assert world.merge(person=2).ok
    assert world.ask("sam", "rollback", "dev").ok
    assert not world.promoter.explain(world.seen("promote", "test", domain="people"), world.actor("eva")).allowed
    assert not world.ask("tim", "verify", "test").ok
    columns = {column.name: column for column in matrix(world.state, world.ports.clock.now()).columns}
    assert [name for name, column in columns.items() if column.unreadable] == ["test"]


def test_where_a_file_is_bad_brakes_still_work(world: World):
    world.ports.repository.commit({"stacks/releases/test/note.yaml": "x"})
    assert world.ask("sam", "freeze", "test", reason="look into it").ok
    assert world.ask("sam", "hold", "test", services=("person",), reason="look into it").ok


def test_a_stray_file_of_no_environment_stops_nothing(world: World):
    world.ports.repository.commit({"stacks/releases/notes.yaml": "x: 1\n"})
    assert world.merge(person=1).ok


def test_a_stack_file_that_cant_be_read_stops_its_environment_only(world: World):
    world.ports.repository.commit({"stacks/Pulumi.production.yaml": "config: [\n"})
    assert world.merge(person=1).ok
    assert rules_of(world.explain("rita", "promote", "production")) == {"unreadable"}


def test_what_was_begun_isnt_settled_where_a_file_cant_be_read(world: World):
    """A run ended before it deployed; then the stack file was spoilt: an empty dev must not be deployed."""
    world.merge(person=1)

    def crash(point: str) -> None:
        if point == "before deploy":
            raise KeyboardInterrupt

    world.ports.fault_hook = crash
    with pytest.raises(KeyboardInterrupt):
        world.merge(person=2)
    world.ports.fault_hook = lambda point: None
    (begun,) = world.state.undecided("dev")
    stack = world.ports.repository.texts["stacks/Pulumi.dev.yaml"]
    before = dict(world.ports.runtime.runs)
    world.ports.repository.commit({"stacks/Pulumi.dev.yaml": "config: [\n"})
    assert world.promoter.resume(world.actor("sam")) == []
    assert world.ports.runtime.runs == before
    world.ports.repository.commit({"stacks/Pulumi.dev.yaml": stack})
    assert [(one.id, one.state) for one in world.promoter.resume(world.actor("sam"))] == [(begun.id, "verified")]


@pytest.mark.parametrize(("after", "read"), [(False, True), (True, False)])
def test_a_record_without_a_seal_is_read_only_if_it_is_from_before_seals(after: bool, read: bool):
    at = datetime(2026, 12, 2 if after else 1, tzinfo=UTC) if after else datetime(2026, 11, 30, tzinfo=UTC)
    assert (at >= SEALED_SINCE) is after
    record = Record(id=next_id([], "A" * 16, at), kind="freeze", environment="dev", by="sam", at=at)
    text = "".join(line for line in render(record).splitlines(keepends=True) if not line.startswith("seal:"))
    if read:
        assert parse(record.path, text) == record
    else:
        with pytest.raises(TextError, match="somebody edited"):
            parse(record.path, text)
