"""A service leaves the catalog, another one gets a new name: each environment goes on until a promotion reaches it."""

from collections.abc import Generator

import pytest
from click.testing import CliRunner

from gatehouse_ci.affected import report
from gatehouse_local.gate import gate

from .conftest import CODE, Institute, an_institute

SERVICES = ("identity", "partner", "person", "topics")


@pytest.fixture(scope="module")
def institute(tmp_path_factory: pytest.TempPathFactory) -> Generator[Institute]:
    """Four services that run everywhere."""
    with an_institute(tmp_path_factory.mktemp("institute"), SERVICES) as made:
        made.merge("Begin to build", **{CODE: "RULES = 1\n"})
        made.done("ci", "promote", "dev", releases=made.build(SERVICES))
        made.done("eva", "promote", "test", domain="everything")
        made.done("tim", "promote", "staging")
        made.ports.clock.pass_hours(24.5)
        made.go_live()
        yield made


@pytest.mark.deep
def test_a_removed_service_runs_on_until_each_environment_lets_it_go(institute: Institute):
    everywhere = dict.fromkeys(SERVICES, "v1")
    institute.merge_move("Remove topics", "topics")
    found = report.since_release(institute.checkout.root, "dev")
    assert (found.services, set(found.removed)) == ([], {"topics"})
    # Where it still runs, everything else goes on: main's program reads its file at its release's commit.
    institute.done("ci", "promote", "dev", releases=institute.merge_code())
    left = {name: tag for name, tag in everywhere.items() if name != "topics"} | {"person": "v2"}
    institute.agree("dev", **left)
    institute.done("eva", "promote", "test", services=("person",))
    institute.agree("test", **everywhere | {"person": "v2"})
    institute.pull()
    assert report.since_release(institute.checkout.root, "dev").removed == {}

    institute.done("eva", "promote", "test", domain="learning")
    institute.agree("test", **left)
    institute.done("tim", "promote", "staging")
    institute.agree("staging", **left)
    institute.agree("production", **everywhere)
    institute.ports.clock.pass_hours(24.5)
    record = institute.go_live()
    assert record.services["topics"].after is None
    institute.agree("production", **left)


@pytest.mark.deep
def test_a_renamed_service_changes_its_name_in_one_move(institute: Institute):
    before = {name: release.tag for name, release in institute.state.releases["test"].items()}
    institute.merge_move("Call partners sponsors", "partner", "sponsor")
    institute.done("ci", "promote", "dev", releases=institute.build(["sponsor"]))
    after = {name: tag for name, tag in before.items() if name != "partner"} | {"sponsor": "v3"}
    institute.agree("dev", **after)
    institute.agree("test", **before)
    page = institute.promoter.preview(institute.seen("promote", "test", services=("sponsor",))).to_builtins()
    assert {move["service"]: move["after"] for move in page["moves"]} == {"partner": "", "sponsor": "v3"}
    assert list(page["databases"]) == []  # the schema stays as it is
    record = institute.done("eva", "promote", "test", services=("sponsor",))
    assert set(record.services) == {"partner", "sponsor"}
    institute.agree("test", **after)

    institute.done("sam", "rollback", "test", reason="nobody finds it")
    institute.agree("test", **before)
    institute.pull()
    done = CliRunner().invoke(
        gate, ["--root", str(institute.checkout.root), "promote", "status"], env=institute.environ
    )
    assert "partner" in done.output
