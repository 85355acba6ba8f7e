"""An environment's life under Pulumi's real engine, in one clone: the runbooks as they are written, and what a release
needs of a deployment. The tests build on one another and run in the order in which they stand.
"""

import json
import re
from typing import Any

import boto3
import pytest

from gatehouse_platform.offline.check import graph_of

pytestmark = [pytest.mark.deep, pytest.mark.timeout(1800)]
FAILURE = range(1, 256)
PACK = ("--policy-pack", "platform/policy_pack")
TASK_DEFINITION, SERVICE = "aws:ecs/taskDefinition:TaskDefinition", "aws:ecs/service:Service"
DATABASE = "aws:rds/instance:Instance database"
# The engine counts the stack itself, and the providers that nobody asked for by name.
GROUPS = {
    "pages": {"services": ["partner", "portal", "topics"]},
    "members": {"services": ["communication", "curriculum", "encounter", "person"]},
}
ITS_OWN = re.compile(r"::pulumi:(pulumi:Stack|providers:.*::default)")


def services(clone: Any, person: int = 2, database: int = 2) -> dict[str, Any]:
    """The releases of two services; those of person are chosen."""
    return {"identity": clone.release(1, database=1), "person": clone.release(person, database=database)}


def installed(clone: Any) -> set[str]:
    said = clone.command("uv", "pip", "list", "--quiet")
    return {line.split()[0] for line in said.splitlines()[2:]}


def client(service: str, moto: str) -> Any:
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    return boto3.client(service, region_name="eu-central-1", endpoint_url=moto, **keys)


def write(clone: Any, name: str, text: str) -> Any:
    return lambda: (clone.folder / name).write_text(text)


def test_installing_as_every_deployment_does_harms_nothing(clone: Any):
    before = installed(clone)
    clone.pulumi("install", "--no-plugins")
    assert {"pulumi", "pulumi-awsx", "gatehouse-platform"} <= before == installed(clone)


def test_an_account_is_bootstrapped(clone: Any):
    """bootstrap.md: the state moves into the bucket that it has made, encrypted by the key that it has made."""
    token = json.dumps({"username": "robot", "accessToken": "none"})
    clone.follow(
        "bootstrap",
        before={
            "gate stack check": lambda: clone.configure("foundation", cost_tags=False),
            "aws secretsmanager put-secret-value": write(clone, "ghcr.json", token),
        },
    )
    assert "encryptedkey: " in (clone.folder / "stacks/Pulumi.foundation.yaml").read_text()
    assert not (clone.folder / "bootstrap-state").exists()


def test_an_environment_comes_up(clone: Any, moto: str):
    """first-up.md: sites, secrets that people fill, then the first release."""
    clone.follow(
        "first-up",
        {"SERVICE/KEY": "identity/key_encryption_secret"},
        before={
            "aws secretsmanager put-secret-value": write(clone, "value.txt", "given"),
            "gate stack diff": lambda: clone.configure("dev", releases=services(clone)),
        },
    )
    assert "https://dev.gatehouse.example" in clone.printed["pulumi stack output url -s dev"]
    given = client("secretsmanager", moto).get_secret_value(SecretId="gatehouse-dev/identity/key_encryption_secret")
    assert given["SecretString"] == "given"
    kept = (clone.folder / "stacks/Pulumi.dev.yaml").read_text()
    assert kept.startswith("# yaml-language-server: $schema=schema.json\n# What this environment wants")
    assert "encryptedkey: " in kept
    clone.commit()


def test_what_stands_is_what_the_check_says(clone: Any):
    expected = {each.urn for each in graph_of(clone.folder, "dev", examples=False).resources}
    assert {each["urn"] for each in clone.state("dev") if not ITS_OWN.search(each["urn"])} == expected
    foundation = {each.urn for each in graph_of(clone.folder, "foundation").resources}
    assert {each["urn"] for each in clone.state("foundation") if not ITS_OWN.search(each["urn"])} == foundation


def test_a_component_of_awsx_has_the_children_of_the_recording(clone: Any):
    """With the same properties; by the real plugin where it is on PATH."""
    inputs = {each["urn"]: each.get("inputs", {}) for each in clone.state("dev")}
    graph = graph_of(clone.folder, "dev", examples=False)
    (component,) = graph.of_type("awsx:lb:ApplicationLoadBalancer")
    children = graph.children(component.urn)
    assert {each.kind for each in children} == {"LoadBalancer", "Listener", "TargetGroup"}
    for each in children:
        asked = {key: value for key, value in inputs[each.urn].items() if key != "__defaults"}
        assert asked == each.properties, each.name


