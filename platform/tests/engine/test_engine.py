"""The whole program under Pulumi's real engine: what a release needs of a deployment, step by step, in one clone.

The tests build on one another, as an environment's life does: they run in the order in which they stand.
"""

import json
import re
import subprocess
from typing import Any

import pytest

from gatehouse_platform.offline.check import graph_of

pytestmark = [pytest.mark.deep, pytest.mark.timeout(1800)]
PACK = ("--policy-pack", "platform/policy_pack")


def services(clone: Any, person: int = 2, database: int = 2) -> dict[str, Any]:
    """The releases of two services; those of person are chosen."""
    return {"identity": clone.release(1, database=1), "person": clone.release(person, database=database)}


def installed(clone: Any) -> set[str]:
    done = subprocess.run(
        ["uv", "pip", "list", "--quiet"],
        cwd=clone.folder,
        env=clone.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.split()[0] for line in done.stdout.splitlines()[2:]}


def test_installing_as_every_deployment_does_harms_nothing(clone: Any):
    before = installed(clone)
    clone.pulumi("install", "--no-plugins")
    assert {"pulumi", "gatehouse-platform"} <= before == installed(clone)


def test_a_first_update_creates_what_the_check_says(clone: Any):
    clone.pulumi("stack", "init", "dev", "--secrets-provider", "passphrase")
    clone.configure("dev", releases=services(clone))
    clone.pulumi("up", "-s", "dev", "--yes", *PACK)
    expected = {each.urn for each in graph_of(clone.folder, "dev", examples=False).resources}
    clone.pulumi("stack", "export", "-s", "dev", "--file", "state.json")
    state = json.loads((clone.folder / "state.json").read_text())["deployment"]["resources"]
    # The engine counts the stack itself, and the providers that nobody asked for by name.
    found = {
        each["urn"] for each in state if not re.search(r"::pulumi:(pulumi:Stack|providers:.*::default)", each["urn"])
    }
    assert found == expected


def test_a_second_preview_is_empty(clone: Any):
    clone.pulumi("preview", "-s", "dev", "--expect-no-changes", *PACK)


def test_a_digest_changes_its_task_definition_and_its_service(clone: Any):
    clone.configure("dev", releases=services(clone, 3, 2))
    assert clone.up("dev") == [
        "create aws:ecs/taskDefinition:TaskDefinition person",
        "update aws:ecs/service:Service person",
        "delete aws:ecs/taskDefinition:TaskDefinition person",
    ]


def test_two_digests_change_the_schema_first(clone: Any):
    clone.configure("dev", releases=services(clone, 4, 3))
    said = clone.pulumi("up", "-s", "dev", "--yes", "--skip-preview", "--diff")
    schema, service = (said.index(f"{kind}::person") for kind in ("gatehouse:Schema", "ecs/service:Service"))
    assert schema < service


def test_the_pack_refuses_a_public_database_beside_a_new_digest(clone: Any):
    clone.configure("dev", releases=services(clone, 5, 3))
    program = clone.folder / "platform/gatehouse_platform/components/database.py"
    right = program.read_text()
    assert "publicly_accessible=False" in right
    program.write_text(right.replace("publicly_accessible=False", "publicly_accessible=True"))
    try:
        said = clone.pulumi("preview", "-s", "dev", *PACK, fails=True)
    finally:
        program.write_text(right)
    assert "databases-are-private" in said


def test_a_size_and_a_mix_of_capacity_can_be_changed(clone: Any):
    clone.configure(
        "dev",
        releases=services(clone, 4, 3),
        database={"instance": "db.t4g.medium"},
        capacity={"on_demand_base": 1, "on_demand_weight": 1, "spot_weight": 1},
    )
    assert set(clone.up("dev", *PACK)) == {
        "update aws:rds/instance:Instance database",
        "update aws:ecs/service:Service identity",
        "update aws:ecs/service:Service person",
    }


def test_a_restored_database_is_adopted_by_its_id(clone: Any):
    """runbooks/restore.md, step 4: the copy has another resource id."""
    clone.pulumi("stack", "export", "-s", "dev", "--file", "state.json")
    state = clone.folder / "state.json"
    text = state.read_text()
    assert '"id": "db-GATEHOUSE-DEV"' in text
    clone.run("sed", "-i", "s/db-GATEHOUSE-DEV/db-RESTORED/g", "state.json")
    clone.pulumi("stack", "import", "-s", "dev", "--file", "state.json")
    clone.pulumi("preview", "-s", "dev", "--expect-no-changes")
    assert "db-RESTORED" in clone.pulumi("stack", "-s", "dev", "--show-ids")


def test_what_is_protected_is_refused_before_anything_is_deleted(clone: Any):
    clone.pulumi("stack", "init", "production", "--secrets-provider", "passphrase")
    clone.up("production")
    said = clone.pulumi("destroy", "-s", "production", "--yes", fails=True)
    assert "protected" in said
    clone.pulumi("preview", "-s", "production", "--expect-no-changes")


def test_an_environment_can_be_torn_down(clone: Any):
    clone.pulumi("destroy", "-s", "dev", "--yes")
    assert "Current stack resources (0)" in clone.pulumi("stack", "-s", "dev")
    clone.pulumi("stack", "rm", "dev", "--yes", "--preserve-config")
