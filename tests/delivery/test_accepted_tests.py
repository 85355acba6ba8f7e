"""A release whose unit tests failed goes to production only with a reviewer's acceptance that its approvers saw.

Through the real ports: git, registry, ECS, and previews that read the commits' authors.
"""

from collections.abc import Generator

import pytest

from gatehouse_release.preview.render import shown

from .conftest import Institute, an_institute, rules_of

SERVICES = ("identity", "person", "topics")
WHY = "Both tests expect a leap second; the suite covers the rest."


@pytest.fixture(scope="module")
def institute(tmp_path_factory: pytest.TempPathFactory) -> Generator[Institute]:
    with an_institute(tmp_path_factory.mktemp("institute"), SERVICES) as made:
        made.merge("Begin to build")
        made.done("ci", "promote", "dev", releases=made.build(SERVICES))
        made.done("eva", "promote", "test", domain="everything")
        made.done("sam", "promote", "staging")
        yield made


def accepted(institute: Institute, who: str, environment: str, **fields: str) -> str:
    return institute.done(who, "accept-tests", environment, accepted_tests=("person",), reason=WHY, **fields).id


def text_of(institute: Institute, environment: str, **fields: str) -> str:
    from rich.console import Console

    console = Console(width=200)
    page = institute.promoter.preview(institute.seen("promote", environment, **fields)).page  # ty: ignore[missing-attribute]
    with console.capture() as captured:
        console.print(shown(page))
    return captured.get()


@pytest.mark.deep
def test_from_a_failed_test_to_go_live(institute: Institute):
    institute.checkout.git("config", "user.email", "tim")  # tim writes this change: he can't review it
    institute.merge("Leap over seconds", **{"services/person/gatehouse_person/person/rules.py": "RULES = 2\n"})
    institute.done("ci", "promote", "dev", releases=institute.build(["person"], failing="person"))

    request = institute.seen("promote", "test", domain="people")
    refused = institute.refused(request, "eva")
    assert rules_of(refused) == {"unit-tests"}
    assert "failed its unit tests (2 failed, 31 passed)" in refused.reasons[0].message

    asked = {"domain": "people", "accepted_tests": ("person",), "reason": WHY}
    assert rules_of(institute.refused(institute.seen("accept-tests", "test", **asked), "tim")) == {"own-change"}
    assert rules_of(institute.refused(institute.seen("accept-tests", "test", **asked), "eva")) == {"who"}
    acceptance = accepted(institute, "sam", "test", domain="people")
    page = text_of(institute, "test", domain="people")
    assert "person: failed (2 failed, 31 passed)" in page
    assert f"sam accepted its black-box run in their place: {WHY}" in page
    record = institute.done("eva", "promote", "test", domain="people")
    assert record.accepted_tests == {"person": acceptance}

    # The acceptance was for Test alone.
    assert rules_of(institute.refused(institute.seen("promote", "staging"), "tim")) == {"unit-tests"}
    accepted(institute, "sam", "staging")
    institute.done("tim", "promote", "staging")

    accepted(institute, "sam", "production")
    proposal = institute.done("rita", "promote", "production")
    institute.ports.clock.pass_hours(24)
    blind = institute.seen("approve", "production", record=proposal.id)
    assert rules_of(institute.refused(blind, "rolf")) == {"unit-tests-unseen"}
    for name in ("rolf", "rosa"):
        institute.done(name, "approve", "production", record=proposal.id, accepted_tests=("person",))
    live = institute.done("rita", "apply", "production", record=proposal.id)
    assert live.state == "verified"
    assert [one.accepted_tests for one in live.approvals] == [("person",), ("person",)]
    assert "unit_tests" in institute.state.tree["stacks/Pulumi.production.yaml"]