def test_a_second_preview_is_empty(clone: Any):
    clone.pulumi("preview", "-s", "dev", "--expect-no-changes", *PACK)


def test_two_digests_change_the_schema_first(clone: Any):
    clone.configure("dev", releases=services(clone, 3, 3))
    said = clone.pulumi("up", "-s", "dev", "--yes", "--skip-preview", "--diff")
    schema, service = (said.index(each) for each in ("gatehouse:Schema::person", "ecs/service:Service::members"))
    assert schema < service


def test_a_digest_on_main_is_deployed_with_its_task_definition_and_its_service(clone: Any):
    """`gate deploy`: from main, in a folder of its own, with the policies."""
    clone.configure("dev", releases=services(clone, 4, 3))
    clone.commit()
    assert clone.calls(lambda: clone.command("gate", "deploy", "dev")) == [
        f"create {TASK_DEFINITION} members",
        f"update {SERVICE} members",
        f"delete {TASK_DEFINITION} members",
    ]


def test_drift_is_found_and_a_deployment_ends_it(clone: Any):
    assert "dev has not drifted from main." in clone.command("gate", "drift", "dev")
    clone.drift.write_text(json.dumps({DATABASE: {"backupRetentionPeriod": 1}}))
    assert f"update {DATABASE}" in clone.command("gate", "drift", "dev", codes=(2,))
    assert clone.calls(lambda: clone.command("gate", "deploy", "dev")) == [f"update {DATABASE}"]
    assert "dev has not drifted from main." in clone.command("gate", "drift", "dev")


def test_the_pack_refuses_a_public_database_beside_a_new_digest(clone: Any):
    clone.configure("dev", releases=services(clone, 5, 3))
    program = clone.folder / "platform/gatehouse_platform/components/database.py"
    right = program.read_text()
    assert "publicly_accessible=False" in right
    program.write_text(right.replace("publicly_accessible=False", "publicly_accessible=True"))
    try:
        said = clone.pulumi("preview", "-s", "dev", *PACK, codes=FAILURE)
    finally:
        program.write_text(right)
        clone.configure("dev", releases=services(clone, 4, 3))
    assert "databases-are-private" in said


def test_a_size_and_a_mix_of_capacity_can_be_changed(clone: Any, moto: str):
    """scale.md, for the database, a service and the mix of Spot and on-demand."""

    def larger() -> None:
        clone.configure(
            "dev",
            groups={
                "members": {**GROUPS["members"], "cpu": 512, "memory": 2048, "min": 2, "max": 6},
                "pages": GROUPS["pages"],
            },
            database={"instance": "db.t4g.medium", "storage_gib": 50},
            capacity={"on_demand_base": 1, "on_demand_weight": 1, "spot_weight": 1},
        )

    def night() -> None:
        client("rds", moto).stop_db_instance(DBInstanceIdentifier="gatehouse-dev")

    made = clone.calls(lambda: clone.follow("scale", before={"gate stack diff": larger, "aws rds start": night}))
    assert {f"update {DATABASE}", f"update {SERVICE} identity", f"create {TASK_DEFINITION} members"} <= set(made)
    (members,) = client("application-autoscaling", moto).describe_scalable_targets(ServiceNamespace="ecs")[
        "ScalableTargets"
    ]
    assert (members["MinCapacity"], members["MaxCapacity"]) == (1, 2)


def test_secrets_and_passwords_can_be_rotated(clone: Any):
    def urn(kind: str) -> str:
        (listed,) = (text for line, text in clone.printed.items() if line.startswith("pulumi stack --show-urns"))
        return next(each for each in re.findall(r"urn:pulumi:\S+", listed) if kind in each)

    made = clone.calls(
        lambda: clone.follow(
            "rotate",
            {"SERVICE/KEY": "identity/key_encryption_secret", "SERVICE": "person", "GROUP": "members"},
            later={"URN_OF_THE_PASSWORD": lambda: urn("RandomPassword"), "URN_OF_THE_SCHEMA": lambda: urn("Schema")},
        )
    )
    assert "create random:index/randomPassword:RandomPassword person-database" in made
    assert {call.split()[-1] for call in made} == {"person-database", "members-databases"}


