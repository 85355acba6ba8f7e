"""A service that left the catalog runs on until each environment lets it go; a renamed one changes in one move."""

from typing import Any

from gatehouse_release.state import read_state
from gatehouse_release.testing.in_memory import release

from .conftest import SERVICES, World, all_at, rules_of, told

PARTNER = 'name = "partner"\ndomain = "people"\npath = "/api/partner"\nport = 8403\n[database]\nschema = "partner"\n'


def file(service: str) -> str:
    return f"services/{service}/service.toml"


def with_partner(world: World) -> None:
    """partner runs in dev and test, beside all others."""
    world.ports.repository.commit({file("partner"): PARTNER})
    assert world.merge(**dict.fromkeys([*SERVICES, "partner"], 1)).ok
    world.to_test()


def leave(world: World, **others: str) -> None:
    """The merge after which partner isn't in the catalog any more; `others` are written."""
    world.ports.repository.commit({file("partner"): None, **{file(name): text for name, text in others.items()}})


def renamed(world: World) -> None:
    leave(world, sponsor=PARTNER.replace('name = "partner"', 'name = "sponsor"'))


def refused(world: World, who: str, environment: str, **fields: Any) -> tuple[set[str], str]:
    explained = world.explain(who, "promote", environment, **fields)
    outcome = world.ask(who, "promote", environment, **fields)
    assert not outcome.ok
    assert outcome.decision.reasons == explained.reasons
    return rules_of(outcome.decision), told(outcome.decision)


def test_a_removed_service_runs_until_each_environment_lets_it_go(world: World):
    with_partner(world)
    leave(world)
    everywhere = all_at(1, [*SERVICES, "partner"])
    assert world.merge(topics=2).ok  # whatever is built next takes it out of dev
    assert world.tags("dev") == all_at(1, SERVICES) | {"topics": "v2"}
    assert world.tags("test") == everywhere
    assert world.state.known("test")["partner"].domain == "people"
    outcome = world.ask("eva", "promote", "test", domain="people")
    assert outcome.ok, told(outcome.decision)
    assert world.tags("test") == all_at(1, SERVICES)
    assert ("test", "partner") not in world.ports.runtime.runs
    assert not world.state.known("dev", "test").get("partner")


def test_a_merge_that_only_removes_takes_it_out_of_dev(world: World):
    with_partner(world)
    leave(world)
    outcome = world.ask("ci", "promote", "dev")
    assert outcome.ok, told(outcome.decision)
    assert world.tags("dev") == all_at(1, SERVICES)
    assert rules_of(world.ask("ci", "promote", "dev").decision) == {"nothing-to-promote"}


def test_an_environment_without_it_must_have_been_seen_before_the_next_lets_it_go(world: World):
    with_partner(world)
    leave(world)
    world.ports.black_box.failing["dev"] = "2 failed"
    world.merge(topics=2)
    rules, said = refused(world, "eva", "test", services=("partner",))
    assert rules == {"black-box"}
    assert "the black-box suite failed in dev without partner" in said
    assert world.tags("test")["partner"] == "v1"


def test_a_service_of_the_catalog_is_not_taken_out_of_dev(world: World):
    world.merge(person=1)
    assert rules_of(world.ask("eva", "promote", "dev", services=("person",)).decision) == {"nothing-to-promote"}
    assert world.tags("dev") == {"person": "v1"}


def test_a_renamed_service_comes_as_its_former_one_goes(world: World):
    with_partner(world)
    renamed(world)
    outcome = world.merge(sponsor=1)
    assert outcome.ok, told(outcome.decision)
    assert world.tags("dev") == all_at(1, [*SERVICES, "sponsor"])
    assert outcome.record
    assert set(outcome.record.services) == {"partner", "sponsor"}
    outcome = world.ask("eva", "promote", "test", services=("sponsor",))  # only the new name is said
    assert outcome.ok, told(outcome.decision)
    assert world.tags("test") == all_at(1, [*SERVICES, "sponsor"])


def test_what_claims_the_port_of_a_service_that_still_runs_waits_for_it(world: World):
    with_partner(world)
    leave(world, ledger='name = "ledger"\ndomain = "money"\npath = "/api/ledger"\nport = 8403\n')
    ledger = release("ledger", 1, database=False)
    world.ports.registry.add("ledger", ledger)
    assert world.ask("ci", "promote", "dev", releases={"ledger": ledger}).ok  # which takes partner out of dev
    rules, said = refused(world, "eva", "test", domain="money")
    assert rules == {"taken"}
    assert "partner runs in test, left the catalog, and has the port 8403 of ledger" in said
    assert world.ask("eva", "promote", "test", services=("partner",)).ok
    assert world.ask("eva", "promote", "test", domain="money").ok


def test_a_hold_keeps_a_removed_service_and_lets_the_rest_go(world: World):
    with_partner(world)
    leave(world)
    assert world.ask("eva", "hold", "dev", services=("partner",), reason="the audit reads it").ok
    outcome = world.merge(topics=2)
    assert outcome.ok, told(outcome.decision)
    assert world.tags("dev") == all_at(1, [*SERVICES, "partner"]) | {"topics": "v2"}
    assert outcome.record
    assert set(outcome.record.left_out) == {"partner"}


def test_a_rollback_brings_the_former_service_back_and_it_stays(world: World):
    with_partner(world)
    renamed(world)
    world.merge(sponsor=1)
    outcome = world.ask("sam", "rollback", "dev", reason="nobody finds it")
    assert outcome.ok, told(outcome.decision)
    assert world.tags("dev") == all_at(1, [*SERVICES, "partner"])
    assert {hold.service: bool(hold.digest) for hold in world.state.holds("dev")} == {"partner": False, "sponsor": True}
    outcome = world.merge(sponsor=2, topics=2)
    assert world.tags("dev") == all_at(1, [*SERVICES, "partner"]) | {"topics": "v2"}


def test_a_commit_that_is_not_known_leaves_no_domain(world: World):
    """The repository has no file for it: the service can be named, and belongs to no domain."""
    with_partner(world)
    leave(world)
    _, tree = world.ports.repository.read()
    texts = {path: text for path, text in tree.items() if not path.startswith("removed/")}
    assert read_state("", texts).removed["dev"]["partner"].domain == ""
