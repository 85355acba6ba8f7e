"""What the record of promotions says, as metrics."""

from datetime import UTC, datetime, timedelta

import msgspec
from prometheus_client import CollectorRegistry, generate_latest

from gatehouse_portal.areas.releases.dora_exporter import DoraExporter
from gatehouse_release.model import Record, RecordStep, ReleaseChange
from gatehouse_release.state import read_state
from gatehouse_release.testing.in_memory import release, tree


def shown(exporter: DoraExporter) -> list[str]:
    registry = CollectorRegistry()
    registry.register(exporter)
    return [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]


def test_before_main_was_read_there_is_nothing():
    assert shown(DoraExporter()) == []


def test_each_environment_has_its_figures_and_none_that_nothing_stands_behind(workspace_root):
    now = datetime.now(UTC)
    built = msgspec.structs.replace(release("person", 2), built_at=(now - timedelta(hours=3)).isoformat())
    done = Record(
        id="1",
        kind="promotion",
        environment="dev",
        by="somebody",
        at=now,
        state="verified",
        services={"person": ReleaseChange(before=None, after=built)},
        history=(RecordStep(state="verified", at=now - timedelta(hours=1), by="somebody"),),
    )
    policy = (workspace_root / "stacks" / "policy.yaml").read_text()
    exporter = DoraExporter()
    exporter.state = msgspec.structs.replace(
        read_state("", tree(policy, {"person": "people"})), records_of={"dev": (done,)}
    )
    found = shown(exporter)
    assert 'gatehouse_delivery_changes{outcome="deployments",stage="dev"} 1.0' in found
    assert 'gatehouse_delivery_lead_seconds{stage="dev"} 7200.0' in found
    assert 'gatehouse_delivery_changes{outcome="deployments",stage="production"} 0.0' in found
    assert not [line for line in found if "restore" in line]
