"""What local/compose.yaml says, from the catalog; and the secrets of a platform in containers. Needs no engine."""

import shutil
from pathlib import Path

import pytest

from gatehouse_catalog import load_catalog
from gatehouse_local.compose import compose_file, docker_compose
from gatehouse_local.compose.secret_files import write
from gatehouse_local.runner.state import ResourceHealth, ResourceState

ROOT = Path(__file__).parents[3]
CATALOG = load_catalog(ROOT)
CONTAINERS = compose_file.document(CATALOG)["services"]


def started_by(profile: str) -> set[str]:
    return {name for name, one in CONTAINERS.items() if profile in one["profiles"]}


def test_a_services_profile_brings_it_and_all_that_it_needs():
    for service in CATALOG:
        needed = {one.name for one in CATALOG.start_order([service.name])}
        assert needed <= started_by(service.name)
        assert {compose_file.POSTGRES, compose_file.SECRETS, compose_file.EDGE} <= started_by(service.name)


def test_the_database_profile_brings_every_schema_and_no_service():
    databases = {compose_file.database_of(service) for service in CATALOG if service.database}
    assert started_by("db") == {compose_file.POSTGRES, compose_file.SECRETS, *databases}


def test_what_a_container_waits_for_starts_in_each_of_its_profiles():
    for name, one in CONTAINERS.items():
        for needed in one.get("depends_on", {}):
            assert set(one["profiles"]) <= set(CONTAINERS[needed]["profiles"]), f"{name} waits for {needed}"


def test_no_container_may_write_its_files_or_gain_rights():
    for name, one in CONTAINERS.items():
        assert one["read_only"] is True, name
        assert one["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in one["security_opt"], name
        assert all(port.startswith("127.0.0.1:") for port in one.get("ports", [])), name


def test_what_is_mounted_from_the_checkout_is_there():
    for one in CONTAINERS.values():
        for mount in one.get("volumes", []):
            if mount.startswith("../"):
                assert (ROOT / "local" / mount.partition(":")[0]).exists(), mount


def test_secrets_are_made_once_and_only_their_owner_is_told(tmp_path: Path):
    files = compose_file.secret_files(CATALOG)
    for owner in ["kept", *compose_file.owners(CATALOG)]:
        (tmp_path / owner).mkdir()
    write(tmp_path, files)
    before = {path: (tmp_path / path).read_text() for path in files}
    write(tmp_path, files)
    assert {path: (tmp_path / path).read_text() for path in files} == before
    password = before["postgres/password"]
    assert "{" not in "".join(before.values())
    for service in CATALOG:
        assert password not in before.get(f"{service.name}/environment", "")
    assert password not in (ROOT / compose_file.FILE).read_text(encoding="utf-8")


@pytest.fixture
def with_a_new_service(tmp_path: Path) -> Path:
    for service in CATALOG:
        folder = tmp_path / "services" / service.name
        folder.mkdir(parents=True)
        shutil.copy(service.file, folder)
    demo = tmp_path / "services" / "demo"
    demo.mkdir()
    (demo / "service.toml").write_text(
        'name = "demo"\ndomain = "learning"\nsummary = "A demo"\npath = "/api/demo"\nport = 8419\n'
        '[uses]\nservices = ["person"]\n',
        encoding="utf-8",
    )
    return tmp_path


def test_a_new_service_is_there_without_an_edit(with_a_new_service: Path):
    catalog = load_catalog(with_a_new_service)
    containers = compose_file.document(catalog)["services"]
    demo = containers["demo"]
    assert {"all", "api", "demo", "learning"} <= set(demo["profiles"])
    assert demo["depends_on"] == {"person": {"condition": "service_healthy"}}
    assert demo["environment"]["GATEHOUSE_URL_PERSON"] == "http://person:8402"
    assert "http://demo:8419" in containers["edge"]["environment"]["GATEHOUSE_EDGE_ROUTES"]


def container(name: str, **state: object) -> dict:
    return {
        "Config": {"Labels": {"com.docker.compose.service": name}},
        "State": {"Pid": 7, "ExitCode": 0, "StartedAt": "2026-11-23T04:00:00.1Z", **state},
        "HostConfig": {"PortBindings": {"8402/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8402"}]}},
        "RestartCount": 0,
    }


@pytest.mark.parametrize(
    ("name", "state", "expected"),
    [
        (
            "person",
            {"Status": "running", "Health": {"Status": "healthy"}},
            (ResourceState.RUNNING, ResourceHealth.HEALTHY),
        ),
        (
            "person",
            {"Status": "running", "Health": {"Status": "starting"}},
            (ResourceState.STARTING, ResourceHealth.UNKNOWN),
        ),
        ("person", {"Status": "exited"}, (ResourceState.FAILED, ResourceHealth.UNHEALTHY)),
        ("person-database", {"Status": "exited"}, (ResourceState.DONE, ResourceHealth.HEALTHY)),
        ("person-database", {"Status": "exited", "ExitCode": 4}, (ResourceState.FAILED, ResourceHealth.UNHEALTHY)),
    ],
)
def test_a_containers_state_is_shown_as_a_process_is(name: str, state: dict, expected: tuple):
    row = docker_compose.row_of(container(name, **state), CATALOG)
    assert (row.state, row.health) == expected
