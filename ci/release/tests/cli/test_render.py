"""At 80 columns `gate promote` cuts no name, tag, state or figure: each word of a wide terminal is there."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from rich.console import Console

from gatehouse_release.cli import render
from gatehouse_release.matrix import matrix
from gatehouse_release.model import PromotionRequest
from gatehouse_release.preview.page import (
    Api,
    Commit,
    DatabasePreview,
    Infrastructure,
    PlannedStep,
    PreviewPage,
    ReleaseMove,
    SettingDifference,
    SourceHealth,
    WayBack,
)
from gatehouse_release.preview.render import shown

from ..conftest import World

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TAG = "v2026.11.23-1a2b3c4d"


def words(drawn: Any, width: int) -> set[str]:
    file = io.StringIO()
    Console(file=file, width=width, color_system=None).print(drawn)
    for line in file.getvalue().splitlines():
        assert len(line) <= width
    return {word for word in file.getvalue().split() if word.strip("─━│┃┏┳┓┗┻┛┡┩╇┌┬┐└┴┘├┼┤")}


def assert_whole(drawn: Any) -> None:
    headings = {"service", "domain"}  # of a table; where there is no room for one, there are blocks
    assert words(drawn, 400) - words(drawn, 80) - headings == set()


def delivered(world: World) -> World:
    """Releases with tags as CI gives them, a hold, and a freeze."""
    releases = {name: msgspec.structs.replace(world.built(name, 1), tag=TAG) for name in ("person", "curriculum")}
    for name, one in releases.items():
        world.ports.registry.add(name, one)
    assert world.ask("ci", "promote", "dev", releases=releases).ok
    assert world.ask("eva", "promote", "test", domain="people").ok
    assert world.ask("sam", "hold", "test", services=("curriculum",), reason="It loses notes of members.").ok
    assert world.ask("sam", "freeze", "staging", reason="The yearly meeting.").ok
    return world


def test_status_shows_every_service_tag_and_state_whole(world: World):
    state = delivered(world).state
    found = render.matrix(matrix(state, NOW + timedelta(hours=30)), NOW + timedelta(hours=30))
    assert_whole(found)
    assert {TAG, "curriculum", "learning", "held", "production"} <= words(found, 80)


def test_the_log_a_refusal_and_an_outcome_are_whole(world: World):
    state = delivered(world).state
    assert_whole(render.log(list(state.records.values())))
    request = world.seen("promote", "test", services=("curriculum",))
    assert_whole(render.decision(world.promoter.explain(request, world.actor("eva"))))
    verified = world.promoter.run(PromotionRequest(action="verify", environment="dev"), world.actor("eva"))
    assert_whole(render.outcome(verified))


def test_a_preview_is_whole():
    commit = Commit(id="1a2b3c4d" * 5, subject="Keep the notes of members who left", by="Eva", at=NOW, pull_request=12)
    step = PlannedStep(
        what="drop column curriculum.plan.note",
        why="it left the configuration",
        locks="ACCESS EXCLUSIVE on curriculum.plan, at most 100 ms",
        phase="contract",
        reversible=False,
        hazards=("its data is gone for good",),
    )
    page = PreviewPage(
        environment="test",
        source="dev",
        fingerprint="f" * 64,
        moves=(ReleaseMove(service="curriculum", before=TAG, after="v2026.11.24-5e6f7a8b", commits=(commit,)),),
        settings=(SettingDifference(service="curriculum", key="largest_plan_of_a_member", what="without a value"),),
        databases=(
            DatabasePreview(
                service="curriculum", steps=(step,), fingerprint="0123456789abcdef", dangers=("a column goes",)
            ),
        ),
        apis=(Api(service="curriculum", note="The service before has none."),),
        infrastructure=Infrastructure(changed=("platform/gatehouse_platform/components/schema_migration.py",)),
        health=SourceHealth(environment="dev", seen_at=NOW, by_record="0" * 26, black_box="42 passed in 12.30 s"),
        ways_back=(WayBack(service="curriculum", possible=False, why="plan is 2.0.0.0, another major version"),),
    )
    assert_whole(shown(page))