def test_postgresql_can_be_upgraded(clone: Any):
    def newer() -> None:
        clone.configure("dev", database={"instance": "db.t4g.medium", "storage_gib": 50, "version": "18"})

    made = clone.calls(lambda: clone.follow("upgrade-postgresql", before={"gate stack diff": newer}))
    assert [call for call in made if not call.startswith("delete")] == [
        "create aws:rds/parameterGroup:ParameterGroup postgres-18",
        f"update {DATABASE}",
    ]


def test_what_somebody_changed_by_hand_is_put_back(clone: Any):
    changed = write(clone, "../drift.json", json.dumps({DATABASE: {"backupRetentionPeriod": 1}}))
    made = clone.calls(lambda: clone.follow("drift", {"NAME": "gatehouse-dev"}, before={"pulumi refresh": changed}))
    assert made == [f"update {DATABASE}"]
    assert "backupRetentionPeriod" in clone.printed["pulumi refresh -s dev --preview-only --diff"]


def test_a_restored_database_is_adopted_by_its_id(clone: Any, moto: str):
    """restore.md: the copy has another resource id, which takes the old one's place in the state."""
    rds, subnets = client("rds", moto), client("ec2", moto).describe_subnets()["Subnets"]
    rds.create_db_subnet_group(
        DBSubnetGroupName="gatehouse-dev",
        DBSubnetGroupDescription="x",
        SubnetIds=[each["SubnetId"] for each in subnets],
    )
    rds.create_db_parameter_group(DBParameterGroupName="group", DBParameterGroupFamily="postgres18", Description="x")

    def restored() -> str:
        (listed,) = (text for line, text in clone.printed.items() if "DbiResourceId" in line)
        return next(line.split("\t")[1] for line in listed.splitlines() if line.startswith("gatehouse-dev\t"))

    clone.follow(
        "restore",
        {"GROUP": "members", "sg-ID": "sg-0123", "name NAME": "name group", "OLD_RESOURCE_ID": "db-GATEHOUSE-DEV"},
        later={"NEW_RESOURCE_ID": restored},
    )
    assert restored() in clone.pulumi("stack", "-s", "dev", "--show-ids")


@pytest.mark.parametrize("stack", ["test", "staging", "production"])
def test_every_other_environment_comes_up_as_the_check_says(clone: Any, stack: str):
    key = "awskms://alias/gatehouse-state?region=eu-central-1"
    clone.pulumi("stack", "init", stack, "--secrets-provider", key)
    clone.configure(stack, releases=services(clone))
    clone.up(stack, *PACK)
    expected = {each.urn for each in graph_of(clone.folder, stack, examples=False).resources}
    assert {each["urn"] for each in clone.state(stack) if not ITS_OWN.search(each["urn"])} == expected
    clone.pulumi("preview", "-s", stack, "--expect-no-changes", *PACK)


def test_an_environment_is_parked_and_comes_back_with_its_data(clone: Any):
    clone.configure("staging", parked=True)
    gone = clone.up("staging", *PACK)
    assert {f"delete {SERVICE} members", "delete aws:lb/loadBalancer:LoadBalancer edge"} <= set(gone)
    kept = ("aws:rds/", "aws:kms/", "aws:secretsmanager/", "aws:s3/bucket:", "random:")
    assert not [call for call in gone if call.split()[1].startswith(kept)]
    clone.pulumi("preview", "-s", "staging", "--expect-no-changes", *PACK)
    clone.configure("staging", parked=None)
    back = clone.up("staging", *PACK)
    assert f"create {SERVICE} members" in back
    assert not [call for call in back if call.split()[1].startswith(kept)]
    clone.pulumi("preview", "-s", "staging", "--expect-no-changes", *PACK)


def test_what_is_protected_is_refused_before_anything_is_deleted(clone: Any):
    said = clone.pulumi("destroy", "-s", "production", "--yes", codes=FAILURE)
    assert "protected" in said
    clone.pulumi("preview", "-s", "production", "--expect-no-changes")
    clone.commit()


def test_an_environment_can_be_torn_down(clone: Any):
    """tear-down.md: the protection goes first, where there is one."""

    def unprotected() -> None:
        clone.configure("production", protect=False, database={"deletion_protection": False})

    clone.follow("tear-down", before={"gate stack diff production": unprotected})
    assert not any(each.get("protect") for each in clone.state("production"))
    assert "dev" not in {each["name"].rpartition("/")[2] for each in json.loads(clone.pulumi("stack", "ls", "--json"))}
