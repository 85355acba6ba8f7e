"""From a merged change to Production and back, with the real ports; after each step all that can be asked agrees."""

import pytest

from gatehouse_catalog import find_root, load_catalog

from .conftest import CODE, Institute, rules_of

pytestmark = pytest.mark.begins_early


@pytest.mark.deep
def test_a_change_goes_from_its_merge_to_production_and_back(institute: Institute):
    first_release_to_staging(institute)
    go_live(institute)
    a_bad_release_is_rolled_back(institute)
    what_was_removed_is_held(institute)
    a_hold_by_hand_is_lifted(institute)
    what_was_rolled_back_stays_away_until_it_is_fixed(institute)
    a_held_service_stops_no_other(institute)


SERVICES = [service.name for service in load_catalog(find_root())]


def all_at(tag: str, **others: str) -> dict[str, str]:
    return {**dict.fromkeys(SERVICES, tag), **others}


def first_release_to_staging(institute: Institute) -> None:
    """At first everything is built, then what a change affects; domains go to test, everything to staging."""
    institute.merge("Begin to build", **{CODE: "RULES = 1\n"})
    assert institute.affected == SERVICES
    institute.done("ci", "promote", "dev", releases=institute.build(SERVICES))
    institute.agree("dev", **all_at("v1"))

    institute.pull()
    assert institute.affected == []
    releases = institute.merge_code()
    assert institute.affected == ["person"]
    institute.done("ci", "promote", "dev", releases=releases)
    institute.agree("dev", **all_at("v1", person="v2"))
    institute.agree("test")

    institute.done("eva", "promote", "test", domain="people")
    institute.agree("test", identity="v1", intake="v1", person="v2")
    for domain in sorted(set(institute.state.domains) - {"people"}):
        institute.done("eva", "promote", "test", domain=domain)
    institute.agree("test", **all_at("v1", person="v2"))

    institute.done("tim", "promote", "staging")
    institute.agree("staging", **all_at("v1", person="v2"))
    institute.agree("production")


def go_live(institute: Institute) -> None:
    """After the soak, by two release managers other than the one who proposed it."""
    early = institute.seen("promote", "production")
    institute.ports.clock.pass_hours(24.5)
    record = institute.go_live(fingerprint=early.fingerprint)
    assert [step.state for step in record.history] == ["proposed", "approved", "applying", "verified"]
    assert [approval.by for approval in record.approvals] == ["rolf", "rosa"]
    institute.agree("production", **all_at("v1", person="v2"))


def a_bad_release_is_rolled_back(institute: Institute) -> None:
    """To the set that was verified before, with a hold on what was removed."""
    institute.done("ci", "promote", "dev", releases=institute.merge_code())
    institute.done("eva", "promote", "test", services=("person",))
    institute.done("tim", "promote", "staging")
    institute.ports.clock.pass_hours(24.5)
    institute.go_live()
    institute.agree("production", **all_at("v1", person="v3"))

    record = institute.go_live("rollback", reason="nobody can be archived")
    assert record.kind == "rollback"
    institute.agree("production", **all_at("v1", person="v2"))


def what_was_removed_is_held(institute: Institute) -> None:
    """The next Go-Live can't bring it back, and says why; the other environments keep it."""
    (hold,) = institute.state.holds("production")
    assert (hold.service, hold.digest) == ("person", institute.state.releases["staging"]["person"].digest)
    refused = institute.refused(institute.seen("promote", "production"), "rita")
    assert "hold" in rules_of(refused)
    assert "nobody can be archived" in "\n".join(map(str, refused.reasons))
    institute.agree("production", **all_at("v1", person="v2"))
    institute.agree("staging", **all_at("v1", person="v3"))


def a_hold_by_hand_is_lifted(institute: Institute) -> None:
    """It keeps out what a merge has built, too; a build that would only be refused isn't made."""
    hold = institute.done("eva", "hold", "dev", services=("person",), reason="the mentors' week")
    releases = institute.merge_code()
    assert rules_of(institute.refused(institute.seen("promote", "dev", releases=releases), "ci")) == {"hold"}
    assert institute.affected == []
    institute.agree("dev", **all_at("v1", person="v3"))
    institute.done("sam", "lift", "dev", record=hold.id)
    institute.done("ci", "promote", "dev", releases=releases)
    institute.agree("dev", **all_at("v1", person="v4"))


def what_was_rolled_back_stays_away_until_it_is_fixed(institute: Institute) -> None:
    """A bad release, a rollback, a merge of something else, the fix: main contains the bad commit all along."""
    bad = institute.merge_code()
    institute.done("ci", "promote", "dev", releases=bad)
    institute.agree("dev", **all_at("v1", person="v5"))
    institute.done("sam", "rollback", "dev", reason="sign-ups fail")
    institute.agree("dev", **all_at("v1", person="v4"))

    institute.merge("Word it better", **{"README.md": "Another word.\n"})
    assert institute.affected == []
    releases = institute.build(["person"])  # somebody builds it all the same
    assert releases["person"].digest != bad["person"].digest
    refused = institute.refused(institute.seen("promote", "dev", releases=releases), "ci")
    assert rules_of(refused) == {"hold"}
    assert f"which contains {bad['person'].commit[:12]}, held in dev by sam" in str(refused.reasons[0])
    institute.agree("dev", **all_at("v1", person="v4"))

    fixed = institute.merge_code()
    (hold,) = institute.state.holds("dev")
    assert (hold.service, hold.commit) == ("person", bad["person"].commit)
    assert institute.affected == []
    institute.done("sam", "lift", "dev", record=hold.id, reason="fixed")
    institute.pull()
    assert institute.affected == ["person"]
    institute.done("ci", "promote", "dev", releases=fixed)
    institute.agree("dev", **all_at("v1", person="v7"))


def a_held_service_stops_no_other(institute: Institute) -> None:
    """Two services changed, one of them is held: the other is built and released, and the record names the hold."""
    hold = institute.done("eva", "hold", "dev", services=("person",), reason="the mentors' week")
    topics = "services/topics/gatehouse_topics/rules.py"
    institute.merge("Change two services", **{CODE: "RULES = 100\n", topics: "RULES = 100\n"})
    assert institute.affected == ["topics"]
    record = institute.done("ci", "promote", "dev", releases=institute.build(["person", "topics"]))
    assert (set(record.services), record.left_out) == ({"topics"}, {"person": hold.id})
    institute.agree("dev", **all_at("v1", person="v7", topics="v8"))
